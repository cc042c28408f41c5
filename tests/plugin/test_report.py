"""``--hil-report`` and ``--hil-quarantine``: what is left in the folder, and which failures count."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hil.dut.dut import Dut
from hil.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

WRONG = "outputs: {atol: 0.000001}\n"
PYTHON = """
from pathlib import Path

def test_bridge(dut):
    dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))
    assert False, "as it was told"
"""


def results(project: pytest.Pytester) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(project.path, "out", "results.json").read_text())
    return found


def quarantine(project: pytest.Pytester, *entries: str, until: int = 5) -> None:
    today = dt.datetime.now(tz=dt.UTC).date()
    days = f"reason: the cable, since: {today - dt.timedelta(days=9)}, until: {today + dt.timedelta(days=until)}"
    lines = [f"- {{{entry}, {days}}}" for entry in entries]
    Path(project.path, "bad.yaml").write_text("\n".join(["quarantine:", *lines, ""]))


def test_results_have_the_run_once_and_its_first_difference(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case(WRONG + "states: {}\n")
    project.makepyfile(PYTHON)
    done = project.runpytest("--board=host", "--hil-report=out", "--junitxml=junit.xml")
    done.assert_outcomes(passed=2, failed=2)
    found = results(project)
    assert (found["format"], found["version"]) == ("hil results", 1)
    case = "bridge.hil.yaml::bridge/tiny_dense[host]"
    python = "test_results_have_the_run_once_and_its_first_difference.py::test_bridge[host]"
    assert sorted(found["runs"]) == [case, python]
    assert [test["run"] for test in found["tests"]] == [case] * 3 + [python]
    assert found["runs"][case]["size"] is None
    broken, plain = found["tests"][1], found["tests"][3]
    assert broken["difference"]["array"] == "outputs"
    assert (broken["difference"]["first"], broken["difference"]["step"]) == (0, 0)
    assert "Index" in broken["text"]
    assert plain["message"] == "AssertionError: as it was told"
    assert (plain["verdict"], plain["difference"]) == ("assertion", None)
    page = Path(project.path, "out", "report.html").read_text()
    assert "<h1>failed</h1>" in page
    assert "first difference: outputs, step 0, element 0" in page


def test_each_test_in_python_has_its_own_run_also_by_a_fixture_and_for_each_parameter(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_python="""
        from pathlib import Path
        import pytest

        @pytest.fixture
        def result(dut):
            return dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))

        def test_fixture(result):
            assert result.bits_equal

        @pytest.mark.parametrize("count", [1, 2])
        def test_parameters(dut, count):
            for _ in range(count):
                dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))
        """
    )
    done = project.runpytest("--board=host", "--hil-report=out")
    done.assert_outcomes(passed=3)
    found = results(project)
    nodeids = [test["nodeid"] for test in found["tests"]]
    assert [test["run"] for test in found["tests"]] == nodeids
    assert sorted(found["runs"]) == sorted(nodeids)
    rows = [line.split("  ")[0] for line in done.outlines if "/tiny_dense  " in line]
    assert sorted(rows) == [
        "test_fixture[host]/tiny_dense",
        "test_parameters[host-1]/tiny_dense",
        "test_parameters[host-2] (worst of 2)/tiny_dense",
    ]


def test_an_emulated_run_has_the_size_of_its_firmware_and_its_cycles(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    assert project.runpytest("--board=microbit", "--hil-report=out", "--junitxml=junit.xml").ret == 0
    (run,) = results(project)["runs"].values()
    assert run["emulated"]
    assert 0 < run["size"]["flash_bytes"] < run["size"]["flash_limit"]
    assert 0 < run["size"]["ram_bytes"] < run["size"]["ram_limit"]
    assert run["cycles"]["per_step"]["steps"] == 200
    assert run["cycles"]["min"] == min(run["cycles"]["per_step"]["low"])
    junit = Path(project.path, "junit.xml").read_text()
    assert f'name="hil_firmware_flash_bytes" value="{run["size"]["flash_bytes"]}"' in junit
    assert f'name="hil_firmware_ram_bytes" value="{run["size"]["ram_bytes"]}"' in junit
    assert "per_step" not in junit  # no long tables
    assert '<span class="badge emulated">emulated</span>' in Path(project.path, "out", "report.html").read_text()


def test_a_run_whose_energy_is_promised_has_its_current(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("current: {average_uA: 9000}\n")
    project.runpytest("--board=nucleo-l031", "--hil-report=out")  # has no golden yet
    (run,) = results(project)["runs"].values()
    energy, (whole, near) = run["energy"], run["current"]
    assert energy["kind"] == "modelled"
    assert whole["begin_s"] <= near["begin_s"] < near["end_s"] <= whole["end_s"]
    mean_uA = 1e6 * sum(whole["mean_A"]) / len(whole["mean_A"])  # noqa: N806
    assert mean_uA == pytest.approx(energy["average_uA"], rel=0.05)
    assert max(near["marked"]) == 1
    assert "current, modelled" in Path(project.path, "out", "report.html").read_text()


def test_what_gave_no_result_says_with_which_firmware_and_image(
    project: pytest.Pytester, write_case: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_case("")
    assert project.runpytest("--board=host", "--hil-report=out").ret == 0
    (run,) = results(project)["runs"].values()

    def measure(*_: object, **__: object) -> None:
        raise LinkError("no answer to STEP")

    monkeypatch.setattr(Dut, "measure", measure)
    assert project.runpytest("--board=host", "--hil-report=out").ret == 1
    (test,) = results(project)["tests"]
    assert (test["verdict"], test["run"]) == ("link", None)
    assert (test["firmware"], test["image"]) == (run["firmware"], run["image"])


def test_failures_in_quarantine_are_shown_and_do_not_count(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case(WRONG)
    project.makepyfile(PYTHON)
    quarantine(project, "board: host")
    done = project.runpytest("--board=host", "--hil-report=out", "--hil-quarantine=bad.yaml", "--junitxml=junit.xml")
    done.assert_outcomes(passed=1, xfailed=2)
    assert done.ret == 0
    done.stdout.re_match_lines([r"host is in quarantine from \S+ to \S+: the cable \(2 of 3 failed, not counted\)"])
    tests = results(project)["tests"]
    assert [(test["outcome"], test["verdict"]) for test in tests] == [
        ("passed", None),
        ("quarantined", "numeric"),
        ("quarantined", "assertion"),
    ]
    assert all("the cable" in test["quarantine"] for test in tests)
    assert tests[1]["message"].startswith("numeric: tiny_dense on host")
    assert tests[1]["difference"] is not None
    page = Path(project.path, "out", "report.html").read_text()
    assert "<h1>passed</h1>" in page
    assert "Not counted: host is in quarantine" in page
    assert re.search(r'type="pytest.xfail"[^>]*the cable', Path(project.path, "junit.xml").read_text())


def test_a_case_alone_is_in_quarantine(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(WRONG)
    project.makepyfile(PYTHON)
    quarantine(project, "board: host, case: bridge", "board: microbit")
    Path(project.path, "pytest.ini").write_text("[pytest]\nhil_quarantine = bad.yaml\n")
    done = project.runpytest("--board=host")
    done.assert_outcomes(passed=1, xfailed=1, failed=1)
    assert done.ret == 1


def test_an_error_of_the_rig_in_quarantine_leaves_a_verdict(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    quarantine(project, "board: microbit")
    chosen = ("--board=microbit", "--hil-backend=hardware")
    assert project.runpytest(*chosen).ret == 10
    done = project.runpytest(*chosen, "--hil-quarantine=bad.yaml", "--hil-report=out")
    assert done.ret == 0
    (test,) = results(project)["tests"]
    assert (test["outcome"], test["verdict"], test["run"]) == ("quarantined", "rig", None)


def test_a_quarantine_that_ended_excuses_nothing_and_makes_the_run_red(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    quarantine(project, "board: host", until=-1)
    done = project.runpytest("--board=host", "--hil-quarantine=bad.yaml", "--hil-report=out")
    done.assert_outcomes(passed=1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["quarantine file *bad.yaml, line 2, key 'quarantine.0.until': the quarantine of host*"])
    page = Path(project.path, "out", "report.html").read_text()
    assert "<h1>failed</h1>" in page
    assert "its failures count again" in page


def test_a_quarantine_of_boards_that_take_no_part_is_not_told_of(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    quarantine(project, "board: microbit", until=-1)
    assert project.runpytest("--board=host", "--hil-quarantine=bad.yaml").ret == 0


def test_a_quarantine_file_that_cannot_be_read_is_a_usage_error(project: pytest.Pytester) -> None:
    done = project.runpytest("--board=host", "--hil-quarantine=missing.yaml")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["ERROR: quarantine file missing.yaml cannot be read"])


def test_what_is_no_text_costs_no_report(project: pytest.Pytester) -> None:
    lost = 'import os\ndef test_name():\n    raise OSError(os.fsdecode(b"m\\xfcller.npz") + " is not there")\n'
    project.makepyfile(lost)
    done = project.runpytest("--board=host", "--hil-report=out", "--junitxml=junit.xml")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert results(project)["tests"][0]["message"] == "OSError: m\udcfcller.npz is not there"
    assert r"OSError: m\udcfcller.npz is not there" in Path(project.path, "out", "report.html").read_text()
    assert Path(project.path, "junit.xml").exists()


def test_under_xdist_the_same_is_left(project: pytest.Pytester, write_case: Callable[[str], Path]) -> None:
    write_case(WRONG + "states: {}\n")
    quarantine(project, "board: host")
    options = ("--board=host", "--hil-report=out", "--hil-quarantine=bad.yaml")
    assert project.runpytest(*options, "-n2").ret == 0
    several = results(project)
    assert project.runpytest(*options, "-n0").ret == 0
    alone = results(project)
    names = ("nodeid", "outcome", "verdict", "quarantine", "run", "difference", "file", "case", "vectors", "board")

    def told(found: dict[str, Any]) -> list[tuple[Any, ...]]:
        return sorted(tuple(test[name] for name in names) for test in found["tests"])

    assert told(several) == told(alone)
    assert several["runs"].keys() == alone["runs"].keys()


def test_an_older_page_is_gone_when_a_run_is_refused(
    project: pytest.Pytester, write_case: Callable[[str], Path]
) -> None:
    write_case("")
    assert project.runpytest("--board=host", "--hil-report=out").ret == 0
    assert Path(project.path, "out", "report.html").exists()
    assert project.runpytest("--board=host", "--hil-report=out", "--no-such").ret == pytest.ExitCode.USAGE_ERROR
    assert list(Path(project.path, "out").iterdir()) == []
