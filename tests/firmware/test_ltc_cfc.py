"""The C runtime's CfC on the host, under both sanitizers: every bit as in the integer model, no other image opened."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hil.frame import LtcError
from hil.golden import run_integer
from hil.image import CFC, Header, encoded
from hil.image_cfc import CfcImage, Kind, Layer, Row
from tests.firmware.fuzzing import LTC, assert_finds, fuzz, returned
from tests.firmware.ltc_driver import Refused
from tests.firmware.test_ltc import check
from tests.host_c import LTC_SOURCES, build_program
from tests.networks_cfc import (
    cfc_cases,
    random_cfc_image,
    random_integers,
    random_states,
    random_times,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.firmware.ltc_driver import Driver
    from tests.networks import Case

FULL_SCALE = 1 << 30
IMAGES = 300


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=cfc_cases())
def test_c_equals_the_integer_model(driver: Driver, case: Case) -> None:
    check(driver, case)


def test_images_that_no_converter_would_make(driver: Driver) -> None:
    rng = np.random.default_rng(1)
    for _ in range(IMAGES):
        image = random_cfc_image(rng)
        run(driver, image, rng)


def run(driver: Driver, image: CfcImage, rng: np.random.Generator) -> np.ndarray:
    """The states of two sequences, which must equal the integer model's, as must the outputs."""
    data, shape = image.to_bytes(), (2, 4)
    work = random_integers(rng, (*shape, len(image.input_frac))), random_times(rng, shape)
    state0 = random_states(rng, image.neurons)
    got = driver.run(data, *work, state0, image.layers[-1].units)
    for each, wanted in zip(got, run_integer(data, *work, state0), strict=True):
        np.testing.assert_array_equal(each, wanted)
    return got[0]


ROW = Row(0, 0, 0, np.array([100, 0, 0, 0, -100, 7]))


def small(kind: Kind = Kind.GATED, row: Row = ROW) -> CfcImage:
    """Three inputs, two neurons, a unit of a backbone and one output; `row` is the last one of the cell."""
    before = tuple(replace(ROW, bias=k) for k in range(7))
    unit = replace(ROW, weights=ROW.weights[:5])
    layers = (Layer(Kind.RELU, 0, (unit,)), Layer(kind, 1, (*before, row)), Layer(Kind.LINEAR, 0, (ROW,)))
    return CfcImage(30, layers, np.zeros(3, np.int8))


def opens(driver: Driver, data: bytes, neurons: int = 2, inputs: int = 3, outputs: int = 1) -> None:
    none = np.empty((0, 1, inputs), np.int32), np.empty((0, 1), np.uint32)
    driver.run(data, *none, np.zeros(neurons, np.int32), outputs)


def refuses(driver: Driver, data: bytes, error: LtcError) -> None:
    with pytest.raises(Refused, match=f"^{-error}$"):
        opens(driver, data)


def most(total: int, **change: object) -> Row:
    """A row whose sum can have that magnitude: 5 weights of the largest size at shift 3, and the rest in its bias."""
    weights = np.array([-32768, 32767, 32767, 1, 0, 5])
    used = int(((np.abs(weights) << 15) >> 3).sum()) + len(weights)
    return replace(Row(total - used, 0, 3, weights), **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Kind.GATED, Kind.NO_GATE, Kind.PURE], ids=lambda kind: kind.name)
def test_a_row_s_limits(driver: Driver, kind: Kind) -> None:
    rng = np.random.default_rng(2)
    for row in (most(FULL_SCALE - 1), replace(ROW, shift=31), replace(ROW, left=-128), replace(ROW, left=127)):
        run(driver, small(kind, row), rng)
    negative = most(FULL_SCALE - 1)
    run(driver, small(kind, replace(negative, bias=-negative.bias)), rng)
    for row in (
        most(FULL_SCALE),
        replace(most(FULL_SCALE), bias=-most(FULL_SCALE).bias),
        replace(ROW, bias=FULL_SCALE),
        replace(ROW, bias=-(2**31)),
        replace(ROW, shift=32),
        replace(ROW, shift=255),
    ):
        refuses(driver, small(kind, row).to_bytes(), LtcError.RANGE)


def parts(image: CfcImage) -> tuple[Header, bytes]:
    """Its header, and its layers."""
    layers = image.to_bytes()[40:-3]  # three inputs' formats, and a byte of padding
    words = len(layers) // 4
    return Header(2, 3, 1, 1, 30, 6, CFC, 0, words), layers[: 4 * words]


