"""The inner loops in assembly give the bits of their specification in C, on both emulated boards, in less time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.dut.opening import open_dut
from hil.golden import run_integer
from hil.model import load_model
from hil.vectors import load_vectors
from tests.host_c import REPO
from tests.networks import Case, end_of_scale, random_case, steep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.result import RunResult

NETWORKS = REPO / "examples" / "networks"
RANDOM = 30
WILD = (0.0, 0.5, 2.0, 4.0, 9.0)
FASTER = 1.5


def _cases() -> Iterator[Case]:
    for seed in range(RANDOM):
        rng = np.random.default_rng(seed)
        neurons, inputs, density = 1 + seed % 14, 1 + seed % 4, rng.choice([0.1, 0.5, 1.0])
        yield random_case(rng, neurons, inputs, density, WILD[seed % len(WILD)], steps=4)
    yield from (end_of_scale(), steep())


def _run(name: str) -> tuple[list[tuple[np.ndarray, np.ndarray]], RunResult]:
    """States and outputs of every case, and a public network's run, whose cycles are counted."""
    with open_dut(load_board(name)) as dut:
        found = [dut.run_image(each.converted.image, each.inputs, each.elapsed, each.state0) for each in _cases()]
        model = load_model(NETWORKS / "ncp19_lane.model.npz")
        return found, dut.run(model, load_vectors(NETWORKS / "ncp19_lane.vectors.npz", model), check=False)


@pytest.mark.parametrize("name", ["microbit", "nucleo-l031"])
def test_the_assembly_gives_the_bits_of_c_in_less_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found, result = _run(name)
    monkeypatch.setattr("hil.dut.opening.build", partial(build, defines={"LTC_KERNEL_IN_C": "1"}))
    specified, slower = _run(name)
    assert slower.provenance.firmware != result.provenance.firmware
    for case, *pair in zip(_cases(), found, specified, strict=True):
        wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
        for got in pair:
            assert all(np.array_equal(*both) for both in zip(got, wanted, strict=True))
    assert result.bits_equal
    assert slower.bits_equal
    fast, slow = (each.cycles.measured for each in (result, slower))
    assert fast is not None
    assert slow is not None
    assert (FASTER * fast.per_step <= slow.per_step).all(), f"{fast.spread} and {slow.spread} cycles"
