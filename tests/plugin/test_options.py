"""What the plugin says before any board is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]


def stderr_of(result: pytest.RunResult) -> str:
    return "\n".join(result.errlines + result.outlines)


def test_help_lists_every_option_once(project: pytest.Pytester) -> None:
    text = "\n".join(project.runpytest("--help").outlines)
    for option in (
        "--board=NAME",
        "--hil-backend={auto,hardware,qemu,renode,twin}",
        "--hil-probe=UID",
        "--hil-port=DEV",
        "--hil-link={uart,spi}",
        "--hil-flash={auto,always,never}",
        "--hil-update-golden",
        "--hil-report=DIR",
        "--hil-rig=FILE",
        "--hil-strict",
    ):
        assert text.count(f"  {option}") == 1, option


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--board=microbyte"], "there is no board 'microbyte'\n  hint: did you mean 'microbit'?"),
        (["--board=host", "--hil-link=spi"], "board 'host' has no spi link\n  hint: its links: uart"),
        (["--board=microbit", "--hil-backend=renode"], "board 'microbit' has no backend 'renode'"),
        (["--hil-backend=qemu"], "board 'nucleo-l031' has no backend 'qemu'"),
        (["--board=host", "--hil-backend=qemu"], "board 'host' has no backend 'qemu'"),
        (["--board=host", "--hil-backend=hardware"], "board 'host' is a process on this computer"),
        (["--board=host", "--hil-port=/dev/ttyACM0"], "it has no probe and no port"),
        (["--board=microbit", "--hil-backend=qemu", "--hil-port=/dev/x"], "backend 'qemu' brings its own"),
        (["--board=host", "--board=microbit", "--hil-probe=1"], "name one attached board, but 2 boards"),
        (["--hil-rig=rig.yaml"], "there is no rig file rig.yaml"),
        (["--board=microbit", "--hil-wait=-1"], "--hil-wait -1 is no time to wait"),
        (["--hil-update-golden", "-n1"], "--hil-update-golden writes from one process"),
        (["--hil-report=bridge.hil.yaml"], "--hil-report bridge.hil.yaml is no folder"),
        (["--hil-report=/proc/1/there"], "/proc/1/there/results.json cannot be written"),
    ],
)
def test_an_option_that_cannot_be_is_a_usage_error_in_a_sentence(
    project: pytest.Pytester, write_case: Callable[..., Path], arguments: list[str], words: str
) -> None:
    write_case()
    result = project.runpytest(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = stderr_of(result)
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("option", ["--board=hots", "--hil-rig=bench.yaml", "--hil-backend=qemu", "--no-such-option"])
def test_a_usage_error_leaves_no_older_report(project: pytest.Pytester, option: str) -> None:
    project.mkdir("out").joinpath("results.json").write_text("{}")
    assert project.runpytest("--hil-report=out", option).ret == pytest.ExitCode.USAGE_ERROR
    assert list((project.path / "out").iterdir()) == []


def test_a_case_has_one_item_for_each_promise_and_board(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("outputs: {atol: 0.01}\nstates: {}\ncycles: {per_step: 40000}\n")
    result = project.runpytest("--collect-only", "-q", "--board=microbit", "--board=host")
    promises = ["bits", "outputs", "states", "cycles"]
    wanted = [f"bridge.hil.yaml::{promise}[{board}]" for board in ("microbit", "host") for promise in promises]
    assert [line for line in result.outlines if "::" in line] == wanted
    assert result.ret == 0


def test_several_vectors_are_told_apart(project: pytest.Pytester) -> None:
    project.path.joinpath("b.hil.yaml").write_text("model: m.npz\nvectors: [x.vectors.npz, y.npz]\n")
    result = project.runpytest("--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "b.hil.yaml::bits[nucleo-l031-x]",
        "b.hil.yaml::bits[nucleo-l031-y]",
    ]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("output: {atol: 1}\n", "bridge.hil.yaml, line 3, key 'output': unknown key\n  hint: did you mean 'outputs'?"),
        ("outputs: {atol: big}\n", "bridge.hil.yaml, line 3, key 'outputs.atol': input should be a valid number"),
        ("outputs: {\n", "bridge.hil.yaml, line 4 is not valid YAML"),
    ],
)
def test_a_mistake_in_a_case_file_is_a_collection_error_in_a_sentence(
    project: pytest.Pytester, write_case: Callable[..., Path], lines: str, words: str
) -> None:
    write_case(lines)
    result = project.runpytest("--board=host")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    said = "\n".join(result.outlines)
    assert f"input: case file {project.path}" in said
    assert words in said
    assert "Traceback" not in said
    assert "hil/case.py" not in said


def test_a_project_without_boards_sees_nothing_of_the_plugin(project: pytest.Pytester) -> None:
    project.makepyfile("def test_one():\n    assert True\n")
    result = project.runpytest()
    assert result.ret == 0
    assert "hil: " not in "\n".join(result.outlines)
    assert "hardware in the loop" not in "\n".join(result.outlines)
