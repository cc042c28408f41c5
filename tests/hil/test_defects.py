"""Wrong firmware turns the run red: each defect is built from real sources, flashed, and run on the emulated board."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.dut.dut import Dut, open_dut
from hil.errors import LinkError, TargetFault
from hil.golden import run_integer
from hil.model import load_model
from hil.vectors import load_vectors
from tests.host_c import REPO
from tests.networks import random_case

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = REPO / "examples" / "networks"
CASES = ("linear_maps", "irregular", "basicmotions", "dead_inputs", "unfold1")


@dataclass(frozen=True)
class Defect:
    """One edit of one source file."""

    name: str
    file: str
    right: str
    wrong: str

    def plant(self, root: Path) -> None:
        """Make the edit in a copy of firmware/."""
        path = root / self.file
        source = path.read_text()
        assert source.count(self.right) == 1, f"{self.right!r} is {source.count(self.right)} times in {self.file}"
        path.write_text(source.replace(self.right, self.wrong))


LTC, MATH, CRC, AGENT = "ltc/ltc.c", "ltc/ltc_math.c", "ltc/ltc_crc.c", "agent/agent.c"
DEFECTS = [
    Defect(
        "sigmoid table off by one",
        MATH,
        "[magnitude >> LTC_SIGMOID_STEP_BITS]",
        "[(magnitude >> LTC_SIGMOID_STEP_BITS) + 1]",
    ),
    Defect(
        "power table off by one", MATH, "[fraction >> LTC_POWER_STEP_BITS]", "[(fraction + 256) >> LTC_POWER_STEP_BITS]"
    ),
    Defect("no interpolation", MATH, "magnitude & ((1u << LTC_SIGMOID_STEP_BITS) - 1u)", "magnitude & 0u"),
    Defect("one shift too many", MATH, "(power * upper) >> FRACTION_BITS", "(power * upper) >> (FRACTION_BITS + 1)"),
    Defect("tails not as small", LTC, "synapse->weight_shift - (int32_t)open.exponent", "synapse->weight_shift"),
    Defect("sigmoid cut at 8", MATH, "exponent > LAST_EXPONENT", "exponent > 11"),
    Defect("sigmoid not mirrored", MATH, "(struct ltc_sigmoid){ONE - upper, 0}", "(struct ltc_sigmoid){upper, 0}"),
    Defect(
        "epsilon and leak dropped",
        LTC,
        "(uint64_t)neuron->den_hi << 32 | neuron->den_lo",
        "(uint64_t)neuron->den_hi << 32 | 1u",
    ),
    Defect("stale state", LTC, "net->next[j] =", "net->state[j] ="),
    Defect("one unfold fewer", LTC, "turn < net->unfolds", "turn + 1 < net->unfolds"),
    Defect("one unfold more", LTC, "turn < net->unfolds", "turn <= net->unfolds"),
    Defect(
        "swapped synapse",
        LTC,
        "        synapse += neuron->synapses;",
        "        synapse += neuron->synapses == 2 ? 1 : neuron->synapses;",
    ),
    Defect(
        "source off by one", LTC, "source[synapse->slope_source & 0xFF]", "source[(synapse->slope_source ^ 1) & 0xFF]"
    ),
    Defect("sign of the reversal", LTC, "num -= (int64_t)", "num += (int64_t)"),
    Defect(
        "sign of a large slope", LTC, "synapse->slope_source >> 8)", "(int32_t)((uint32_t)synapse->slope_source >> 8))"
    ),
    Defect("elapsed ignored", LTC, "ltc_rate(net->unfolds, elapsed)", "ltc_rate(net->unfolds, 1u << LTC_ELAPSED_FRAC)"),
    Defect("capacitance doubled", MATH, "+ 22 - 31", "+ 22 - 30"),
    Defect("change not rounded", LTC, "(size << STATE_BITS) + (divisor >> 1)", "size << STATE_BITS"),
    Defect("leak of the first neuron alone", LTC, "ltc_leak(&net->neuron[j])", "ltc_leak(&net->neuron[0])"),
    Defect("output offset dropped", LTC, ">> output->shift) + output->offset", ">> output->shift)"),
    Defect(
        "outputs from the last neurons",
        LTC,
        "ltc_multiply(net->state[k], output->gain)",
        "ltc_multiply(net->state[net->neurons - 1u - k], output->gain)",
    ),
    Defect("quotient one bit short", MATH, "bit < 32; bit++", "bit < 31; bit++"),
    Defect("state not set", LTC, "        net->state[j] = state[j];", "        (void)state[j];"),
    Defect(
        "wrong endianness of elapsed",
        AGENT,
        "error = ltc_step(&agent->net, (const int32_t *)&words[1], words[0],",
        "error = ltc_step(&agent->net, (const int32_t *)&words[1], __builtin_bswap32(words[0]),",
    ),
    Defect(
        "stale image",
        AGENT,
        "agent->memory.arena[offset + i] = bytes[i];",
        "agent->memory.arena[offset + i] |= bytes[i];",
    ),
    Defect(
        "states of the first step", AGENT, "(void)ltc_get_state(", "if (agent->states[0] == 0) (void)ltc_get_state("
    ),
    Defect("CRC wrong", CRC, "0xEDB88320u", "0xEDB88321u"),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda d: d.name.replace(" ", "-"))
def test_a_defect_turns_the_run_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, defect: Defect) -> None:
    root = tmp_path / "firmware"
    shutil.copytree(REPO / "firmware", root)
    defect.plant(root)
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    assert _is_caught(root), f"'{defect.name}' passed {', '.join(CASES)} on the emulated board"


def test_without_a_defect_the_run_is_green() -> None:
    assert not _some_bit_differs(REPO / "firmware")


def _is_caught(root: Path) -> bool:
    """Whether the run is red in any way: a bit differs, or the link or the target's own checks object."""
    try:
        return _some_bit_differs(root)
    except (LinkError, TargetFault):
        return True


def _some_bit_differs(root: Path) -> bool:
    with open_dut(load_board("microbit"), firmware_root=root) as dut:
        for name in CASES:
            model = load_model(NETWORKS / f"{name}.model.npz")
            vectors = load_vectors(NETWORKS / f"{name}.vectors.npz", model)
            if not dut.run(model, vectors, check=False).bits_equal:
                return True
        return any(_differs(dut, seed) for seed in range(6))


def _differs(dut: Dut, seed: int) -> bool:
    """Whether a random network differs: the reference networks have no negative slope and few shapes."""
    case = random_case(np.random.default_rng(seed), 5 + seed, 3, 0.7, seed / 4, steps=3)
    got = dut.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)
    wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    return any(not np.array_equal(*pair) for pair in zip(got, wanted, strict=True))
