"""Every limit of ltc_open(): what lies on it is taken and computed to the bit, what lies beyond it is refused.

And numbers that random networks hardly ever meet: edges of rounding, of the tables and of every shift.
"""

from __future__ import annotations

import subprocess
import zlib
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hil.frame import LtcError
from hil.golden import integer, run_integer
from hil.golden.tables import INTERVALS
from hil.image import FULL_SCALE, HALF_UPPER, MAP, NEURON, OPEN, SUM_MAX, SYNAPSE, WIDE_FRAC, ModelImage
from tests.firmware.ltc_driver import Refused
from tests.host_c import LTC_SOURCES, REPO, build_program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.firmware.ltc_driver import Driver

ELAPSED_MIN, ELAPSED_MAX, ELAPSED_ONE = 4194, 4194304000, 1 << 22
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
LEAK_MAX = (SUM_MAX - HALF_UPPER) << WIDE_FRAC
SURE = 1 << 60  # a leak that leaves a neuron to the kernel
WIDE = 1  # one that does not
LINK = (0, 0, 1, 0)  # slope and source, offset, weight, reversal
PLAIN = (1, 0, 0, 0, 0)  # gain, offset, shift, of, zero
MAX_SYNAPSES = 1 << 20
HEADER = {
    "header_bytes": (6, 2),
    "total_bytes": (8, 4),
    "solver": (26, 1),
    "zero": (27, 1),
    "sensory": (28, 4),
    "synapses": (32, 4),
    "error_bound": (36, 4),
}


def small(row: int = -1, **fields: object) -> ModelImage:
    """Two neurons, inputs, channels and outputs, a synapse of either kind onto each neuron; `row` has the fields given.

    The first neuron is a wide one.
    """
    image = ModelImage(
        unfolds=1,
        state_frac=30,
        neuron=np.array([(WIDE << 40, 0, 0, 0, 0, 1, 1), (SURE, 0, 0, 0, 0, 1, 1)], NEURON),
        channel=np.array([PLAIN] * 2, MAP),
        sensory=np.array([LINK] * 2, SYNAPSE),
        synapse=np.array([LINK] * 2, SYNAPSE),
        output=np.array([PLAIN] * 2, MAP),
        input_frac=np.zeros(2, np.int8),
    )
    records: dict[str, Any] = {}
    for path, value in fields.items():
        table, _, column = path.partition("_")
        records[table] = records.get(table, getattr(image, table).copy())
        records[table][column][row] = value
    return replace(image, **records)


def bare(neurons: int, **columns: object) -> ModelImage:
    """Neurons alone, with one input but no channel or output; den 1 and all else 0 unless columns say otherwise."""
    records = np.array([(1, 0, 0, 0, 0, 0, 0)] * neurons, NEURON)
    for column, values in columns.items():
        records[column] = values
    none, no_map = np.zeros(0, SYNAPSE), np.zeros(0, MAP)
    return ModelImage(1, 30, records, no_map, none, none, no_map, np.zeros(1, np.int8))


def wired(wires: np.ndarray, reading: int, den: object) -> ModelImage:
    """A neuron for each sensory synapse, all of one channel that reads the same whatever the input is."""
    channel = np.array([(0, reading, 0, 0, 0)], MAP)
    return replace(bare(len(wires), den=den, sensory=1), channel=channel, sensory=wires)


def wires(count: int, **columns: object) -> np.ndarray:
    records = np.zeros(count, SYNAPSE)
    for column, values in columns.items():
        records[column] = values
    return records


def opens(driver: Driver, data: bytes, image: ModelImage) -> None:
    """Have the image taken, or raise Refused."""
    none = np.empty((0, 1, len(image.input_frac)), np.int32), np.empty((0, 1), np.uint32)
    driver.run(data, *none, np.zeros(len(image.neuron), np.int32), len(image.output))


