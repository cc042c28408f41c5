"""Every limit of ltc_open(): what lies on it is taken and computed to the bit, what lies beyond it is refused.

And numbers that random networks hardly ever meet: edges of rounding and of the sigmoid's tables.
"""

from __future__ import annotations

import subprocess
import zlib
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.frame import LtcError
from hil.golden import integer, run_integer
from hil.image import FULL_SCALE, NEURON, OUTPUT, SYNAPSE, ModelImage
from tests.firmware.ltc_driver import Refused
from tests.host_c import LTC_SOURCES, REPO, build_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.firmware.ltc_driver import Driver

ELAPSED_MIN, ELAPSED_MAX = 4194, 4194304000
SUM_LIMIT = 1 << 62
LINK = (0, 0, 1, 0, 0, 0)  # offset, slope and source, weight, shift, weight_shift, reversal


def small(row: int = -1, **fields: object) -> ModelImage:
    """Two neurons, two inputs, two outputs; one synapse of either kind onto each neuron; `row` has the fields given."""
    image = ModelImage(
        unfolds=1,
        state_frac=30,
        neuron=np.array([(1 << 40, 0, 0, 0, 0, 1, 1)] * 2, NEURON),
        sensory=np.array([LINK] * 2, SYNAPSE),
        synapse=np.array([LINK] * 2, SYNAPSE),
        output=np.array([(1, 0, 0, 0, 0)] * 2, OUTPUT),
        input_frac=np.zeros(2, np.int8),
    )
    records = {}
    for path, value in fields.items():
        table, _, column = path.partition("_")
        records[table] = records.get(table, getattr(image, table).copy())
        records[table][column][row] = value
    return replace(image, **records)


def run(driver: Driver, image: ModelImage, state0: object = 0, elapsed: int = ELAPSED_MIN) -> None:
    """Have the image taken, or raise Refused; one step must equal the integer model's."""
    neurons, inputs, outputs = len(image.neuron), len(image.input_frac), len(image.output)
    start = np.zeros(neurons, np.int32) + np.asarray(state0, np.int32)
    none = np.empty((0, 1, inputs), np.int32), np.empty((0, 1), np.uint32)
    driver.run(image.to_bytes(), *none, start, outputs)
    step = np.full((1, 1, inputs), 12345, np.int32), np.full((1, 1), elapsed, np.uint32)
    got = driver.run(image.to_bytes(), *step, start, outputs)
    for each, wanted in zip(got, run_integer(image.to_bytes(), *step, start), strict=True):
        np.testing.assert_array_equal(each, wanted)


def bare(neurons: int, **columns: object) -> ModelImage:
    """Neurons alone, without input or output; num and den 1 unless columns say otherwise."""
    records = np.array([(1, 0, 0, 0, 0, 0, 0)] * neurons, NEURON)
    for column, values in columns.items():
        records[column] = values
    none = np.zeros(0, SYNAPSE)
    return ModelImage(1, 30, records, none, none, np.zeros(0, OUTPUT), np.zeros(1, np.int8))


def refuses(driver: Driver, image: ModelImage, error: LtcError) -> None:
    with pytest.raises(Refused, match=f"^{-error}$"):
        run(driver, image)


# Of a record: the column, values on its limits, and values beyond them.
LIMITS = [
    ("sensory_slope_source", [65535 << 8, -65535 << 8], [65536 << 8, -65536 << 8]),
    ("synapse_slope_source", [65535 << 8, -65535 << 8], [65536 << 8, -65536 << 8]),
    ("synapse_offset", [FULL_SCALE - 1, 1 - FULL_SCALE], [FULL_SCALE, -FULL_SCALE]),
    ("synapse_shift", [31, -12], [32, -13]),
    ("synapse_weight_shift", [30, -128], [31]),
    ("synapse_reversal", [1, -1], [2, -2]),
    ("neuron_den", [1, SUM_LIMIT - (2 << 16)], [0, -1, SUM_LIMIT - (2 << 16) + 1, SUM_LIMIT + 1, (1 << 63) - 1]),
    ("neuron_num", [1 << 40, -1 << 40], [(1 << 40) + 1, (-1 << 40) - 1]),
    ("neuron_zero", [0], [1]),
    ("neuron_cm_shift", [16 + 21, -128], [16 + 22]),  # the rate of one unfold at the shortest elapsed is m * 2^-21
    ("output_gain", [65535, -65535], [65536, -65536]),
    ("output_offset", [FULL_SCALE - 1, 1 - FULL_SCALE], [FULL_SCALE, -FULL_SCALE]),
    ("output_shift", [31, 0], [32]),
    ("output_zero", [0], [1]),
]


