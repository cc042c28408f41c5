"""Harvested power as a promise of a case, and as a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.errors import HarvestError, InputError
from hil.harvest.plan import HarvestPlan
from tests.host_c import REPO
from tests.plugin.conftest import NETWORKS
from tests.plugin.test_cli import MODEL, VECTORS
from tests.plugin.test_profile import hil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

pytest_plugins = ["pytester"]

README = (REPO / "README.md").read_text()
POWER = "power_uW: 50, capacitor_uF: 200, v_on: 2.2, v_off: 1.8, checkpoint_steps: 5, hours: 0.005"


def harvest_case(*more: str) -> str:
    return f"harvest: {{{', '.join((POWER, *more))}}}\n"


def text_of(result: pytest.RunResult) -> str:
    return "\n".join((*result.outlines, *result.errlines))


def test_a_promise_that_holds(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(harvest_case())
    result = project.runpytest("--board=nucleo-l031", "-k", "harvest", "-rP", "--junitxml=junit.xml")
    text = text_of(result)
    result.assert_outcomes(passed=1, deselected=1)
    assert "inferences per hour (modelled); keeps up with recordings of one each 1 s" in text
    assert "harvest: tiny_dense on nucleo-l031 (twin), 50 uW harvested: " in text
    assert "equal in every bit" in text
    junit = (project.path / "junit.xml").read_text()
    assert 'name="hil_harvest_kind" value="modelled"' in junit
    assert 'name="hil_harvest_keeps_up" value="yes"' in junit


def test_it_announces_no_firmware_of_a_board_that_is_not_opened(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case(harvest_case())
    alone = project.runpytest("-k", "harvest")
    alone.assert_outcomes(passed=1, deselected=1)
    assert "hil: nucleo-l031" not in text_of(alone)
    assert "hil: nucleo-l031" in text_of(project.runpytest())


def test_a_promise_that_is_broken(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(harvest_case("inferences_per_hour: 1.0e+6"))
    result = project.runpytest("--board=nucleo-l031", "-k", "harvest")
    result.assert_outcomes(failed=1, deselected=1)
    text = text_of(result)
    assert "harvest: tiny_dense on nucleo-l031 (twin), 50 uW harvested, modelled: " in text
    assert "inferences per hour; promised are 1e+06 inferences per hour" in text
    assert "Traceback" not in text


def test_boards_that_cannot_say_so(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(harvest_case())
    result = project.runpytest("--board=microbit", "--board=host", "-k", "harvest", "-rs")
    result.assert_outcomes(skipped=2, deselected=2)
    assert "harvest not measured: board 'microbit' cannot be simulated on harvested power" in text_of(result)
    strict = project.runpytest("--board=host", "-k", "harvest", "--hil-strict")
    strict.assert_outcomes(errors=1, deselected=1)


def test_a_strict_run_wants_all_currents(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(harvest_case())
    result = project.runpytest("--board=nucleo-l031", "-k", "harvest", "--hil-strict")
    result.assert_outcomes(errors=1, deselected=1)
    assert "harvest of bridge on board 'nucleo-l031': its current is modelled without GPIOA" in text_of(result)


def test_a_wrong_bit_is_a_broken_promise(
    project: pytest.Pytester, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the plan expects: the firmware's own defects are in tests/harvest."""
    after = HarvestPlan.after

    def another(plan: HarvestPlan, steps: int) -> tuple[np.ndarray, np.ndarray]:
        states, outputs = after(plan, steps)
        return states, outputs ^ np.int32(steps == 7)

    monkeypatch.setattr(HarvestPlan, "after", another)
    write_case(harvest_case())
    result = project.runpytest("--board=nucleo-l031", "-k", "harvest")
    result.assert_outcomes(failed=1, deselected=1)
    assert "numeric: tiny_dense on nucleo-l031 (twin) on harvested power: after 7 steps in all" in text_of(result)


def test_a_mistake_in_the_case(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case("harvest: {power_uW: 50, capacitor_uF: 200, v_on: 1.8, v_off: 1.8}\n")
    text = text_of(project.runpytest("--board=nucleo-l031"))
    assert "line 3" in text
    assert "v_off (1.8 V) must be below v_on (1.8 V)" in text


def test_a_current_that_nobody_looked_up_is_not_measured(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case(harvest_case())
    board = (REPO / "boards/nucleo-l031.yaml").read_text().replace("name: nucleo-l031", "name: own")
    assert board.count("typical_uA_per_MHz: 76.0") == 1
    (project.path / "own.yaml").write_text(board.replace("typical_uA_per_MHz: 76.0", "typical_uA_per_MHz: unknown"))
    result = project.runpytest("--board=./own.yaml", "-k", "harvest", "-rs")
    result.assert_outcomes(skipped=1, deselected=1)
    assert "harvest not measured: board 'own' cannot be simulated on harvested power: key 'currents." in text_of(result)


def test_the_command_does_what_the_readme_says(tmp_path: Path) -> None:
    out, flash = tmp_path / "out.json", tmp_path / "flash.hex"
    line = next(line for line in README.splitlines() if line.startswith("    hil harvest "))
    words = [NETWORKS / word if word.endswith(".npz") else word for word in line.split()[1:]]
    done = hil(*words, "--json", out, "--hex", flash)
    assert done.returncode == 0, done.stderr
    shown = next(block for block in README.split("\n\n") if "inferences per hour (modelled)" in block)
    for line in (line.strip() for line in shown.splitlines()):
        assert line in {"…", *done.stdout.splitlines()}, "the README has other figures than hil harvest"
    found = json.loads(out.read_text())
    assert found["kind"] == "modelled"
    assert found["holds"]
    assert f"all {found['checked']} equal" in done.stdout
    assert flash.read_text().startswith(":020000040800F2")


def test_the_command_refuses() -> None:
    power = ("--power-uw=50", "--capacitor-uf=200", "--checkpoint-steps=5", "--hours=0.001")
    broken = hil("harvest", MODEL, VECTORS, *power, "--inferences-per-hour=1e6")
    assert broken.returncode == HarvestError.exit_code
    assert "promised: 1e+06 inferences per hour: BROKEN" in broken.stdout
    for wrong, words in (
        ("--v-on=1.5", "v_off (1.8 V) must be below v_on (1.5 V)"),
        ("--board=microbit", "board 'microbit' cannot be simulated on harvested power"),
        ("--power-uw=0", "--power-uw: Input should be greater than 0"),
        (f"--hex={MODEL}", "is a file that the simulation reads"),
    ):
        refused = hil("harvest", MODEL, VECTORS, *power, wrong)
        assert refused.returncode == InputError.exit_code
        assert words in refused.stderr
