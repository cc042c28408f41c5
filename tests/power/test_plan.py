"""How a board is measured, by an instrument's address; batches that fit; figures of a recording made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.errors import InputError, RigError
from hil.power.accuracy import Accuracy
from hil.power.measured import batch_windows, energy_of_steps, sizes_of_batches, wanted_in_batch
from hil.power.meter import MeterIdentity
from hil.power.opening import open_meter
from hil.power.plan import TOLERANCE, MeterPlan
from hil.step_energy import Instrument
from tests.power.traces import trace

MARKED = MeterPlan.of("ppk2:/dev/none?marker=D0")
TEN_PERCENT = Accuracy(0.1, 0.0)
IDENTITY = MeterIdentity("PPK2", "A1", "", {0: TEN_PERCENT}, "typical")


def test_options_of_every_kind_are_taken_off_and_the_kinds_own_stay() -> None:
    plan = MeterPlan.of("ppk2:/dev/ttyACM0?mode=source&voltage=3.0&marker=D3&tolerance=0.5&simulated=yes")
    assert plan.address.options == {"mode": "source", "voltage": "3.0"}
    assert (plan.marker, plan.supply_V, plan.tolerance, plan.simulated) == ("D3", 3.0, 0.005, True)
    plain = MeterPlan.of("joulescope:001234?supply=3.3")
    assert (plain.marker, plain.supply_V, plain.tolerance, plain.simulated) == ("", 3.3, TOLERANCE, False)
    assert MeterPlan.of("ppk2:/dev/x").supply_V is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("marker=", "option 'marker' has no value"),
        ("supply=3V", "option 'supply' is '3V'"),
        ("supply=3.3&voltage=3.0", "both 'voltage' and 'supply' are given"),
        ("supply_tolerance=51", "option 'supply_tolerance' is '51'"),
        ("tolerance=0", "option 'tolerance' is '0'"),
        ("simulated=no", "option 'simulated' is 'no'"),
        ("marked=D0", "option 'marked' is none that ppk2 has"),
    ],
)
def test_what_cannot_be_heeded_is_said(options: str, words: str) -> None:
    with pytest.raises(RigError, match=words):
        open_meter(f"ppk2:/dev/none?{options}")


def test_what_is_no_address_is_said() -> None:
    with pytest.raises(InputError, match="is no address of a current analyzer"):
        MeterPlan.of("/dev/ttyACM0")


@given(steps=st.integers(1, 3000), wanted=st.integers(1, 5000), most=st.integers(1, 200))
def test_batches_make_up_the_sequence_and_are_as_long_as_wanted_where_that_goes(
    steps: int, wanted: int, most: int
) -> None:
    sizes = sizes_of_batches(steps, wanted, most)
    assert sum(sizes) == steps
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= most
    if wanted <= most and steps % most == 0 and steps >= wanted:
        assert min(sizes) >= min(wanted, most)


@given(step_s=st.floats(1e-6, 1e-1), edge_s=st.floats(1e-7, 1e-3))
def test_where_a_batch_of_the_size_wanted_is_cut_matters_less_than_the_tolerance(step_s: float, edge_s: float) -> None:
    wanted = wanted_in_batch(step_s, edge_s, MARKED)
    assert 2 * edge_s <= MARKED.tolerance * wanted * step_s * (1 + 1e-6)
    assert wanted & (wanted - 1) == 0
    assert wanted == 1 or 2 * edge_s > MARKED.tolerance * (wanted / 2) * step_s * 0.999


def test_figures_of_a_recording_by_hand() -> None:
    """Two batches of two steps, 10 ms at 2 mA each, 1 mA between: 2 mA * 10 ms * 3 V / 2 = 30 µJ a step."""
    marks = "." * 5 + "#" * 10 + "." * 5 + "#" * 10 + "." * 5
    made = trace([2e-3 if mark == "#" else 1e-3 for mark in marks], marks=marks, accuracy={0: TEN_PERCENT})
    windows = batch_windows(made, MARKED, 2)
    found = energy_of_steps(made, windows, (2, 2), 1, supply_V=3.0, identity=IDENTITY, plan=MARKED)
    assert np.allclose(found.per_step_uJ, [[30.0] * 4])
    assert found.average_uA == pytest.approx((20 * 2000 + 5 * 1000) / 25)
    assert (found.kind, found.batch, found.instrument) == ("measured", 2, Instrument("PPK2", "A1"))
    # Ten per cent of the true are eleven of the reading; each edge is off by one of ten samples.
    assert found.uncertainty_uJ.min() >= 30.0 * (0.1 / 0.9 + 0.2) * (1 - 1e-6)
    assert 0.2 <= found.repeats.step < 0.5
    assert found.repeats.average < found.repeats.step
    assert "the supply of 3 V is taken as exact" in found.notes
    # A supply that may be off by 2 %: of the steps' energy that much more, of the current none, and it repeats.
    off = MeterPlan.of("ppk2:/dev/none?marker=D0&supply_tolerance=2")
    wide = energy_of_steps(made, windows, (2, 2), 1, supply_V=3.0, identity=IDENTITY, plan=off)
    assert np.allclose(wide.uncertainty_uJ - found.uncertainty_uJ, 0.02 * 30.0)
    assert wide.average_uncertainty_uA == found.average_uncertainty_uA
    assert wide.repeats.step == pytest.approx(found.repeats.step)
    assert "the supply of 3 V may be off by 2.00%" in wide.notes
    with pytest.raises(RigError, match="2 times from begin to end in the recording of a meter, not 3"):
        batch_windows(made, MARKED, 3)
