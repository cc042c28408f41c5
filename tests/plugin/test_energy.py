"""Current and energy from end to end: modelled on the twin, and by a simulated PPK2 on one that stands on a desk."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import RigError
from hil.power.trace import Trace
from hil.resources import boards_dir
from tests.plugin.measured_board import BOARD, LivePpk2, desk
from tests.power.instruments.ppk2 import RATE_HZ
from tests.power.instruments.source import constant

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

STEPS = 40
CASE = "current: {average_uA: 1300}\nenergy: {per_step_uJ: 2}\n"
ON = ("--board=nucleo-l031",)
SIMULATED = "simulated instrument, emulated board"


def text_of(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


@pytest.fixture
def case(
    project: pytest.Pytester, write_case: Callable[..., Path], change_vectors: Callable[..., None]
) -> pytest.Pytester:
    """A short case with budgets of current and energy."""
    with np.load(project.path / "tiny_dense.vectors.npz") as archive:
        change_vectors(**{name: archive[name][:STEPS] for name in ("inputs", "elapsed", "states", "outputs")})
    write_case(CASE)
    return project


def change_golden(project: pytest.Pytester, edit: Callable[[Any], None]) -> None:
    path = project.path / "bridge.energy.json"
    data = json.loads(path.read_text())
    edit(data["entries"][0]["vectors"]["tiny_dense.vectors.npz"])
    path.write_text(json.dumps(data))


def test_a_model_is_recorded_compared_and_called_one(case: pytest.Pytester) -> None:
    result = case.runpytest(*ON)
    result.assert_outcomes(passed=1, failed=2)
    assert "current: tiny_dense on nucleo-l031, twin (emulated): there is no golden of the energy" in text_of(result)

    result = case.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=3)
    assert "bridge.energy.json: written" in text_of(result)

    result = case.runpytest(*ON, "--junitxml=junit.xml", "--hil-report=out", "-rP")
    result.assert_outcomes(passed=3)
    text = text_of(result)
    assert "current: modelled, equal to the golden (1 promise)" in text
    assert "energy: modelled, equal to the golden (1 promise)" in text
    assert re.search(
        r"^bridge/tiny_dense +nucleo-l031 +\d+ µA \(typical, maximum unknown\) +1\.\d+ µJ", text, re.MULTILINE
    )
    assert "without GPIOA, HSI16, PWR, USART2: not looked up" in text
    assert not re.search(r"(?<!not )measured", text)
    noted = {p.get("name"): p.get("value") for p in ET.parse(case.path / "junit.xml").iter("property")}  # noqa: S314
    assert (noted["hil_energy_kind"], noted["hil_supply_V"]) == ("modelled", "3.0")
    assert 1000 < float(str(noted["hil_average_uA"])) < 1216
    tests = json.loads((case.path / "out/results.json").read_text())["tests"]
    assert {test["energy_kind"] for test in tests} == {"modelled"}

    change_golden(case, lambda recording: recording["per_step_uJ"][0].__setitem__(5, 1.4))
    result = case.runpytest(*ON)
    result.assert_outcomes(passed=2, failed=1)
    assert f"1 of {STEPS} steps differ, first at step 5: 1.4 -> 1.4" in text_of(result)

    result = case.runpytest(*ON, "--hil-strict")
    result.assert_outcomes(passed=1, errors=2)
    assert "rig: current is modelled without GPIOA, HSI16, PWR, USART2, as nobody could look up" in text_of(result)


def test_an_average_that_a_golden_has_is_no_skip_where_it_becomes_unknown(case: pytest.Pytester) -> None:
    """The board's file has no current any more for the state that the chip idles in."""
    known = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8")
    sleep = re.compile(r"(state: sleep, clock_hz: 16000000, typical_uA: )[\d.]+")
    assert sleep.search(known)
    board = case.path / "nucleo-l031.yaml"
    board.write_text(known, encoding="utf-8")
    case.runpytest(f"--board={board}", "--hil-update-golden").assert_outcomes(passed=3)
    board.write_text(sleep.sub(r"\1unknown", known), encoding="utf-8")
    result = case.runpytest(f"--board={board}")
    result.assert_outcomes(passed=2, failed=1)
    text = text_of(result)
    assert re.search(
        r"current: tiny_dense on nucleo-l031, twin \(emulated\): current not measured: for [\d.]+ s ", text
    )
    assert re.search(r"; the golden of tiny_dense.vectors.npz has an average of 1\d+ µA", text)
    (case.path / "bridge.energy.json").unlink()
    result = case.runpytest(f"--board={board}", "-rs")
    result.assert_outcomes(failed=1, skipped=1, passed=1)
    assert "current not measured: for " in text_of(result)


def test_over_its_budget_it_fails_and_is_not_recorded(case: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("current: {average_uA: 900}\nenergy: {per_step_uJ: 2}\n")
    result = case.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=1, failed=2)
    assert "the average current is more than promised: 10" in text_of(result)
    assert not (case.path / "bridge.energy.json").exists()


def test_an_analyzer_of_an_emulated_board_is_refused(case: pytest.Pytester) -> None:
    result = case.runpytest(*ON, "--hil-meter=ppk2:/dev/none?voltage=3.0")
    result.assert_outcomes(errors=3)
    text = text_of(result)
    assert (
        "input: --hil-meter ppk2:/dev/none?voltage=3.0 names a current analyzer, but board 'nucleo-l031' is emu" in text
    )
    assert "hint: leave --hil-meter out to have the current modelled" in text
    result = case.runpytest("--board=host", "--hil-meter=ppk2:/dev/none")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "there is no current to measure" in "\n".join(result.errlines)