def run(
    driver: Driver, image: ModelImage, state0: object = 0, elapsed: int = ELAPSED_MIN, value: int = 12345
) -> np.ndarray:
    """The states after one step, which must equal the integer model's, as must the outputs."""
    data, neurons, outputs = image.to_bytes(), len(image.neuron), len(image.output)
    opens(driver, data, image)
    start = np.zeros(neurons, np.int32) + np.asarray(state0, np.int32)
    step = np.full((1, 1, len(image.input_frac)), value, np.int32), np.full((1, 1), elapsed, np.uint32)
    got = driver.run(data, *step, start, outputs)
    for each, wanted in zip(got, run_integer(data, *step, start), strict=True):
        np.testing.assert_array_equal(each, wanted)
    return got[0].ravel()


def refuses(driver: Driver, image: ModelImage, error: LtcError, data: bytes = b"") -> None:
    with pytest.raises(Refused, match=f"^{-error}$"):
        opens(driver, data or image.to_bytes(), image)


def patched(data: bytes, **fields: int) -> bytes:
    """An image with other fields in its header, and the CRC that fits."""
    changed = bytearray(data)
    for name, value in fields.items():
        at, count = HEADER[name]
        changed[at : at + count] = value.to_bytes(count, "little")
    end = int.from_bytes(changed[8:12], "little")
    changed[12:16] = zlib.crc32(changed[16:end], zlib.crc32(changed[:12])).to_bytes(4, "little")
    return bytes(changed)


MAP_LIMITS = [
    ("gain", [65535, -65535], [65536, -65536, INT32_MIN]),
    ("offset", [FULL_SCALE - 1, 1 - FULL_SCALE], [FULL_SCALE, -FULL_SCALE, INT32_MIN]),
    ("shift", [31, 0], [32, 255]),
    ("zero", [0], [1]),
]
# Of what weights beyond 16 bits add, 32 bits may be little.
SYNAPSE_LIMITS = [
    ("offset", [FULL_SCALE - 256 + 31, 1 - FULL_SCALE, 0, 31], [FULL_SCALE, -FULL_SCALE, INT32_MIN, 32, 255, -1]),
    ("weight", [0, 32000], [65535, 65536, 2**32 - 1, (1 << 17) + 5, (1 << 28) + 32000]),
    ("reversal", [1, -1], [2, -2, INT32_MAX, INT32_MIN]),
]
# Of a record: the column, values on its limits, and values beyond them.
LIMITS = [
    *(
        (f"{table}_{column}", taken, refused)
        for table in ("channel", "output")
        for column, taken, refused in MAP_LIMITS
    ),
    *(
        (f"{table}_{column}", taken, refused)
        for table in ("sensory", "synapse")
        for column, taken, refused in SYNAPSE_LIMITS
    ),
    ("neuron_den", [1, LEAK_MAX - (2 * OPEN << 32)], [0, -1, LEAK_MAX - (2 * OPEN - 1 << 32), LEAK_MAX + 1]),
    ("neuron_zero", [0], [1, 255]),
    ("neuron_cm", [0, 1, 65535], []),
    ("neuron_cm_shift", [127, -128], []),
    ("output_of", [0, 255], []),
]


@pytest.mark.parametrize(("column", "taken", "refused"), LIMITS, ids=[row[0] for row in LIMITS])
def test_a_column_s_limits(driver: Driver, column: str, taken: list[int], refused: list[int]) -> None:
    for row in (0, -1):
        for value in taken:
            run(driver, small(row, **{column: value}), FULL_SCALE - 1)
        for value in refused:
            refuses(driver, small(row, **{column: value}), LtcError.RANGE)


def test_a_leak_s_limits(driver: Driver) -> None:
    for den in (1, 2, 1 << 40, LEAK_MAX):
        for num in (-den, 0, den):
            run(driver, bare(2, den=den, num=num), [-FULL_SCALE, FULL_SCALE - 1])
        for num in (-den - 1, den + 1, -(1 << 63), (1 << 63) - 1):
            refuses(driver, bare(2, den=den, num=[0, num]), LtcError.RANGE)
    for den in (0, -1, -(1 << 63), LEAK_MAX + 1, LEAK_MAX + (1 << 32), (1 << 63) - 1):
        refuses(driver, bare(2, den=[1, den]), LtcError.RANGE)


