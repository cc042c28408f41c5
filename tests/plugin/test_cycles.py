"""Cycles from end to end on an emulated micro:bit: recorded, compared, and never passed in silence."""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]

STEPS = 12
CASE = "states: {}\ncycles: {per_step: 60000}\n"
ON = "--board=microbit", "--hil-backend=qemu"


def text_of(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


@pytest.fixture
def golden(
    project: pytest.Pytester, write_case: Callable[..., Path], change_vectors: Callable[..., None]
) -> Callable[..., Any]:
    """A short case with its golden recorded; called, the golden, or with a change, the changed one written."""
    with np.load(project.path / "tiny_dense.vectors.npz") as archive:
        change_vectors(**{name: archive[name][:STEPS] for name in ("inputs", "elapsed", "states", "outputs")})
    write_case(CASE)
    path = project.path / "bridge.cycles.json"
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=3)
    text = text_of(result)
    assert re.search(r"^bridge +microbit +tiny_dense\.vectors\.npz +- +\d+-\d+-\d+ +new$", text, re.MULTILINE)
    assert text.index("cycles/step before") < text.index(f"{path}: written")
    assert "cycles: budget asserted, nothing compared (--hil-update-golden) (1 promise)" in text

    def change(edit: Callable[[Any], None] | None = None) -> Any:
        data = json.loads(path.read_text())
        if edit is not None:
            edit(data["entries"][0])
            path.write_text(json.dumps(data))
        return data["entries"][0]

    return change


def recording_of(entry: Any) -> Any:
    return entry["vectors"]["tiny_dense.vectors.npz"]


def test_a_changed_golden_fails_exactly_its_item_and_is_recorded_anew(
    project: pytest.Pytester, golden: Callable[..., Any]
) -> None:
    first = recording_of(golden())
    assert (np.shape(first["per_step"]), len(first["firmware"])) == ((1, STEPS), 16)
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=3)
    assert "cycles: equal to the golden (1 promise)" in text_of(result)

    golden(lambda entry: recording_of(entry)["per_step"][0].__setitem__(5, first["per_step"][0][5] - 3))
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=2, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = text_of(result)
    assert (
        "FAILED bridge.hil.yaml::cycles[microbit] - cycles: tiny_dense on microbit, qemu (emulated): other cyc" in text
    )
    assert f"1 of {STEPS} steps differ, first at step 5: {first['per_step'][0][5] - 3} -> " in text
    assert "Traceback" not in text

    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=3)
    assert "bridge.cycles.json: written" in text_of(result)
    assert recording_of(golden())["per_step"] == first["per_step"]


def test_a_golden_of_another_compiler_leaves_the_budget_in_words_everywhere(
    project: pytest.Pytester, golden: Callable[..., Any]
) -> None:
    golden(lambda entry: entry["platform"].__setitem__("compiler", "arm-none-eabi-gcc 99.1"))
    result = project.runpytest(*ON, "--junitxml=junit.xml", "-rP")
    result.assert_outcomes(passed=3)
    words = "no golden for this compiler, budget asserted"
    text = text_of(result)
    assert f"cycles: {words} (1 promise)" in text  # summary
    assert re.search(rf"^{words}: .*recorded are arm-none-eabi-gcc 99\.1", text, re.MULTILINE)  # the item's section
    noted = {p.get("name"): p.get("value") for p in ET.parse(project.path / "junit.xml").iter("property")}  # noqa: S314
    assert noted["hil_cycles_golden"] == words
    assert (noted["hil_cycles_source"], noted["hil_core"]) == ("model: QEMU plugin, Cortex-M0 timing", "cortex-m0")
    assert int(noted["hil_cycles_min"]) <= int(noted["hil_cycles_median"]) <= int(noted["hil_cycles_max"])

    result = project.runpytest(*ON, "--hil-strict")
    result.assert_outcomes(passed=2, failed=1)
    assert f"{words}: " in text_of(result)


