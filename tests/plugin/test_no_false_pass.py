"""Ways in which a wrong run could look right, each found by a reviewer once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.host_c import REPO
from tests.plugin.test_cli import MODEL, VECTORS, hil

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]

PYTHON_TEST = """
    from pathlib import Path

    def test_bridge(dut):
        dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))
"""


def test_run_judges_expected_outputs(tmp_path: Path) -> None:
    with np.load(VECTORS) as archive:
        arrays = {key: archive[key] for key in archive.files}
    wrong = tmp_path / "wrong.vectors.npz"
    np.savez(wrong, **(arrays | {"outputs": arrays["outputs"] + 5.0}))
    assert "broken (numeric)" in hil("run", MODEL, wrong, "--board=host", code=1)
    assert "of an expected output, at most 6" in hil("run", MODEL, wrong, "--board=host", "--atol=6")


@pytest.mark.parametrize(
    "option", ["--max-error=nan", "--max-error=0", "--max-error=2", "--atol=-1", "--atol=inf", "--atol=1e300"]
)
def test_a_promise_that_is_none_is_an_input_error(option: str) -> None:
    assert f"error (input): {option.partition('=')[0]} is" in hil("run", MODEL, VECTORS, "--board=host", option, code=2)


def test_a_misspelt_board_in_a_case_is_no_skip(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("boards: [micorbit]\n")
    result = project.runpytest("--board=host")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*line 3, key 'boards': there is no board 'micorbit'*", "*did you mean 'microbit'?*"])


def test_a_file_that_cannot_be_imported_is_no_rig_error(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_broken="import nothing_of_this_name",
        test_rig="from hil.errors import RigError\n\ndef test_it():\n    raise RigError('no probe')",
    )
    result = project.runpytest("--continue-on-collection-errors")
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_cases_of_one_name_in_two_folders_are_two_rows(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    case = write_case()
    for folder in ("a", "b"):
        (project.path / folder).mkdir()
        for path in project.path.glob("tiny_dense.*"):
            shutil.copy(path, project.path / folder)
        shutil.copy(case, project.path / folder)
    case.unlink()
    result = project.runpytest("--board=host")
    rows = [line for line in result.outlines if line.startswith("bridge")]
    assert len(rows) == 2


@pytest.fixture
def wrong_firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped firmware with one unfold too few."""
    root = tmp_path / "firmware"
    shutil.copytree(REPO / "firmware", root)
    source = root / "ltc" / "ltc.c"
    text = source.read_text()
    assert text.count("turn < net->unfolds") == 1
    source.write_text(text.replace("turn < net->unfolds", "turn + 1 < net->unfolds"))
    monkeypatch.setattr("hil.build_plan.firmware_dir", lambda: root)


@pytest.mark.usefixtures("wrong_firmware")
def test_a_python_test_that_asserts_nothing_fails_on_wrong_bits(project: pytest.Pytester) -> None:
    project.makepyfile(PYTHON_TEST)
    result = project.runpytest("--board=host")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the device and the exact integer model differ*", "*DIFFER*"])


@pytest.mark.usefixtures("wrong_firmware")
def test_a_case_fails_on_wrong_bits(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case("states: {max_error: 0.5}\n")
    result = project.runpytest("--board=host")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=1, passed=1)


def test_of_several_results_in_a_test_the_worst_is_shown(project: pytest.Pytester) -> None:
    project.makepyfile(PYTHON_TEST + '        dut.run(Path("tiny_dense.model.npz"), Path("tiny_dense.vectors.npz"))\n')
    result = project.runpytest("--board=host")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["test_bridge*(worst of 2)*"])


def test_an_unusable_state_folder_is_a_rig_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "file" / "state"))
    text = hil("run", MODEL, VECTORS, "--board=microbit", code=10)
    assert "error (rig): the flash of emulated boards cannot be kept in" in text