@pytest.mark.parametrize(("table", "count"), [("sensory", "channel"), ("synapse", "neuron")])
def test_a_synapse_names_a_source_that_exists(driver: Driver, table: str, count: str) -> None:
    for source in (2, 0x7FFF0000 | 2, -0x80000000 | 2):
        run(driver, small(**{f"{table}_slope_source": source}))
    for source in (4, 0xFFFE, -0x80000000 | 4, 1, 3, 5):
        refuses(driver, small(**{f"{table}_slope_source": source}), LtcError.INDEX)
    one = replace(small(**{f"{table}_slope_source": 2}), **{count: getattr(small(), count)[:1]})
    if table == "sensory":
        refuses(driver, one, LtcError.INDEX)


def test_a_channel_is_of_an_input_that_exists(driver: Driver) -> None:
    run(driver, small(channel_of=1))
    for of in (2, 255):
        refuses(driver, small(channel_of=of), LtcError.INDEX)
    refuses(driver, replace(small(channel_of=1), input_frac=np.zeros(1, np.int8)), LtcError.INDEX)


def test_the_unfolds_limits(driver: Driver) -> None:
    for unfolds in (1, 32):
        run(driver, replace(small(), unfolds=unfolds))
    for unfolds in (0, 33, 255):
        refuses(driver, replace(small(), unfolds=unfolds), LtcError.RANGE)


def test_the_largest_network_and_one_larger(driver: Driver) -> None:
    sources = np.tile(np.arange(255), 255)
    every = wires(
        255 * 255,
        slope_source=(sources + 300) << 16 | 2 * sources,
        offset=128 << 16 | 1,
        weight=7,
        reversal=sources % 8,
    )
    dense = replace(
        bare(255, den=1 << 55, sensory=255, synapses=255),
        channel=np.array([(65535, 3 * i, 10, i, 0) for i in range(255)], MAP),
        sensory=every,
        synapse=every,
        output=np.array([PLAIN] * 255, MAP),
        input_frac=np.zeros(255, np.int8),
    )
    run(driver, dense, np.arange(255) << 22)
    one_more = np.append(every, every[:1])
    for larger in (
        bare(256),
        replace(dense, sensory=one_more),
        replace(dense, synapse=one_more),
        replace(small(), output=np.array([PLAIN] * 3, MAP)),
        bare(0),
    ):
        refuses(driver, larger, LtcError.LAYOUT)


def test_inputs_and_channels_have_no_limit_but_their_type(driver: Driver) -> None:
    image = replace(bare(1), channel=np.array([PLAIN] * 65535, MAP), input_frac=np.zeros(65535, np.int8))
    run(driver, image)


