"""Random networks on the emulated board: every bit equal to the integer model, whatever the wiring and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.errors import InputError
from hil.golden import run_integer
from hil.image import ModelImage
from tests.networks import Case, cases, random_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.dut.dut import Dut

NETWORKS = 500


@pytest.fixture(scope="module")
def microbit() -> Iterator[Dut]:
    with open_dut(load_board("microbit")) as dut:
        yield dut


def _check(dut: Dut, case: Case) -> None:
    states, outputs = dut.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)
    wanted = run_integer(case.converted.image, case.inputs, case.elapsed, case.state0)
    np.testing.assert_array_equal(states, wanted[0])
    np.testing.assert_array_equal(outputs, wanted[1])


def _fits(dut: Dut, case: Case) -> bool:
    memory = ModelImage.from_bytes(case.converted.image).memory_bytes
    return dut.identity.fits_ram(len(case.converted.image), memory, case.model.neurons + case.model.outputs)


def test_random_networks_in_ram(microbit: Dut) -> None:
    seen = []

    @settings(
        max_examples=2 * NETWORKS,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(case=cases(max_neurons=64, max_inputs=16, steps=2))
    def check(case: Case) -> None:
        if _fits(microbit, case):
            _check(microbit, case)
            seen.append(case.model.neurons)

    check()
    assert len(seen) >= NETWORKS
    assert max(seen) > 50


def test_a_network_that_only_flash_can_hold(microbit: Dut) -> None:
    case = random_case(np.random.default_rng(1), 64, 4, 1.0, 0.5, steps=2)
    assert not _fits(microbit, case)
    _check(microbit, case)


def test_a_network_too_large_is_refused_in_words(microbit: Dut) -> None:
    case = random_case(np.random.default_rng(1), 120, 4, 1.0, 0.0, steps=1)
    with pytest.raises(InputError, match=r"the model image of \d+ bytes does not fit board 'microbit'"):
        microbit.run_image(case.converted.image, case.inputs, case.elapsed, case.state0)
