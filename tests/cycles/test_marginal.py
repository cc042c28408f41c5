"""What one more synapse and one more neuron cost in every unfold, and that nothing else grows with a network."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.convert import convert
from hil.cycles.counter import CycleCounter
from hil.cycles.timing import TimingModel
from hil.model import model_from_arrays
from tests.cycles.cases import load_case
from tests.cycles.programs import HERE, LTC_SOURCES, build_program, run_qemu

if TYPE_CHECKING:
    from pathlib import Path

    from hil.cycles.counts import CycleCounts
    from hil.model import LtcModel

MOST = 64  # neurons
STEPS = 10
UNFOLDS = 6
SYNAPSE = 33
NEURON = 65
NCP19_LANE = 18_900  # of a step, in its unfolds
STRAIGHT = 0.02


def network(neurons: int, synapses: int) -> LtcModel:
    """A network without inputs: of all that there are between 64 neurons, the first of each.

    Parameters as ncps has them, but for ten times the capacitance: so no neuron's conductance is a small part of what
    it could be, which would take it up to 30 cycles more, depending on the states.
    """
    rng = np.random.default_rng(1)
    order = np.array(sorted(np.ndindex(MOST, MOST), key=lambda pair: (max(pair), pair)))
    arrays = {name: rng.uniform(low, high, MOST) for name, low, high in (("gleak", 0.001, 1), ("cm", 4, 6))}
    square = {"w": (0.001, 1.0), "mu": (0.3, 0.8), "sigma": (3.0, 8.0), "erev": (-1.0, 1.0)}
    for name, ends in square.items():
        arrays[name] = rng.uniform(*ends, (MOST, MOST))
    linked = np.zeros((MOST, MOST))
    linked[tuple(order[:synapses].T)] = 1
    arrays["w"] *= linked
    cut = {name: values[(slice(neurons),) * values.ndim] for name, values in arrays.items()}
    none = {f"sensory_{name}": np.zeros((1, neurons)) for name in square}
    rest = {"vleak": np.zeros(neurons), "input_w": np.ones(1), "output_w": np.ones(1)}
    return model_from_arrays(
        cut | none | rest | {"ode_unfolds": UNFOLDS, "epsilon": 1e-8}, where="here", name=f"{neurons}-{synapses}"
    )


class Bench:
    """Runs networks on QEMU's micro:bit and keeps what they took."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._elf = build_program(folder / "steps.elf", HERE / "steps.c", *LTC_SOURCES)
        self._known: dict[tuple[int, int], CycleCounts] = {}

    def count(self, blob: bytes) -> CycleCounts:
        path = self._folder / "blob"
        path.write_bytes(blob)
        with CycleCounter(self._elf, TimingModel("cortex-m0")) as counter:
            run_qemu(self._elf, counter=counter, blob=path)
            return counter.counts()

    def steps(self, neurons: int, synapses: int) -> CycleCounts:
        """STEPS steps of a second each, from zero."""
        if (neurons, synapses) not in self._known:
            image = convert(network(neurons, synapses)).image
            image += bytes(-len(image) % 8)
            words = np.tile(np.array([1 << 22, 0], "<i4"), STEPS)  # elapsed, and an input that nothing reads
            header = struct.pack("<IIII", len(image), 1, STEPS, 1)
            found = self.count(header + image + bytes(4 * neurons) + words.tobytes())
            assert len(found.of("ltc_step")) == STEPS
            self._known[neurons, synapses] = found
        return self._known[neurons, synapses]

    def unfold(self, neurons: int, synapses: int) -> float:
        """Mean cycles of an unfold."""
        function = self.steps(neurons, synapses).functions["ltc_unfold"]
        assert function.calls == STEPS * UNFOLDS
        return function.inclusive / function.calls


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("marginal"))


@pytest.mark.parametrize("neurons", [*range(1, 9), 16, 32, 63])
def test_one_more(bench: Bench, neurons: int) -> None:
    dense = neurons**2
    assert bench.unfold(neurons, dense) - bench.unfold(neurons, dense - 1) <= SYNAPSE
    assert bench.unfold(neurons + 1, dense) - bench.unfold(neurons, dense) <= NEURON


def test_the_largest_lies_on_the_line_through_smaller_ones(bench: Bench) -> None:
    """Cycles of a step as a constant, so many a neuron, and so many a synapse."""
    sizes = np.arange(8, 49, 8)
    cycles = [bench.steps(n, n * n).of("ltc_step")[-1].cycles for n in sizes.tolist()]
    line, *_ = np.linalg.lstsq(np.stack([sizes**0, sizes, sizes**2], axis=1).astype(float), np.array(cycles))
    largest = bench.steps(MOST, MOST**2).of("ltc_step")[-1].cycles
    assert abs(largest / float(line @ [1, MOST, MOST**2]) - 1) <= STRAIGHT


def test_the_recurrent_part_of_the_lane_network(bench: Bench) -> None:
    case = load_case("ncp19_lane")
    counts = bench.count(case.blob)
    assert counts.functions["ltc_unfold"].inclusive / case.steps <= NCP19_LANE