@pytest.mark.parametrize("table", ["sensory", "synapse"])
def test_as_many_synapses_as_an_image_may_have_and_one_more(driver: Driver, table: str) -> None:
    column = "sensory" if table == "sensory" else "synapses"
    for count in (MAX_SYNAPSES - 1, MAX_SYNAPSES):
        share = np.full(32, count // 32)
        share[: count % 32] += 1
        records: dict[str, Any] = {table: np.zeros(count, SYNAPSE)}
        image = replace(bare(32, **{column: share}), channel=np.array([PLAIN], MAP), **records)
        if count < MAX_SYNAPSES:
            opens(driver, image.to_bytes(), image)
        else:
            refuses(driver, image, LtcError.LAYOUT)


@pytest.mark.parametrize("table", ["sensory", "synapse"])
def test_the_neurons_have_all_synapses_and_no_more(driver: Driver, table: str) -> None:
    column = "sensory" if table == "sensory" else "synapses"
    for first, last in ((1, 0), (1, 2), (2, 1), (0, 1), (3, 0), (2, 4), (65535, 3)):
        image = small()
        image.neuron[column] = first, last
        refuses(driver, image, LtcError.LAYOUT)
    image = small()
    image.neuron[column] = 2, 0
    run(driver, image)


@pytest.mark.parametrize(
    ("fields", "padding"),
    [
        ({"header_bytes": 39}, 0),
        ({"header_bytes": 41}, 0),
        ({"header_bytes": 0}, 0),
        ({"total_bytes": 208}, 4),
        ({"total_bytes": 205}, 4),
        ({"total_bytes": 200}, 0),
        ({"sensory": 1, "synapses": 3}, 0),
        ({"sensory": 1}, 0),
        ({"synapses": 3}, 16),
    ],
    ids=str,
)
def test_the_lengths_in_the_header(driver: Driver, fields: dict[str, int], padding: int) -> None:
    whole = small().to_bytes()
    assert len(whole) == 204
    refuses(driver, small(), LtcError.LAYOUT, patched(whole + bytes(padding), **fields))


def test_what_is_zero_in_the_header(driver: Driver) -> None:
    for field, value in product(("zero", "error_bound"), (1, 255)):
        refuses(driver, small(), LtcError.RANGE, patched(small().to_bytes(), **{field: value}))


def test_a_solver_that_the_library_does_not_have(driver: Driver) -> None:
    for value in (5, 7, 255):
        refuses(driver, small(), LtcError.SOLVER, patched(small().to_bytes(), solver=value))


def test_all_that_can_be_added_to_a_neuron_stays_within_the_limit(driver: Driver) -> None:
    heavy = wires(2, weight=10000, offset=255 << 16)
    for sensory, synapse in product((1, 2), (1, 2)):
        den = SUM_MAX - HALF_UPPER - (sensory + synapse) * 10000 * OPEN
        counts = {"sensory": [sensory, 0], "synapses": [synapse, 0]}
        taken, refused = (
            replace(
                bare(2, den=[each << 32 | 0xFFFFFFFF, 1], **counts),
                channel=np.array([PLAIN], MAP),
                sensory=heavy[:sensory],
                synapse=heavy[:synapse],
            )
            for each in (den, den + 1)
        )
        run(driver, taken, FULL_SCALE - 1)
        refuses(driver, refused, LtcError.RANGE)


def test_the_sums_of_a_wide_neuron_at_the_limit(driver: Driver) -> None:
    # Fully open, whatever the input: the denominator has 63 bits, all but the last few of them set.
    weight = (SUM_MAX - HALF_UPPER) // OPEN
    for reversal, state in product((-weight, 0, weight), (-FULL_SCALE, 0, FULL_SCALE - 1)):
        image = wired(wires(1, weight=weight, reversal=reversal, offset=(1 << 29)), 0, 1)
        run(driver, image, state, ELAPSED_MAX)
        image.neuron[0]["den"] = (SUM_MAX - HALF_UPPER - weight * OPEN) << 32
        run(driver, image, state, ELAPSED_MAX)


def test_capacitances_of_any_size(driver: Driver) -> None:
    shifts, seen = np.arange(-128, 128), set()
    for elapsed, unfolds, cm in product((ELAPSED_MIN, ELAPSED_ONE, ELAPSED_MAX), (1, 32), (0, 1, 40961, 65535)):
        mantissa, exponent = integer.rate(unfolds, np.array([elapsed]))
        seen |= set(integer.capacitance(np.array(cm), shifts + exponent, mantissa).shift.tolist())
        for den, half in product((1, 1 << 40, SURE, LEAK_MAX), np.split(shifts, 2)):
            image = bare(len(half), den=den, num=den, cm=cm, cm_shift=half)
            for state in (1 << 28, -FULL_SCALE):
                run(driver, replace(image, unfolds=unfolds), state, elapsed)
    assert seen >= set(range(16, 128 + 16))


def test_rates_of_all_unfolds_at_the_ends_of_elapsed(driver: Driver) -> None:
    rng = np.random.default_rng(1)
    near = [1 << k for k in range(13, 32)]
    times = [ELAPSED_MIN, ELAPSED_MIN + 1, *(k + d for k in near for d in (-1, 0, 1)), ELAPSED_MAX - 1, ELAPSED_MAX]
    for unfolds in range(1, 33):
        for elapsed in (each for each in times if ELAPSED_MIN <= each <= ELAPSED_MAX):
            den = rng.integers(1 << 58, LEAK_MAX, 8)
            num = (rng.uniform(-1, 1, 8) * den).astype(np.int64)
            image = bare(8, den=den, num=num, cm=rng.integers(1 << 15, 1 << 16, 8), cm_shift=np.arange(8, 24, 2))
            run(driver, replace(image, unfolds=unfolds), rng.integers(-FULL_SCALE, FULL_SCALE, 8), elapsed)


@pytest.mark.parametrize("divisor", [33025, 54161, 62525])
def test_a_rate_that_just_misses_the_next_one(driver: Driver, divisor: int) -> None:
    assert (1 << 30) % divisor == divisor - 1  # the largest remainder that the division can leave
    rng = np.random.default_rng(1)
    den = rng.integers(1 << 57, 1 << 58, 255)
    num, state = (rng.uniform(-1, 1, 255) * den).astype(np.int64), rng.integers(-FULL_SCALE, FULL_SCALE, 255)
    for elapsed in (divisor, divisor << 5, divisor << 16, divisor << 16 | 0xFFFF):
        run(driver, bare(255, den=den, num=num, cm=65535, cm_shift=np.arange(255) % 40), state, elapsed)


def totals(rng: np.random.Generator, wanted: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray]:
    """Leaks and capacitances (less 1) of neurons whose total conductance in one unfold of a second is `wanted`."""
    cm = np.clip(rng.integers(0, 32768, len(wanted)), wanted - 1 - (SUM_MAX >> 16), wanted - 1)
    den = ((wanted - 1 - cm) << 16) + low - HALF_UPPER
    return np.maximum(np.clip(den, 0, SUM_MAX - HALF_UPPER) << 32, 1), cm


def states(rng: np.random.Generator, count: int) -> np.ndarray:
    ends = rng.choice([-FULL_SCALE, FULL_SCALE - 1, 0, -1], count)
    return np.where(rng.random(count) < 0.5, ends, rng.integers(-FULL_SCALE, FULL_SCALE, count))


def test_every_total_conductance(driver: Driver) -> None:
    rng = np.random.default_rng(1)
    seen = []
    for wanted in np.array_split(np.arange(1, 65280), 256):
        for low in (0, HALF_UPPER, 0xFFFF):
            den, cm = totals(rng, wanted, low)
            num = np.rint(rng.choice([-1, 1, 0.3, -0.7], len(den)) * den.astype(float)).astype(np.int64)
            num = np.clip(num, -den, den)
            run(driver, bare(len(den), den=den, num=num, cm=cm, cm_shift=16), states(rng, len(den)), ELAPSED_ONE)
        beside = integer.capacitance(cm, np.array(1), np.array(32768))
        seen.append(((den >> 32) + HALF_UPPER >> beside.shift) + beside.value)
    np.testing.assert_array_equal(np.concatenate(seen), np.arange(1, 65280))


def test_a_state_that_rounding_takes_over_an_end_of_its_scale_is_clamped(driver: Driver) -> None:
    # The denominator's upper half is rounded down by nearly half of its last bit: what it pulls back is too little.
    den = (np.arange(1024, SUM_MAX >> 16, 257) << 16) + HALF_UPPER - 1
    for sign, end in ((1, FULL_SCALE - 1), (-1, -FULL_SCALE)):
        pull = (sign * den >> 1) - (den + HALF_UPPER >> 16) * (end >> 15)
        assert (sign * pull > 0).all()
        after = run(driver, bare(len(den), den=den << 32, num=sign * den << 32), end, ELAPSED_ONE)
        assert (after == end).all()


def test_leaks_of_any_size_in_wide_neurons(driver: Driver) -> None:
    den = np.concatenate([(1 << np.arange(1, 58)) + d for d in (-1, 0, 1)])
    for num, state in product((-den, den, den // 3, -den // 3), (-FULL_SCALE, 0, FULL_SCALE - 1)):
        run(driver, bare(len(den), den=den, num=num), state, ELAPSED_MAX)
        run(driver, bare(len(den), den=den, num=num, cm=65535, cm_shift=np.arange(-64, len(den) - 64)), state)


def edges() -> list[np.ndarray]:
    """Positions at and beside every interval's ends, and far out to each side."""
    whole = np.arange(-3, INTERVALS + 4) << 16
    tail = (INTERVALS // 2 << 16) - (np.arange(1, 72) << 19)
    fine = np.arange(96 << 4, 160 << 4) << 12
    positions = (np.concatenate([whole, tail, fine])[:, None] + np.array([-1, 0, 1])).ravel()
    positions = np.append(positions, [-FULL_SCALE + 257, FULL_SCALE - 256, -(1000 << 19), 300 << 19])
    return np.array_split(positions, len(positions) // 255 + 1)


def at(positions: np.ndarray, **columns: object) -> np.ndarray:
    """Synapses at these positions of the table where they read 1."""
    part = (positions + 128) % 256 - 128
    return wires(len(positions), slope_source=part << 16, offset=positions - part, **columns)


def test_the_kernel_s_sigmoid_at_every_edge_of_its_table(driver: Driver) -> None:
    for positions, sign in product(edges(), (1, -1)):
        image = wired(at(positions, weight=32000, reversal=sign * 32000), 1, SURE)
        run(driver, image, sign * 12345678)


def test_the_wide_sigmoid_at_every_edge_of_its_table(driver: Driver) -> None:
    for positions, sign in product(edges(), (1, -1)):
        # Beside a leak of the same size, so that each bit of it is seen.
        mantissa, exponent = integer.wide_opening(positions)
        contribution = 32000 * (mantissa >> 1) << 32 >> np.minimum(exponent, 63)
        image = wired(at(positions, weight=32000, reversal=sign * 32000), 1, np.clip(contribution, 1, 1 << 57))
        run(driver, image, 0, ELAPSED_MAX)
        run(driver, image, sign * 12345678, ELAPSED_MAX)


def test_tails_and_capacitances_in_wide_neurons(driver: Driver) -> None:
    positions = (128 << 16) - (np.arange(0, 70) << 19)
    # Beside the second leak the least that a tail can add is a bit of the denominator's upper half.
    for cm_shift, leak in product(range(-64, 20, 7), (1, 0xFFFF)):
        image = wired(at(positions, weight=65000, reversal=40000), 1, leak)
        image.neuron["cm"], image.neuron["cm_shift"] = 50000, cm_shift
        run(driver, replace(image, unfolds=3), 1 << 27, ELAPSED_ONE)


@pytest.mark.parametrize("den", [SURE, 1 << 40], ids=["kernel", "wide"])
def test_slopes_offsets_and_shifts_at_their_ends(driver: Driver, den: int) -> None:
    shift = np.arange(32)
    largest = FULL_SCALE - 256
    for slope, offset, reading in product((-32768, -1, 0, 1, 32767), (-largest, 0, largest), (-32768, -1, 0, 1, 32767)):
        every = wires(32, slope_source=slope << 16, offset=offset + shift, weight=32000, reversal=-31000)
        run(driver, wired(every, reading, den), 12345678)


def test_maps_at_their_ends(driver: Driver) -> None:
    every = list(product((65535, -65535, 12345, 1, 0), (FULL_SCALE - 1, 1 - FULL_SCALE, 0, -1), (0, 1, 15, 30, 31)))
    maps = np.array([(gain, offset, shift, 0, 0) for gain, offset, shift in every], MAP)
    source = 2 * np.arange(len(maps))
    table = wires(len(maps), slope_source=255 << 16 | source, offset=128 << 16, weight=32000, reversal=32000)
    image = replace(bare(len(maps), den=SURE, sensory=1), channel=maps, sensory=table, output=maps)
    values = (INT32_MIN, -FULL_SCALE, -FULL_SCALE + 1, -32768, -1, 0, 1, 32767, 65535, FULL_SCALE - 1, INT32_MAX)
    for value in values:
        run(driver, image, np.clip(value, -FULL_SCALE, FULL_SCALE - 1), value=value)


def test_readings_at_the_ends_of_16_bits(driver: Driver) -> None:
    ends = (-40000, -32769, -32768, -32767, 32766, 32767, 32768, 40000)
    table = wires(
        len(ends), slope_source=255 << 16 | 2 * np.arange(len(ends)), offset=128 << 16, weight=99, reversal=99
    )
    channel = np.array([(0, end, 0, 0, 0) for end in ends], MAP)
    run(driver, replace(bare(len(ends), den=SURE, sensory=1), channel=channel, sensory=table))


def test_every_call_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    image = tmp_path / "image.bin"
    image.write_bytes(small().to_bytes())
    source = REPO / "tests" / "firmware" / "ltc_calls.c"
    program = build_program(tmp_path / "calls", source, *LTC_SOURCES)
    done = subprocess.run([program, str(image)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
