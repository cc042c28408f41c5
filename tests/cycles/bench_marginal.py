"""What one more synapse, one more neuron and the lane network's unfolds take on a Cortex-M0, as test_marginal holds.

python -m tests.cycles.bench_marginal
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.cycles.cases import load_case
from tests.cycles.test_marginal import MOST, Bench


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        sizes = (2, 4, 8, 16, 32)
        synapses = [bench.unfold(n, n * n) - bench.unfold(n, n * n - 1) for n in sizes]
        neurons = [bench.unfold(n + 1, n * n) - bench.unfold(n, n * n) for n in sizes]
        ends = np.array([8, 48])
        few, many = (bench.steps(n, n * n).of("ltc_step")[-1].cycles for n in ends.tolist())
        most = bench.steps(MOST, MOST**2).of("ltc_step")[-1].cycles
        case = load_case("ncp19_lane")
        lane = bench.count(case.blob).functions["ltc_unfold"].inclusive / case.steps
    sys.stdout.write(
        f"one more synapse: {min(synapses):.1f} to {max(synapses):.1f} cycles an unfold\n"
        f"one more neuron without synapses: {min(neurons):.1f} to {max(neurons):.1f} cycles an unfold, "
        "at a total conductance that needs no shifts; up to 30 more where it does\n"
        f"dense networks of 8, 48 and {MOST} neurons: {few}, {many}, {most} cycles a step\n"
        f"ncp19_lane: {lane:.0f} cycles of a step are unfolds\n"
    )


if __name__ == "__main__":
    main()
