"""A wrong CfC turns the run red: each defect is built from real sources, flashed, and run on the emulated board."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.golden import run_integer
from hil.model import load_model
from hil.vectors import load_vectors
from tests.hil.defects import BOARD, Defect, Workshop
from tests.host_c import REPO
from tests.networks_cfc import random_cfc_case, random_cfc_image, random_integers, random_states, random_times

if TYPE_CHECKING:
    from pathlib import Path

    from hil.dut.dut import Dut

FOLDER = REPO / "tests" / "cfc"
SOLVER = "ltc/ltc_solver.h"
CASES = ("default", "no_gate", "pure", "relu", "wired")
CFC, MATH = "ltc/ltc_cfc.c", "ltc/ltc_math.c"
DEFECTS = [
    Defect("product shifted by one more", CFC, "run->count, row->shift)", "run->count, row->shift + 1u)"),
    Defect("run of another source", CFC, "source + run->first", "source"),
    Defect("bias dropped", CFC, "int32_t sum = row->bias;", "int32_t sum = 0;"),
    Defect("absent weights not skipped", CFC, "runs = row->runs; runs > 0", "runs = row->runs; runs > 1"),
    Defect("padding not skipped", CFC, "(run->count + 1u) & ~1u", "run->count"),
    Defect("ff1 and ff2 swapped", CFC, "sum = tangent(&term[0]);", "sum = tangent(&term[1]);"),
    Defect("ff2 of the gate left out", CFC, "kind == LTC_GATED ? second - sum", "kind == LTC_GATED ? second"),
    Defect("gate of the other mode", CFC, "kind == LTC_GATED ?", "kind == LTC_NO_GATE ?"),
    Defect("elapsed ignored", CFC, "ltc_bits(elapsed)", "ltc_bits(1u << LTC_ELAPSED_FRAC)"),
    Defect(
        "elapsed off by a factor of two",
        CFC,
        "16 - LTC_ELAPSED_FRAC - elapsed_shift",
        "17 - LTC_ELAPSED_FRAC - elapsed_shift",
    ),
    Defect(
        "time_a and time_b swapped",
        CFC,
        "times(elapsed, term[2].sum, term[2].left)",
        "times(elapsed, sum, term[3].left)",
    ),
    Defect("tangent not stretched", CFC, "return value + (value >> 15);", "return value;"),
    Defect("gate not rounded", CFC, "ltc_sigmoid(position) + (1u << 15)", "ltc_sigmoid(position)"),
    Defect("left shift not clamped", CFC, "ltc_clamped(value, LTC_FULL_SCALE >> left) << left", "value << left"),
    Defect("sign of ff1 in the decay", CFC, "(sum < 0 ? -sum : sum)", "sum"),
    Defect("tau dropped", CFC, "+ term[1].sum, LTC_FULL_SCALE)", ", LTC_FULL_SCALE)"),
    Defect("A dropped", CFC, " + term[3].sum;", ";"),
    Defect("whole powers of the decay dropped", CFC, "term[2].left - (exponent >> 16)", "term[2].left"),
    Defect("power between wholes", MATH, "45341u - ((sum * fraction) >> 16)", "45341u"),
    Defect("relu lets through", CFC, "kind == LTC_RELU && sum < 0 ?", "kind == LTC_RELU && sum > 0 ?"),
    Defect("silu is linear", CFC, "return gate(sum, place);", "return sum;"),
    Defect(
        "states seen within their layer",
        CFC,
        "*wide++ = value;",
        "*wide++ = value; net->before[wide - 1 - state] = (int16_t)(value >> 15);",
    ),
    Defect(
        "layer of the last states",
        CFC,
        "net->before[j] = (int16_t)(state[j] >> 15);",
        "net->before[j] = net->before[j];",
    ),
    Defect(
        "input not clamped",
        CFC,
        "(int16_t)(ltc_clamped(inputs[i], LTC_FULL_SCALE) >> 15)",
        "(int16_t)(inputs[i] >> 15)",
    ),
    Defect("units over the states", CFC, "*other = net->before + net->neurons;", "*other = net->before;"),
    Defect(
        "states in another order", SOLVER, "(int32_t *)net->cell + j", "(int32_t *)net->cell + net->neurons - 1u - j"
    ),
    Defect("sigmoid saturates too early", MATH, "return position < 0 ? 1u << 16", "return position < 0 ? 1u << 18"),
]


def _some_bit_differs(root: Path) -> bool:
    with open_dut(load_board(BOARD), DutOptions(firmware_root=root)) as dut:
        for name in CASES:
            model = load_model(FOLDER / f"{name}.model.npz")
            vectors = load_vectors(FOLDER / f"{name}.vectors.npz", model)
            if not dut.run(model, vectors, check=False).bits_equal:
                return True
        return _some_random_one_differs(dut)


def _some_random_one_differs(dut: Dut) -> bool:
    """What the networks of the folder lack: ends of scales, silu, and images that no converter would make."""
    for seed in range(12):
        case = random_cfc_case(np.random.default_rng(seed), 1 + seed, 3, (0.0, 0.5, 2.0)[seed % 3], steps=3)
        if _differs(dut, case.converted.image, case.inputs, case.elapsed, case.state0):
            return True
    for seed in range(40):
        rng = np.random.default_rng(seed)
        image = random_cfc_image(rng)
        inputs, elapsed = random_integers(rng, (1, 3, len(image.input_frac))), random_times(rng, (1, 3))
        if _differs(dut, image.to_bytes(), inputs, elapsed, random_states(rng, image.neurons)):
            return True
    return False


def _differs(dut: Dut, image: bytes, *work: np.ndarray) -> bool:
    got, wanted = dut.run_image(image, *work), run_integer(image, *work)
    return any(not np.array_equal(*pair) for pair in zip(got, wanted, strict=True))


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_a_defect_turns_the_run_red(workshop: Workshop, defect: Defect) -> None:
    caught = workshop.catches(defect, _some_bit_differs)
    assert caught, f"'{defect.name}' passed {', '.join(CASES)} and random networks on the emulated board"


def test_without_a_defect_the_run_is_green() -> None:
    assert not _some_bit_differs(REPO / "firmware")
