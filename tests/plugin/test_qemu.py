"""The plugin from end to end on an emulated micro:bit: build, flash through pyOCD, stream, judge."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.emulator.power import power

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytest_plugins = ["pytester"]


def text_of(result: pytest.RunResult) -> str:
    return "\n".join(result.outlines)


@pytest.mark.parametrize(
    ("board", "chosen", "version"),
    [("nucleo-l031", (), r"twin Unicorn \d+\.\d+\S*"), ("microbit", ("--board=microbit",), r"qemu \d+\.\d+\S*")],
)
def test_a_board_that_is_not_attached_is_emulated_and_every_place_says_so(
    project: pytest.Pytester, write_case: Callable[..., Path], board: str, chosen: tuple[str, ...], version: str
) -> None:
    budget = "current: {average_uA: 900}\n" if board == "microbit" else ""  # nobody knows a current of it
    write_case(f"outputs: {{atol: 0.01}}\nstates: {{}}\n{budget}")
    result = project.runpytest("--junitxml=junit.xml", "--hil-report=out", *chosen)
    result.assert_outcomes(passed=3, skipped=bool(budget))
    assert result.ret == 0
    text = text_of(result)
    origin = rf"{board} on {version} \(emulated; no board attached\)"
    choice = "" if chosen else r" \(default board"
    assert re.search(
        rf"^hil: {origin}, probe emulated:{board} or the next free, firmware [0-9a-f]{{16}}, arm-none-eabi-gcc \S+"
        rf"{choice}",
        text,
        re.MULTILINE,
    )
    image = re.search(r"^hil: model tiny_dense, image ([0-9a-f]{12})$", text, re.MULTILINE)
    assert image
    assert {t["image"] for t in json.loads((project.path / "out/results.json").read_text())["tests"][:3]} == {image[1]}
    assert re.search(rf"^{origin}, probe emulated:{board}\S*, firmware", text, re.MULTILINE)
    backend = version.split(maxsplit=1)[0]
    row = rf"^bridge/tiny_dense +{board} +{backend} \(emulated\) +\S+ +200 +\S+ +32000 equal +\d+-\d+-\d+ +\d+ +0$"
    assert re.search(row, text, re.MULTILINE)
    tests = json.loads((project.path / "out/results.json").read_text())["tests"]
    outcomes = ["passed"] * 3 + ["skipped"] * bool(budget)
    assert [(t["outcome"], t.get("emulated")) for t in tests] == [(outcome, True) for outcome in outcomes]


def test_a_corrupted_expected_value_fails_exactly_its_item(
    project: pytest.Pytester, write_case: Callable[..., Path], change_vectors: Callable[..., None]
) -> None:
    with np.load(project.path / "tiny_dense.vectors.npz") as archive:
        outputs = archive["outputs"]
    outputs[0, 0] -= 1
    change_vectors(outputs=outputs)
    write_case("outputs: {atol: 0.01}\nstates: {}\n")
    result = project.runpytest("--board=microbit", "--hil-backend=qemu")
    result.assert_outcomes(passed=2, failed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "numeric: tiny_dense on microbit, qemu (emulated): other outputs than tiny_dense.vectors.npz" in text_of(
        result
    )


def test_an_image_beyond_ram_is_flashed_alone_and_one_beyond_flash_is_refused_in_words(
    project: pytest.Pytester, write_case: Callable[..., Path], write_network: Callable[..., None]
) -> None:
    write_case()
    write_network(neurons=40, inputs=4)
    result = project.runpytest("--board=microbit", "--hil-report=out")
    result.assert_outcomes(passed=1)
    assert json.loads((project.path / "out/results.json").read_text())["tests"][0]["image_place"] == "flash"

    write_network(neurons=120, inputs=4)
    result = project.runpytest("--board=microbit")
    result.assert_outcomes(errors=1)
    assert re.search(r"input: the model image of \d+ bytes does not fit board 'microbit'", text_of(result))


def test_flashing_can_be_forbidden(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case()
    result = project.runpytest("--board=microbit", "--hil-flash=never")
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "flash: board 'microbit' holds something else than firmware" in text_of(result)


def test_never_holds_for_model_images_as_well(
    project: pytest.Pytester, write_case: Callable[..., Path], write_network: Callable[..., None]
) -> None:
    write_case()
    assert project.runpytest("--board=microbit").ret == 0  # the firmware is there now
    flash = project.path / "state/microbit.flash"
    before = hashlib.sha256(flash.read_bytes()).hexdigest()
    write_network(neurons=40, inputs=4)
    result = project.runpytest("--board=microbit", "--hil-flash=never")
    result.assert_outcomes(errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert re.search(
        r"flash: board 'microbit' holds something else than \d+ bytes at 0x00020000, and writing was forbidden",
        text_of(result),
    )
    assert "hint: allow it with --hil-flash auto" in text_of(result)
    assert hashlib.sha256(flash.read_bytes()).hexdigest() == before

    assert project.runpytest("--board=microbit").ret == 0
    before = hashlib.sha256(flash.read_bytes()).hexdigest()
    assert project.runpytest("--board=microbit", "--hil-flash=never").ret == 0  # the image is there now
    assert hashlib.sha256(flash.read_bytes()).hexdigest() == before


def test_hardware_that_is_not_there_is_a_rig_error_and_never_an_emulator(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case("outputs: {atol: 0.01}\n")
    result = project.runpytest("--board=microbit", "--hil-backend=hardware")
    result.assert_outcomes(errors=2)
    assert result.ret == 10
    text = text_of(result)
    assert "rig: no board 'microbit' is attached: no debug probe is plugged in" in text
    assert "no verdict about the firmware (exit code 10)" in text
    assert "qemu" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--hil-probe=4711"], 10, "rig: no debug probe '4711' is attached"),
        (["--hil-probe=emulated:microbit"], 1, "input: --hil-probe emulated:microbit needs --hil-port as well"),
        (
            ["--hil-probe=emulated:microbit", "--hil-port=/dev/null", "--hil-backend=hardware"],
            1,
            "input: --hil-probe emulated:microbit is an emulated board, but --hil-backend hardware asks for silicon",
        ),
    ],
)
def test_a_probe_that_cannot_be_used_is_told(
    project: pytest.Pytester, write_case: Callable[..., Path], arguments: list[str], code: int, words: str
) -> None:
    write_case()
    result = project.runpytest("--board=microbit", *arguments)
    assert result.ret == code
    assert words in text_of(result)


def test_a_board_kept_powered_is_used_by_its_probe_and_port_and_called_emulated(
    project: pytest.Pytester, write_case: Callable[..., Path]
) -> None:
    write_case()
    with power(load_board("microbit"), announced=True) as powered:
        arguments = ["--board=microbit", f"--hil-probe={powered.probe_uid}"]
        result = project.runpytest_subprocess(*arguments, f"--hil-port={powered.serial_path}")
        result.assert_outcomes(passed=1)
        assert "microbit on qemu" in text_of(result)
        assert "(emulated; kept powered)" in text_of(result)

        result = project.runpytest_subprocess(*arguments, "--hil-port=/dev/ttyNone")
        result.assert_outcomes(errors=1)
        assert result.ret == 10
        assert "rig: there is no port /dev/ttyNone" in text_of(result)


def test_each_worker_of_xdist_has_an_emulator_of_its_own(project: pytest.Pytester) -> None:
    for number in range(4):
        project.path.joinpath(f"case{number}.hil.yaml").write_text(
            "model: tiny_dense.model.npz\nvectors: tiny_dense.vectors.npz\n"
        )
    result = project.runpytest_subprocess("--board=microbit", "-n2")
    result.assert_outcomes(passed=4)
    assert result.ret == 0
    probes = set(re.findall(r"probe (emulated:microbit\S*),", text_of(result)))
    assert len(probes) == 2


@pytest.mark.parametrize(
    ("kept", "code", "words"),
    [
        ((), 1, "build: the C compiler arm-none-eabi-gcc is not installed"),
        (("arm-none-eabi-gcc",), 10, "rig: qemu-system-arm is not installed"),
    ],
)
def test_a_missing_tool_is_told_with_what_to_type(
    project: pytest.Pytester,
    write_case: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    *,
    kept: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    tools = project.mkdir("tools")
    for name in kept:
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tools))
    write_case()
    result = project.runpytest("--board=microbit", "--hil-backend=qemu")
    result.assert_outcomes(errors=1)
    assert result.ret == code
    assert words in text_of(result)
    assert "hint: sudo apt-get install" in text_of(result)


def test_two_boards_are_open_at_once(project: pytest.Pytester, write_case: Callable[..., Path]) -> None:
    write_case()
    result = project.runpytest("--board=microbit", "--board=host", "-v")
    result.assert_outcomes(passed=2)
    assert "bridge.hil.yaml::bits[microbit] PASSED" in text_of(result)
    assert "bridge.hil.yaml::bits[host] PASSED" in text_of(result)