def test_what_is_over_its_budget_fails_and_is_not_recorded(
    project: pytest.Pytester, golden: Callable[..., Any], write_case: Callable[..., Path]
) -> None:
    before = golden()
    write_case(CASE.replace("60000", "1000"))
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=2, failed=1)
    assert f"{STEPS} of {STEPS} steps take more than 1000 cycles, the longest " in text_of(result)
    assert "no golden recorded: no item of this run" in text_of(result)
    assert golden() == before


def test_a_sequence_longer_than_the_ring_of_calls_is_asserted(
    project: pytest.Pytester,
    write_case: Callable[..., Path],
    change_vectors: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hil.dut.counting.RING", 256)  # in place of 65536, which take half a minute
    with np.load(project.path / "tiny_dense.vectors.npz") as archive:
        inputs, elapsed = (np.concatenate([archive[name]] * 5) for name in ("inputs", "elapsed"))
    change_vectors(inputs=inputs, elapsed=elapsed, states=None, outputs=None)
    write_case(CASE.removeprefix("states: {}\n"))
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=2)
    assert "tiny_dense.vectors.npz  -" in text_of(result)
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=2)
    write_case("cycles: {per_step: 1000}\n")
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=1, failed=1)
    assert "1000 of 1000 steps take more than 1000 cycles" in text_of(result)


def test_while_another_promise_is_broken_nothing_is_recorded(
    project: pytest.Pytester,
    golden: Callable[..., Any],
    write_case: Callable[..., Path],
    change_vectors: Callable[..., None],
) -> None:
    before = golden(lambda entry: recording_of(entry)["per_step"][0].__setitem__(5, 1))
    with np.load(project.path / "tiny_dense.vectors.npz") as archive:
        change_vectors(outputs=archive["outputs"] + 0.5)
    write_case(CASE + "outputs: {atol: 0.01}\n")
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=2, failed=2)
    said = "the cycles of tiny_dense.vectors.npz in case bridge are not recorded: its promise 'outputs' does not hold"
    assert said in text_of(result)
    assert golden() == before


def test_a_run_that_has_nothing_to_record_fails(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("states: {}\n")
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "no golden recorded: no item of this run" in text_of(result)


def test_an_interrupted_run_records_nothing_and_says_so(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case(CASE)
    project.makeconftest(
        """
        def pytest_runtest_logreport(report):
            if report.when == "teardown" and "::cycles" in report.nodeid:
                raise KeyboardInterrupt
        """
    )
    result = project.runpytest_subprocess(*ON, "--hil-update-golden")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "no golden recorded: the run did not come to its end" in text_of(result)
    assert "recorded (1" not in text_of(result)
    assert not (project.path / "bridge.cycles.json").exists()


def test_a_missing_golden_fails_and_a_damaged_one_is_named(
    project: pytest.Pytester, golden: Callable[..., Any]
) -> None:
    golden(lambda entry: entry["vectors"].clear())
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=2, failed=1)
    text = text_of(result)
    assert "cycles: tiny_dense on microbit, qemu (emulated): there is no golden of the cycles of tiny_dense" in text
    assert "hint: look at the figures, then record them with --hil-update-golden" in text

    path = project.path / "bridge.cycles.json"
    path.write_text("{}")
    result = project.runpytest(*ON, "--hil-update-golden")
    result.assert_outcomes(passed=2, failed=1)
    assert f"input: golden file {path} is damaged" in text_of(result)
    assert path.read_text() == "{}"


def test_without_the_host_compiler_cycles_alone_are_not_measured(
    project: pytest.Pytester, golden: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    del golden
    monkeypatch.setattr("hil.cycles.compiler.INSTALLED", ("no-such-gcc",))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    monkeypatch.setattr("hil.cycles.library.FLAGS", ("-std=c11", "-O1", "-fPIC", "-shared"))  # so it is not cached
    result = project.runpytest(*ON)
    result.assert_outcomes(passed=2, skipped=1)
    said = "model: the twin and the counting of cycles need the host's C compiler, and no-such-gcc is not installed"
    assert f"cycles not measured: {said}" in text_of(result)
    result = project.runpytest(*ON, "--hil-strict")
    result.assert_outcomes(passed=2, errors=1)
    assert result.ret == 10
