"""The plugin from end to end on the real agent, as a native process."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.resources import examples_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]

NETWORKS = examples_dir() / "networks"
FULL = "outputs: {atol: 0.01}\nstates: {max_error: 2^-10}\n"


def text_of(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


def expected_outputs() -> np.ndarray:
    with np.load(NETWORKS / "tiny_dense.vectors.npz") as archive:
        return archive["outputs"]


def test_a_case_passes_and_its_figures_are_summed_up(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case(FULL)
    result = project.runpytest("--board=host", "--junitxml=junit.xml", "--hil-report=out")
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    text = text_of(result)
    assert re.search(r"hil: host on native process, firmware [0-9a-f]{16}, gcc \d+", text)
    row = re.search(
        r"^bridge/tiny_dense +host +native process +([0-9a-f]{12}) +200 +(\S+) +32000 equal +not measured +\d+ +0$",
        text,
        re.MULTILINE,
    )
    assert row is not None
    assert 0 < float(row[2]) < 2**-10

    properties = [
        {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in ET.parse(project.path / "junit.xml").iter("testcase")  # noqa: S314 - written by this test
    ]
    assert len(properties) == 3
    assert all(
        (p["hil_backend"], p["hil_emulated"], p["hil_bits_equal"]) == ("native", "True", "True") for p in properties
    )

    report = json.loads((project.path / "out/results.json").read_text())
    assert [(t["nodeid"], t["outcome"], t["steps"]) for t in report["tests"]] == [
        (f"bridge.hil.yaml::{promise}[host]", "passed", 200) for promise in ("bits", "outputs", "states")
    ]


def test_a_corrupted_expected_value_fails_exactly_its_item_and_is_pointed_at(
    project: pytest.Pytester, write_case: Callable[..., Path], change_vectors: Callable[..., None]
) -> None:
    outputs = expected_outputs()
    outputs[137, 0] += 0.25
    change_vectors(outputs=outputs)
    write_case(FULL)
    result = project.runpytest("--board=host", "-rA")
    result.assert_outcomes(passed=2, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = text_of(result)
    assert "FAILED bridge.hil.yaml::outputs[host] - numeric: tiny_dense on host, native process: other outputs" in text
    where = r"first at step 137, element 0; worst outputs\[137, 0\] by 0\.2(49|50?)"
    assert re.search(rf"outputs: 1 of 200 elements differ, {where}", text)
    assert re.search(r"^outputs\[137, 0\] \| \S+ +\| \S+$", text, re.MULTILINE)
    assert "Traceback" not in text
    assert "promise.py" not in text


def test_a_state_that_is_off_fails_the_states_alone(
    project: pytest.Pytester, write_case: Callable[..., Path], change_vectors: Callable[..., None]
) -> None:
    with np.load(NETWORKS / "tiny_dense.vectors.npz") as archive:
        states = archive["states"]
    states[7, 2] += 0.01
    change_vectors(states=states)
    write_case(FULL)
    result = project.runpytest("--board=host")
    result.assert_outcomes(passed=2, failed=1)
    off = re.search(r"off the float64 states by (\S+) of the state bound", text_of(result))
    assert off is not None
    assert abs(float(off[1]) - 0.01) < 2.0**-10
    assert "states: 1 of 800 elements differ, first at step 7, element 2" in text_of(result)


def test_a_decision_that_differs_from_the_reference_is_named(
    project: pytest.Pytester,
) -> None:
    for name in ("basicmotions.model.npz", "basicmotions_test.vectors.npz"):
        (project.path / name).write_bytes((NETWORKS / name).read_bytes())
    with np.load(project.path / "basicmotions_test.vectors.npz") as archive:
        arrays = dict(archive)
    arrays["outputs"][3] = arrays["outputs"][3][:, ::-1]
    np.savez(project.path / "basicmotions_test.vectors.npz", **arrays)
    project.path.joinpath("motion.hil.yaml").write_text(
        "model: basicmotions.model.npz\nvectors: basicmotions_test.vectors.npz\ndecisions: {}\n"
    )
    result = project.runpytest("--board=host")
    result.assert_outcomes(passed=1, failed=1)
    assert "1 of 40 decisions differ from the reference" in text_of(result)
    assert re.search(r"^sequence 3: decided \w+, reference \w+, label \w+$", text_of(result), re.MULTILINE)


def test_budgets_without_a_source_are_reported_as_not_measured(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("cycles: {per_step: 1}\ncurrent: {average_uA: 1}\nenergy: {per_step_uJ: 1}\n")
    result = project.runpytest("--board=host", "-rs")
    result.assert_outcomes(passed=1, skipped=3)
    assert result.ret == 0
    text = text_of(result)
    assert "SKIPPED [1] bridge.hil.yaml:3: cycles not measured" in text
    assert "cycles not measured: no cycle source on board 'host' (1 promise)" in text
    for promise in ("current", "energy"):
        why = "no current source on board 'host': a process of this computer draws no current of a chip"
        assert f"{promise} not measured: {why} (1 promise)" in text


def test_budgets_without_a_source_are_errors_when_strict(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("cycles: {per_step: 1}\n")
    result = project.runpytest("--board=host", "--hil-strict")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == 10
    assert "rig: cycles not measured: no cycle source on board 'host'" in text_of(result)


def test_a_budget_never_passes(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("cycles: {per_step: 1.0e+12}\n")
    result = project.runpytest("--board=host", "-k", "cycles")
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"inputs": np.zeros((200, 3))}, "key 'inputs': shape (200, 3), wanted (steps, 2)"),
        ({"inputs": np.full((200, 2), np.nan)}, "key 'inputs': 400 of 400 values are not finite, first inputs[0, 0]"),
        ({"outputs": np.zeros((200, 2))}, "key 'outputs': shape (200, 2), wanted (200, 1)"),
        ({"outputs": None}, "key 'outputs': missing, but the case makes a promise about its outputs"),
        ({"state0": np.full(4, "x")}, "key 'state0': dtype <U1, wanted real numbers"),
    ],
)
def test_unusable_vectors_are_told_by_file_and_key(
    project: pytest.Pytester,
    write_case: Callable[..., Path],
    change_vectors: Callable[..., None],
    arrays: dict[str, object],
    words: str,
) -> None:
    change_vectors(**arrays)
    case = write_case("outputs: {atol: 0.01}\n")
    result = project.runpytest("--board=host")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = text_of(result)
    named = "" if words.startswith("key 'outputs': missing") else f"case file {case}, line 2, key 'vectors': "
    assert f"input: {named}vectors {project.path}/tiny_dense.vectors.npz, {words}" in text
    assert "Traceback" not in text


def test_a_broken_model_is_told_by_file_and_array(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    with np.load(project.path / "tiny_dense.model.npz") as archive:
        arrays = dict(archive)
    del arrays["gleak"]
    np.savez(project.path / "tiny_dense.model.npz", **arrays)
    write_case()
    result = project.runpytest("--board=host")
    result.assert_outcomes(errors=1)
    assert re.search(r"input: .*tiny_dense\.model\.npz: array 'gleak' is missing", text_of(result))


def test_an_image_beyond_ram_goes_to_flash_and_one_beyond_flash_is_refused_in_words(
    project: pytest.Pytester, write_case: Callable[..., Path], write_network: Callable[..., None]
) -> None:
    write_case()
    write_network(neurons=80, inputs=1)
    result = project.runpytest("--board=host", "--hil-report=out")
    result.assert_outcomes(passed=1)
    assert json.loads((project.path / "out/results.json").read_text())["tests"][0]["image_place"] == "flash"

    write_network(neurons=255, inputs=255)
    result = project.runpytest("--board=host")
    result.assert_outcomes(errors=1)
    assert re.search(r"input: the model image of \d+ bytes does not fit board 'host'", text_of(result))
    assert re.search(r"caused by: \d+ bytes of RAM .*, the image slot in flash has \d+", text_of(result))


def test_python_tests_use_the_same_pieces(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from pathlib import Path

        def test_bits(dut, board):
            result = dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))
            assert result.bits_equal
            assert 0 < result.max_error < 2**-10
            assert result.outputs.shape == (1, 200, 1)
            assert board.name == "host"

        def test_no_file(dut):
            dut.run(Path("absent.npz"), Path("tiny_dense.vectors.npz"))

        def test_current(meter):
            raise AssertionError("must not run")
        """
    )
    result = project.runpytest("--board=host", "-rs")
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    text = text_of(result)
    assert "input: there is no model file absent.npz" in text
    assert "Traceback" not in text
    assert "no current source on board 'host'" in text
    assert re.search(r"^test_bits\[host\]/tiny_dense +host +native process", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "place", "words"),
    [
        ("tiny_dense.model.npz", "line 1, key 'model': there is no model file", "relative to its folder"),
        ("tiny_dense.vectors.npz", "line 2, key 'vectors': vectors", "tiny_dense.vectors.npz cannot be read"),
    ],
)
def test_a_missing_file_is_told_with_the_line_that_names_it(
    project: pytest.Pytester, write_case: Callable[..., Path], file: str, place: str, words: str
) -> None:
    path = write_case()
    (project.path / file).unlink()
    result = project.runpytest("--board=host")
    result.assert_outcomes(errors=1)
    assert f"input: case file {path}, {place}" in text_of(result)
    assert words in text_of(result)
    assert "Traceback" not in text_of(result)


