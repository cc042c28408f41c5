"""Lives on harvested power: energy, time and bits; what cannot be simulated or kept up with says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hil.board import load_board
from hil.errors import HarvestError, InputError, NumericError, RigError
from hil.harvest import simulate as harvest_simulate
from hil.harvest.chip import HarvestChip, Seen
from hil.harvest.outcome import Conditions, HarvestRun, NoCurrentError, Phase, check_harvest
from hil.harvest.plan import make_plan
from hil.harvest.run import make_program, why_not
from hil.harvest.simulate import simulate
from hil.harvest.witness import Witness
from hil.harvest.words import json_of, lines_of
from hil.model import load_model
from hil.vectors import load_vectors
from tests.harvest.power_cuts import BOARD, NETWORKS, programmed, run_to

SMALL = Conditions(power_uW=50, capacitor_uF=100, v_on=2.2, v_off=1.8, seconds=30)
RUN_A = 16e6 * 76e-12
"""DS10668 Rev 6, p. 1: 76 uA/MHz; in A at 16 MHz."""


@pytest.fixture(scope="module")
def small() -> HarvestRun:
    """Most checkpoints need more than one life."""
    return simulate(programmed("tiny_dense", every=5), SMALL)


def test_every_bit_over_many_cuts(small: HarvestRun) -> None:
    assert small.cuts == small.boots > 15
    assert small.again > 10
    assert small.checked == small.steps + small.again
    assert small.steps > 4 * 5
    assert 0 < small.checkpoints < small.cuts
    assert small.is_small


def test_what_arrives_is_what_was_taken(small: HarvestRun) -> None:
    """Time begins and ends with a capacitor at v_off, so that all that arrived in it was taken."""
    assert sum(small.energy_uJ.values()) == pytest.approx(SMALL.power_uW * small.duration_s, rel=1e-4)
    assert 0 <= small.lost < small.steps
    assert (small.steps - small.lost) / small.duration_s * 3600 == pytest.approx(small.inferences_per_hour)


def test_a_life_is_as_long_as_its_charge_lasts(small: HarvestRun) -> None:
    """Boot aside, where the clock is slower for some 0.8 ms, by hand: C dV / (I - P / V)."""
    by_hand_s = 100e-6 * 0.4 / (RUN_A - 50e-6 / 2.0)
    assert small.awake_s / small.boots == pytest.approx(by_hand_s, rel=0.03)


def test_energy_goes_where_time_does(small: HarvestRun) -> None:
    """New steps by hand: their number, the time between two edges of the marker, the current, the middle voltage."""
    with HarvestChip(programmed("tiny_dense", every=5), b"", seed=1) as chip:
        run_to(chip, marker=True)
        boot_s = float(chip.seconds())
        run_to(chip, marker=False)
        run_to(chip, marker=True)
        begin = chip.seconds()
        run_to(chip, marker=False)
        step_s = float(chip.seconds() - begin)
    by_hand_uJ = RUN_A * 2.0 * step_s * 1e6
    assert small.energy_uJ[Phase.STEP] == pytest.approx(small.steps * by_hand_uJ, rel=0.1)
    assert small.again * by_hand_uJ * 0.9 < small.energy_uJ[Phase.AGAIN] < (small.again + small.cuts) * by_hand_uJ * 1.1
    at_most_uJ = RUN_A * 2.2 * boot_s * 1e6
    assert 0.7 * at_most_uJ < small.energy_uJ[Phase.BOOT] / small.boots < at_most_uJ
    assert small.share(Phase.CHECKPOINT) > 0.5
    assert 0 < small.share(Phase.REST) < 0.01


def test_what_a_life_needs(small: HarvestRun) -> None:
    need = small.need
    assert need.capacitor_uF == pytest.approx((need.charge_uC - 50 / 2.2 * need.duration_s) / 0.4)
    assert need.charge_uC == pytest.approx(RUN_A * 1e6 * need.duration_s, rel=0.03)
    assert sum(need.shares.values()) == pytest.approx(1)
    enough = replace(SMALL, capacitor_uF=need.capacitor_uF * 1.02)
    run = simulate(programmed("tiny_dense", every=5), enough)
    assert not run.is_small
    assert run.checkpoints >= run.cuts
    assert "uF are needed" in small.need_words
    assert "uF are needed" not in run.need_words


def test_power_enough_for_good() -> None:
    run = simulate(programmed("tiny_dense", every=20), replace(SMALL, power_uW=5000, seconds=2))
    assert (run.boots, run.cuts, run.again) == (1, 0, 0)
    assert run.steps > 20
    assert run.duration_s == pytest.approx(2, abs=0.3)
    check_harvest(run)


def test_too_small_for_anything() -> None:
    run = simulate(programmed("tiny_dense"), replace(SMALL, capacitor_uF=5))
    assert run.is_stuck
    assert run.steps == 0
    with pytest.raises(HarvestError, match=r"nothing is computed.*\n.*caused by: .*boots 100.*uF are needed"):
        check_harvest(run)


def test_no_checkpoint_in_few_lives() -> None:
    """Each life begins anew: what it computes does not add up to any rate, however short it was looked at."""
    run = simulate(programmed("tiny_dense", every=1000), replace(SMALL, seconds=4), promised=1.0)
    assert 0 < run.cuts < 5
    assert run.steps > 20
    assert run.checkpoints == 0
    assert run.inferences_per_hour == 0
    assert not run.keeps_up
    with pytest.raises(HarvestError, match="nothing is computed, as power is lost before any checkpoint"):
        check_harvest(run)


def test_what_the_last_power_cut_takes_is_no_inference() -> None:
    """A life has some 300 steps and a checkpoint after 200: looked at for one or for many, that is 200 a life."""
    run = simulate(programmed("tiny_dense", every=200), replace(SMALL, capacitor_uF=400, seconds=1))
    assert (run.boots, run.cuts, run.checkpoints) == (1, 1, 1)
    assert run.steps - run.lost == 200
    assert run.lost > 0
    assert run.inferences_per_hour == run.per_hour(200)


def test_a_checkpoint_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvest_simulate, "AWAKE_MOST_S", 0.5)
    with pytest.raises(InputError, match=r"first checkpoint, after 2147483647 steps, later than the 0\.5 s"):
        simulate(programmed("tiny_dense", every=2**31 - 1), SMALL)


def test_a_life_that_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harvest_simulate, "AWAKE_MOST_S", 0.5)
    run = simulate(programmed("tiny_dense", every=20), replace(SMALL, capacitor_uF=1e6))
    assert (run.boots, run.cuts) == (1, 0)
    assert 0.5 <= run.awake_s < 1
    assert sum(run.energy_uJ.values()) == pytest.approx(SMALL.power_uW * run.duration_s, rel=1e-3)
    check_harvest(run)


def test_promises(small: HarvestRun) -> None:
    check_harvest(small)  # one a second
    rate = small.inferences_per_hour
    check_harvest(replace(small, promised=rate * 0.999))
    with pytest.raises(HarvestError, match=r"inferences per hour; promised are .*\n.*\n.*larger capacitor"):
        check_harvest(replace(small, promised=rate * 1.001))
    slow = replace(small, elapsed_s=3600 / rate * 0.999)
    assert not slow.keeps_up
    with pytest.raises(HarvestError, match="of the recordings"):
        check_harvest(slow)
    check_harvest(replace(slow, promised=1.0))


def test_words_and_json(small: HarvestRun) -> None:
    told = "\n".join(lines_of(small))
    assert "inferences per hour (modelled); keeps up with recordings of one each 1 s" in told
    assert f"all {small.checked} equal the exact integer model's" in told
    assert "76 uA/MHz" in told
    assert "leakage: none modelled" in told
    found = json_of(small)
    assert found["kind"] == "modelled"
    assert found["energy_uJ"].keys() == {phase.value for phase in Phase}
    assert found["inferences_per_hour"] == small.inferences_per_hour


def test_a_current_that_nobody_looked_up() -> None:
    rows = tuple(row for row in BOARD.currents if row.state != "run" or row.clock_hz)
    board = BOARD.model_copy(update={"currents": rows})
    program = programmed("tiny_dense")
    with pytest.raises(NoCurrentError, match=r"harvest not measured: board 'nucleo-l031' .*'run' at 2.09715 MHz"):
        simulate(replace(program, board=board), SMALL)


def test_boards_that_cannot() -> None:
    assert why_not(BOARD) is None
    assert why_not(BOARD, "twin") is None
    assert "simulated in the twin alone, and asked for was 'hardware'" in str(why_not(BOARD, "hardware"))
    for name in ("microbit", "host"):
        assert "only a board of port 'stm32l0'" in str(why_not(load_board(name)))
    no_store = BOARD.model_copy(update={"memory": BOARD.memory.model_copy(update={"eeprom": None})})
    assert "memory.eeprom" in str(why_not(no_store))
    assert "'marker'" in str(why_not(BOARD.model_copy(update={"marker": ""})))
    model = load_model(NETWORKS / "tiny_dense.model.npz")
    vectors = load_vectors(NETWORKS / "tiny_dense.vectors.npz", model)
    with pytest.raises(RigError, match="board 'microbit' cannot"):
        make_program(model, vectors, load_board("microbit"), 1)


def test_what_does_not_fit() -> None:
    model = load_model(NETWORKS / "basicmotions.model.npz")
    vectors = load_vectors(NETWORKS / "basicmotions_test.vectors.npz", model)
    plan = make_plan(model, vectors, BOARD, 3)
    assert plan.left_out > 0
    assert plan.recorded + plan.left_out == vectors.sequences * vectors.steps
    assert plan.recorded % plan.steps == 0
    assert len(plan.slot) == BOARD.image_slot.bytes
    tiny = BOARD.model_copy(update={"image_slot": BOARD.image_slot.model_copy(update={"bytes": 1024})})
    with pytest.raises(InputError, match=r"does not fit board .*must hold a step's inputs"):
        make_plan(model, vectors, tiny, 1)
    assert BOARD.memory.eeprom is not None
    little = BOARD.memory.eeprom.model_copy(update={"bytes": 64})
    few = BOARD.model_copy(update={"memory": BOARD.memory.model_copy(update={"eeprom": little})})
    with pytest.raises(InputError, match=r"two checkpoints of model .* take 128 bytes, .* has 64"):
        make_plan(model, vectors, few, 1)


class TestWitness:
    """What a wrong board would show."""

    plan = programmed("tiny_dense").plan

    def seen(self, steps: int, *, resumed: int | None = None, saved: int | None = None) -> Seen:
        states, outputs = self.plan.after(max(1, steps))
        return Seen(0, 0, resumed, saved, steps, states, outputs)

    def witness(self, steps: int = 0, saved: int = 0) -> Witness:
        return Witness(self.plan, "board", steps=steps, saved=saved)

    def test_it_goes_on(self) -> None:
        witness = self.witness()
        witness.wakes(self.seen(0))
        witness.goes_on(self.seen(0), self.seen(1, saved=1))
        witness.goes_on(self.seen(1, saved=1), self.seen(2, saved=1))
        assert (witness.steps, witness.checked, witness.checkpoints, witness.saved) == (2, 2, 1, 1)
        witness.wakes(self.seen(1, resumed=1, saved=1))
        witness.goes_on(self.seen(1, resumed=1, saved=1), self.seen(2, saved=2))
        assert (witness.steps, witness.again, witness.saved) == (2, 1, 2)
        witness.wakes(self.seen(2, resumed=2, saved=2))

    @pytest.mark.parametrize(
        ("steps", "saved", "resumed"), [(5, 4, 3), (5, 4, 6), (5, 4, None), (0, 0, 1)], ids=["old", "new", "anew", "1"]
    )
    def test_it_resumes_elsewhere(self, steps: int, saved: int, resumed: int | None) -> None:
        with pytest.raises(NumericError, match=r"it resumes after \d steps, and its newest checkpoint has"):
            self.witness(steps, saved).wakes(self.seen(resumed or 0, resumed=resumed))

    def test_a_bit_of_a_state_it_resumes_from(self) -> None:
        good = self.seen(4, resumed=4)
        bad = replace(good, states=good.states ^ np.array([0, 1, 0, 0], np.int32))
        with pytest.raises(NumericError, match=r"1 of 4 states differ .* states\[1\]"):
            self.witness(5, 4).wakes(bad)

    @pytest.mark.parametrize("name", ["states", "outputs"])
    def test_a_bit_after_a_step(self, name: str) -> None:
        good = self.seen(6)
        values = getattr(good, name).copy()
        values[-1] ^= 1 << 30
        with pytest.raises(NumericError, match=rf"1 of \d {name} differ"):
            self.witness(5, 4).goes_on(self.seen(5), replace(good, **{name: values}))

    def test_a_step_is_left_out(self) -> None:
        with pytest.raises(NumericError, match="the number of steps was 5 before this one"):
            self.witness(5, 4).goes_on(self.seen(5), self.seen(7))