def test_a_run_reads_sources_that_exist(driver: Driver) -> None:
    header, layers = parts(small())
    at = 4 + 8  # the first run of the unit that reads five sources: two weights of it are one run each
    first, count = struct.unpack_from("<HH", layers, at)
    assert (first, count) == (0, 1)

    def with_first(source: int) -> bytes:
        return encoded(header, layers[:at] + struct.pack("<HH", source, count) + layers[at + 4 :] + bytes(3))

    for source in (0, 4):
        opens(driver, with_first(source))
    for source in (5, 65535):
        refuses(driver, with_first(source), LtcError.RANGE)


@pytest.mark.parametrize(
    "change",
    [
        {"neurons": 3, "channels": 7},
        {"neurons": 1, "channels": 5},
        {"inputs": 2},
        {"outputs": 2},
        {"outputs": 0},
        {"channels": 5},
        {"channels": 7},
        {"sensory_synapses": 1},
        {"neurons": 0},
        {"neurons": 256},
    ],
    ids=str,
)
def test_counts_that_do_not_fit(driver: Driver, change: dict[str, int]) -> None:
    header, layers = parts(small())
    opens(driver, encoded(header, layers + bytes(3)))
    with pytest.raises(Refused, match=r"^-[68]$"):
        opens(driver, encoded(header._replace(**change), layers + bytes(change.get("inputs", 3))))


def test_layers_that_are_cut_off_or_followed_by_more(driver: Driver) -> None:
    header, layers = parts(small())
    for words in range(len(layers) // 4):
        with pytest.raises(Refused, match=r"^-[68]$"):
            opens(driver, encoded(header._replace(synapses=words), layers[: 4 * words] + bytes(3)))
    longer = header._replace(synapses=header.synapses + 1)
    refuses(driver, encoded(longer, layers + bytes(4 + 3)), LtcError.LAYOUT)


def test_kinds_that_there_are(driver: Driver) -> None:
    header, layers = parts(small())
    for kind in (7, 8, 255):
        refuses(driver, encoded(header, bytes([kind]) + layers[1:] + bytes(3)), LtcError.LAYOUT)


def test_a_library_without_it_refuses_it(tmp_path: Path) -> None:
    image = tmp_path / "cfc.bin"
    image.write_bytes(small().to_bytes())
    source = tmp_path / "open.c"
    source.write_text(OPEN_C)
    for flags, error in (((), 0), (("-DLTC_FUSED_ONLY",), -LtcError.SOLVER)):
        program = build_program(tmp_path / "open", source, *LTC_SOURCES, flags=flags)
        done = subprocess.run([program, image], capture_output=True, text=True, check=True)
        assert int(done.stdout) == error


OPEN_C = """
#include <stdio.h>
#include "ltc.h"
static uint32_t image[1024];
static LTC_CFC_MEMORY(memory, 2, 6);
int main(int argc, char **argv) {
    struct ltc net;
    FILE *file = fopen(argv[argc - 1], "rb");
    uint32_t bytes = (uint32_t)fread(image, 1, sizeof image, file);
    fclose(file);
    printf("%d", ltc_open(&net, image, bytes, memory, sizeof memory));
    return ltc_open(&net, image, bytes, memory, sizeof memory - 4) == 0; /* one word less is refused */
}
"""


def _seeds(folder: Path) -> list[str]:
    rng, paths = np.random.default_rng(3), []
    for k in range(8):
        path = folder / f"cfc{k}.bin"
        path.write_bytes(random_cfc_image(rng).to_bytes())
        paths.append(str(path))
    for kind in (Kind.GATED, Kind.PURE):
        path = folder / f"limit{kind}.bin"
        path.write_bytes(small(kind, most(FULL_SCALE - 1)).to_bytes())
        paths.append(str(path))
    return paths


def test_ltc_open_survives_mutated_images(tmp_path: Path) -> None:
    counts = returned(fuzz(tmp_path, LTC, _seeds(tmp_path), 1_000_000))
    reached = {error for error, count in counts.items() if count}
    assert {0, -2, -3, -4, -5, -6, -8} <= reached, f"the fuzzer no longer reaches every check: {counts}"


@pytest.mark.parametrize(
    ("check", "without"),
    [
        ("run->first + run->count > sources", "run->first + run->count > sources + 40000u"),
        ("|| row->shift > 31", ""),
        ("return total < LTC_FULL_SCALE ? at : NULL", "return at"),
        ("end - at < (int32_t)(sizeof *row / 4u)", "false"),
        ("end - at <= (run->count + 1) / 2 ||", ""),
        ("&& sources == net->channels", ""),
    ],
)
def test_the_fuzzer_finds_a_missing_check(tmp_path: Path, check: str, without: str) -> None:
    assert_finds(tmp_path, _seeds(tmp_path), "ltc_cfc_check.c", check, without)