@pytest.mark.parametrize(("column", "taken", "refused"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_column_s_limits(driver: Driver, column: str, taken: list[int], refused: list[int]) -> None:
    for value in taken:
        run(driver, small(**{column: value}), FULL_SCALE)
    for value in refused:
        for row in (0, -1):
            refuses(driver, small(row, **{column: value}), LtcError.RANGE)


@pytest.mark.parametrize("table", ["sensory", "synapse"])
def test_a_synapse_names_a_source_that_exists(driver: Driver, table: str) -> None:
    run(driver, small(**{f"{table}_slope_source": 1}))
    refuses(driver, small(**{f"{table}_slope_source": 2}), LtcError.INDEX)
    refuses(driver, replace(small(sensory_slope_source=1), input_frac=np.zeros(1, np.int8)), LtcError.INDEX)


def test_the_unfolds_limits(driver: Driver) -> None:
    for unfolds in (1, 32):
        run(driver, replace(small(), unfolds=unfolds))
    for unfolds in (0, 33):
        refuses(driver, replace(small(), unfolds=unfolds), LtcError.RANGE)


def test_the_largest_network_and_one_larger(driver: Driver) -> None:
    sources = np.tile(np.arange(255), 255)
    wires = np.zeros(255 * 255, SYNAPSE)
    wires["weight"], wires["slope_source"], wires["reversal"] = 7, (sources + 300) << 8 | sources, sources % 8
    dense = replace(
        bare(255, den=1 << 20, sensory=255, synapses=255),
        sensory=wires,
        synapse=wires,
        output=np.array([(1, 0, 0, 0, 0)] * 255, OUTPUT),
        input_frac=np.zeros(255, np.int8),
    )
    run(driver, dense, np.arange(255) << 22)
    one_more = np.append(wires, wires[:1])
    for larger in (
        bare(256),
        replace(bare(1), input_frac=np.zeros(256, np.int8)),
        replace(dense, sensory=one_more),
        replace(dense, synapse=one_more),
        replace(small(), output=np.array([(1, 0, 0, 0, 0)] * 3, OUTPUT)),
        bare(0),
    ):
        refuses(driver, larger, LtcError.LAYOUT)


@pytest.mark.parametrize("table", ["sensory", "synapse"])
def test_the_neurons_have_all_synapses_and_no_more(driver: Driver, table: str) -> None:
    column = "sensory" if table == "sensory" else "synapses"
    for first, last in ((1, 0), (1, 2), (2, 1), (0, 1), (3, 0), (2, 4)):
        image = small()
        image.neuron[column] = first, last
        refuses(driver, image, LtcError.LAYOUT)
    image = small()
    image.neuron[column] = 2, 0
    run(driver, image)


@pytest.mark.parametrize(
    ("at", "count", "value", "padding"),
    [(6, 2, 31, 0), (6, 2, 33, 0), (6, 2, 0, 0), (8, 4, 4, 4), (8, 4, -4, 0)],
    ids=["header shorter", "header longer", "no header", "image longer", "image shorter"],
)
def test_the_lengths_in_the_header(driver: Driver, at: int, count: int, value: int, padding: int) -> None:
    whole = small().to_bytes()
    data = bytearray(whole) + bytes(padding)
    data[at : at + count] = (value if at == 6 else len(whole) + value).to_bytes(count, "little")
    data[12:16] = zlib.crc32(data[16 : int.from_bytes(data[8:12], "little")], zlib.crc32(data[:12])).to_bytes(
        4, "little"
    )
    none = np.empty((0, 1, 2), np.int32), np.empty((0, 1), np.uint32), np.zeros(2, np.int32)
    with pytest.raises(Refused, match=f"^{-LtcError.LAYOUT}$"):
        driver.run(bytes(data), *none, 2)


def test_all_that_can_be_added_to_a_neuron_stays_within_the_limit(driver: Driver) -> None:
    # Fully open a synapse adds weight << 16 << weight_shift: here 2^60 three times, then 2^59, which leaves 2^59.
    wires = np.array([(0, 0, 1 << 14, 0, 30, 0)] * 2, SYNAPSE)
    fewer = wires.copy()
    fewer["weight_shift"][-1] = 29
    for den, sensory, synapse in ((1 << 59, wires, fewer), (1 << 59, fewer, wires)):
        image = replace(bare(2), sensory=sensory, synapse=synapse)
        image.neuron[0] = (den, 0, 0, 0, 0, 2, 2)
        run(driver, image)
        image.neuron[0]["den"] += 1
        refuses(driver, image, LtcError.RANGE)


def test_a_capacitance_counts_and_cannot_wrap(driver: Driver) -> None:
    run(driver, bare(1, den=SUM_LIMIT))
    refuses(driver, bare(1, den=SUM_LIMIT + 1), LtcError.RANGE)
    (mantissa,), (exponent,) = integer.rate(1, np.array([ELAPSED_MIN]))
    fastest = int(mantissa) << 16
    run(driver, bare(1, den=SUM_LIMIT - fastest, cm=1, cm_shift=16 - exponent), 1 << 29)
    refuses(driver, bare(1, den=SUM_LIMIT - fastest + 1, cm=1, cm_shift=16 - exponent), LtcError.RANGE)
    # 31 unfolds: nearly 2^64, so that the sum with a large leak would begin at 0 again.
    (mantissa,), (exponent,) = integer.rate(31, np.array([ELAPSED_MIN]))
    fastest = 65535 * int(mantissa) << 16
    for den in (SUM_LIMIT, (1 << 64) - fastest + 1, (1 << 63) - 1):
        image = replace(bare(1, den=den, cm=65535, cm_shift=16 - exponent), unfolds=31)
        refuses(driver, image, LtcError.RANGE)


def test_capacitances_of_any_size(driver: Driver) -> None:
    shifts = np.arange(-128, 37)
    for elapsed, den in product((ELAPSED_MIN, 1 << 22, ELAPSED_MAX), (1, 1 << 30)):
        run(driver, bare(len(shifts), den=den, num=den, cm=65535, cm_shift=shifts), 1 << 28, elapsed)


def test_a_rate_that_just_misses_the_next_one(driver: Driver) -> None:
    # At this elapsed time the division for 5 unfolds leaves the largest remainder there is: divisor - 1.
    rng = np.random.default_rng(1)
    den = rng.integers(1 << 41, 1 << 42, 255)
    num, state = rng.integers(-den, den + 1, 255), rng.integers(-FULL_SCALE, FULL_SCALE + 1, 255)
    run(driver, replace(bare(255, den=den, num=num, cm=65535, cm_shift=32), unfolds=5), state, 2203254998)


def test_states_whose_pull_lies_on_an_edge_of_rounding(driver: Driver) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        den = rng.integers(1 << 28, 1 << 29, 255) * 2 + 1
        rest = rng.choice([-1, 1], 255) * (2 * rng.integers(0, 1 << 13, 255) + 1)
        state = [int(r) * pow(int(d), -1, 1 << 30) % (1 << 30) for r, d in zip(rest, den, strict=True)]
        run(driver, bare(255, den=den, num=rng.integers(-den, den + 1)), state - rng.choice([0, 1 << 30], 255))


def test_sigmoids_at_every_edge_of_their_tables(driver: Driver) -> None:
    whole = np.arange(-70, 71) << 16
    edges = np.concatenate([whole, np.arange(-9 << 5, 9 << 5) << 11, np.arange(-5 << 7, -1 << 7) << 9])
    arguments = (edges[:, None] + np.array([-1, 0, 1])).ravel()
    for x in np.array_split(arguments, len(arguments) // 255 + 1):
        mantissa, exponent = integer.sigmoid(x)
        contribution = np.where(exponent < 20, (40000 * mantissa) << 20 >> np.minimum(exponent, 50), 1)
        wires = np.zeros(len(x), SYNAPSE)
        wires["offset"], wires["weight"], wires["weight_shift"], wires["reversal"] = x, 40000, 20, 40000
        image = bare(len(x), den=np.maximum(contribution, 1), sensory=1)
        run(driver, replace(image, sensory=wires))


def test_every_call_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(small().to_bytes())
    source = REPO / "tests" / "firmware" / "ltc_calls.c"
    program = build_program(tmp_path / "calls", source, *LTC_SOURCES)
    done = subprocess.run([program, str(image)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