def test_a_simulated_instrument_on_an_emulated_board(case: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    case.makepyfile(test_meter="def test_meter(meter):\n    assert meter.identify().name == 'PPK2'\n")
    with desk(monkeypatch) as bench:
        recorded = case.runpytest(*bench.arguments(), "--hil-update-golden", "bridge.hil.yaml")
        recorded.assert_outcomes(passed=3)
        result = case.runpytest(*bench.arguments(), "-rP", "--hil-report=out")
    result.assert_outcomes(passed=4)
    text = text_of(result)
    assert f"current by ppk2:{bench.path}?voltage=3.0&marker=D0&simulated=yes" in text  # in the header
    assert "current by simulated PPK2 without a serial number, hardware 9173" in text  # once it is open
    assert f"energy: {SIMULATED}, equal to the golden (1 promise)" in text
    assert re.search(
        rf"^bridge/tiny_dense +nucleo-l031 +\d+ ± [\d.e+]+ µA +1\.\d+ ± 0\.\d+ µJ +{SIMULATED}$", text, re.MULTILINE
    )
    assert "modelled" not in text
    assert not re.search(r"(?<!not )measured", text)
    test = json.loads((case.path / "out/results.json").read_text())["tests"][0]
    assert test["energy_kind"] == "simulated"
    # A batch is a little more than its steps: the core goes from one to the next. Their mean is by the model's figures.
    assert test["energy_median_uJ"] == pytest.approx(1.43, rel=0.03)


@pytest.mark.parametrize(
    ("ppk2", "words"),
    [
        (LivePpk2(constant(0.0), unplug_after=6000), "stopped after"),
        (LivePpk2(constant(0.0), lost=dict.fromkeys(range(2_000, 100_000, 2_000), 7)), "misses samples from"),
    ],
    ids=["unplugged", "lost samples"],
)
def test_what_an_instrument_misses_is_a_rig_error_and_never_a_figure(
    case: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ppk2: LivePpk2, words: str
) -> None:
    with desk(monkeypatch, ppk2) as bench:
        result = case.runpytest(*bench.arguments())
    result.assert_outcomes(passed=1, errors=2)
    assert result.ret == 10
    text = text_of(result)
    assert text.count("ERROR bridge.hil.yaml::") == 2
    assert words in text
    assert "Traceback" not in text
    assert "µJ" not in text


@dataclass
class SkippingPpk2(LivePpk2):
    """A PPK2 that loses 64 samples in a window of the marker, which its counter of six bits does not tell."""

    skips_in: int = 0
    """The number of the window, from 1 on."""
    _high: bool = False

    def _sample(self) -> bytes:
        high = self.source.mark("D0", self._number / RATE_HZ)
        if high and not self._high:
            self.skips_in -= 1
            if not self.skips_in:
                self.lost[self._number + 20] = 64
        self._high = high
        return super()._sample()


def test_samples_that_its_counter_does_not_miss_are_told_by_cycles(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, vectors = (project.path / f"tiny_dense.{kind}.npz" for kind in ("model", "vectors"))
    ppk2 = SkippingPpk2(constant(0.0), skips_in=5)
    with (
        desk(monkeypatch, ppk2) as bench,
        open_dut(BOARD, DutOptions(probe=bench.probe, port=bench.port, meter=bench.meter())) as dut,
    ):
        energy = dut.run(model, vectors, energy_runs=1).energy
        assert ppk2.skips_in < 0
        assert energy.found is None
        assert isinstance(energy.failure, RigError)
        assert "lost samples without a word: 1 of " in energy.reason
        ppk2.skips_in = 0
        assert dut.run(model, vectors, energy_runs=1).energy.found is not None


def test_without_a_marker_it_is_found_in_the_current(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    model, vectors = (project.path / f"tiny_dense.{kind}.npz" for kind in ("model", "vectors"))
    with (
        desk(monkeypatch) as bench,
        open_dut(
            BOARD, DutOptions(probe=bench.probe, port=bench.port, meter=bench.meter("voltage=3.0&simulated=yes"))
        ) as dut,
    ):
        found = dut.run(model, vectors, energy_runs=1).energy.found
        assert isinstance(dut.last_current, Trace)
    assert found is not None
    assert found.kind == "simulated"
    assert found.batch > 40
    assert "cut at edges of the current itself" in found.notes[0]
    # By the model a step takes 1.4242 µJ; the core's work on a batch's frames comes to it, and is said.
    apart = float(np.mean(found.per_step_uJ)) / 1.4242 - 1
    assert 0.03 < apart < found.repeats.step
    assert np.mean(found.uncertainty_uJ) > (0.1 + apart) * 1.4242


def test_hil_run_tells_of_energy_in_json(case: pytest.Pytester) -> None:
    from typer.testing import CliRunner  # noqa: PLC0415 # brings hil.cli, for this test alone

    from hil.cli import app  # noqa: PLC0415

    files = [str(Path(case.path, f"tiny_dense.{kind}.npz")) for kind in ("model", "vectors")]
    for board, kind in (("nucleo-l031", "modelled"), ("host", "unknown")):
        done = CliRunner().invoke(app, ["run", *files, "--board", board, "--json", "out.json"])
        assert done.exit_code == 0, done.output
        energy = json.loads(Path("out.json").read_text())["energy"]
        assert energy["kind"] == kind
        if kind == "unknown":
            assert energy["per_step_uJ"] is None
            assert "a process of this computer draws no current" in energy["reason"]
        else:
            assert len(energy["per_step_uJ"]) == STEPS
            assert energy["average_uA"] == pytest.approx(1078, rel=0.02)
            assert energy["without"] == ["GPIOA", "HSI16", "PWR", "USART2"]