def test_a_case_nested_thousands_deep_is_told_in_a_sentence(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case(f"states: {'[' * 5000}{']' * 5000}\n")
    result = project.runpytest("--board=host")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "bridge.hil.yaml is nested too deeply to be one" in text_of(result)
    assert "RecursionError" not in text_of(result)


def test_a_case_for_other_boards_is_skipped_with_its_reason(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("boards: [microbit]\n")
    result = project.runpytest("--board=host", "-rs")
    result.assert_outcomes(skipped=1)
    assert "case is for microbit, not for board 'host'" in text_of(result)


def test_a_run_that_takes_too_long_is_ended(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("timeout_s: 1.0e-6\n")
    result = project.runpytest("--board=host")
    result.assert_outcomes(errors=1)
    assert re.search(
        r"link: board 'host' has done \d+ of 200 steps of tiny_dense.vectors.npz in 1e-06 s", text_of(result)
    )


def test_the_board_is_usable_again_after_a_run_that_failed(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        from pathlib import Path
        import pytest
        from hil.errors import LinkError

        FILES = Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz")

        def test_recovers(dut):
            with pytest.raises(LinkError):
                dut.run(*FILES, timeout_s=1e-9)
            assert dut.run(*FILES).bits_equal
        """
    )
    project.runpytest("--board=host").assert_outcomes(passed=1)


def test_a_test_with_a_board_parameter_of_its_own_is_left_alone(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize(("board", "length"), [("oak", 3), ("pine", 2)])
        def test_planks(board, length):
            assert board in ("oak", "pine")
        """
    )
    result = project.runpytest()
    result.assert_outcomes(passed=2)
    assert "hil: " not in text_of(result)


def test_workers_of_xdist_have_an_agent_each_and_report_alike(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case(FULL)
    result = project.runpytest_subprocess("--board=host", "-n2")
    result.assert_outcomes(passed=3)
    assert result.ret == 0
    assert re.search(r"^bridge/tiny_dense +host +native process .* 32000 equal", text_of(result), re.MULTILINE)


def test_nothing_but_rig_errors_is_exit_code_10_also_under_xdist(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("cycles: {per_step: 1}\n")
    result = project.runpytest_subprocess("--board=host", "--hil-strict", "-n1")
    result.assert_outcomes(passed=1, errors=1)
    assert result.ret == 10
    assert "no verdict about the firmware (exit code 10)" in text_of(result)


def test_a_rig_error_beside_another_failure_is_no_exit_code_10(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("cycles: {per_step: 1}\n")
    project.makepyfile("def test_wrong():\n    assert 1 == 2\n")
    result = project.runpytest("--board=host", "--hil-strict")
    result.assert_outcomes(passed=1, errors=1, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
