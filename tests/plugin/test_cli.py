"""The commands, as they are typed: what they print, and their exit codes."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import pytest

from hil.board import board_names
from hil.cli import main
from hil.resources import boards_dir, examples_dir

if TYPE_CHECKING:
    from pathlib import Path

NETWORKS = examples_dir() / "networks"
MODEL, VECTORS = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"


def hil(*arguments: object, code: int = 0) -> str:
    """What a command prints, in this process, as most of a process of its own would be imports."""
    out, errors = io.StringIO(), io.StringIO()
    typed = mock.patch.object(sys, "argv", ["hil", *map(str, arguments)])
    with typed, contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            main()
            ended: object = 0
        except SystemExit as end:
            ended = end.code or 0
    told = out.getvalue() + errors.getvalue()
    assert ended == code, told
    assert "Traceback" not in told
    return told


def test_every_command_explains_itself() -> None:
    text = hil("--help")
    for command in (
        "boards",
        "build",
        "flash",
        "run",
        "profile",
        "power",
        "convert",
        "demo",
        "doctor",
        "emulate",
        "monitor",
        "gdb",
    ):
        assert f" {command} " in text
    assert hil("--version").startswith("hil ")


def test_boards_are_listed_with_what_they_are() -> None:
    lines = hil("boards").splitlines()
    assert [line.split()[0] for line in lines] == ["board", *board_names()]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert " ".join(rows["microbit"]) == "nRF51822-QFAA cortex-m0 16 256 16 nrf51 uart, spi qemu, twin no"
    assert " ".join(rows["nucleo-l053"]) == "STM32L053R8 cortex-m0plus 16 64 8 stm32l0 uart, spi twin no"
    assert " ".join(rows["raspberry-pi-pico"]) == "RP2040 cortex-m0plus 125 2048 264 rp2040 uart none no"
    assert " ".join(rows["host"]) == "host host 1000 1024 64 host uart native -"


@pytest.mark.parametrize(("board", "backend"), [("host", "native"), ("microbit", "qemu")])
def test_run_judges_and_writes_json(tmp_path: Path, board: str, backend: str) -> None:
    out = tmp_path / "deep" / "result.json"
    text = hil("run", MODEL, VECTORS, "--board", board, "--link", "uart", "--json", out)
    assert "holds: 32000 bits equal to the exact integer model" in text
    result = json.loads(out.read_text())
    assert (result["board"], result["backend"], result["emulated"], result["bits_equal"]) == (
        board,
        backend,
        True,
        True,
    )
    assert result["q_formats"]["state"]["bits"] == 32
    with np.load(VECTORS) as archive:
        states, outputs = np.array(result["states"]), np.array(result["outputs"])
        assert states.shape == archive["states"].shape
        assert outputs.shape == archive["outputs"].shape
        assert np.abs(states - archive["states"]).max() == pytest.approx(
            result["max_error"] * result["state_bound"], rel=1e-6
        )
    assert 0 < result["max_error"] < 2**-10
    cycles = result["cycles"]
    if board == "host":
        assert (cycles["source"], cycles["per_step"]) == (None, None)
        assert cycles["reason"] == "no cycle source on board 'host'"
        assert "cycles not measured: no cycle source on board 'host'" in text
    else:
        assert (cycles["source"], cycles["core"]) == ("model: QEMU plugin, Cortex-M0 timing", "cortex-m0")
        assert np.shape(cycles["per_step"]) == np.shape(result["outputs"])[:1]
        assert min(cycles["per_step"]) > 1000
        assert "on-chip TIMER0: QEMU's TIMER0 follows the host's clock" in cycles["reason"]


def test_run_ends_in_1_where_a_promise_is_broken_and_still_writes_json(tmp_path: Path) -> None:
    text = hil("run", MODEL, VECTORS, "--board=host", "--max-error=1e-9", "--json", tmp_path / "r.json", code=1)
    assert "broken (numeric): tiny_dense on host, native process: off the float64 states" in text
    assert "Index" in text
    assert json.loads((tmp_path / "r.json").read_text())["bits_equal"] is True


def test_run_writes_json_before_it_judges(tmp_path: Path) -> None:
    """Whatever ends the judging costs nobody the result."""
    with np.load(VECTORS) as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "v.npz", **(arrays | {"outputs": arrays["outputs"] * 0}))
    text = hil("run", MODEL, tmp_path / "v.npz", "--board=host", "--atol=1e9", "--json", tmp_path / "r.json", code=2)
    assert "outputs within 1e+09 of v.npz is no promise" in text
    assert json.loads((tmp_path / "r.json").read_text())["board"] == "host"


def test_run_says_before_it_starts_that_json_cannot_be_written(tmp_path: Path) -> None:
    text = hil("run", MODEL, VECTORS, "--board=host", "--json", tmp_path, code=2)
    assert text == (
        f"error (input): {tmp_path} cannot be written\n  caused by: Is a directory\n"
        "  hint: name a file in a folder of yours\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([MODEL, "absent.npz", "--board=host"], 2),
        ([MODEL, VECTORS, "--board=host", "--max-error=-1"], 2),
        ([MODEL, VECTORS, "--board=microbit", "--backend=hardware"], 10),
    ],
)
def test_run_without_a_result_leaves_no_older_one(tmp_path: Path, arguments: list[object], code: int) -> None:
    (tmp_path / "r.json").write_text('{"bits_equal": true}')
    (tmp_path / "latest.json").symlink_to(tmp_path / "r.json")
    hil("run", *arguments, "--json", tmp_path / "latest.json", code=code)
    assert not (tmp_path / "r.json").exists()
    assert (tmp_path / "latest.json").is_symlink()


def test_run_does_not_take_what_it_reads_for_an_older_result(tmp_path: Path) -> None:
    model = tmp_path / "m.npz"
    model.write_bytes(MODEL.read_bytes())
    text = hil("run", model, VECTORS, "--board=host", "--json", model, code=2)
    assert f"--json {model} is a file that the run reads" in text
    assert model.read_bytes() == MODEL.read_bytes()


def test_run_tells_the_worst_error_also_where_it_was_not_promised(tmp_path: Path) -> None:
    with np.load(VECTORS) as archive:
        np.savez(tmp_path / "v.npz", inputs=archive["inputs"])
    for vectors, words in ((tmp_path / "v.npz", ", to float64; not promised, as v has no states"), (VECTORS, "")):
        lines = hil("run", MODEL, vectors, "--board=host").splitlines()
        (told,) = (line for line in lines if "of the state bound" in line)
        assert re.search(r"worst error [1-9]\.\d\de-0\d of the state bound 1", told)
        assert told.endswith(words or "at most 9.77e-04")


def test_run_judges_decisions_where_there_are_labels(tmp_path: Path) -> None:
    with np.load(NETWORKS / "basicmotions_test.vectors.npz") as archive:
        arrays = dict(archive)
    arrays["outputs"][7] = -arrays["outputs"][7]
    np.savez(tmp_path / "v.npz", **arrays)
    text = hil("run", NETWORKS / "basicmotions.model.npz", tmp_path / "v.npz", "--board=host", code=1)
    assert "1 of 40 decisions differ from the reference" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([MODEL, VECTORS, "--board=hots"], 2, "error (input): there is no board 'hots'\n  hint: did you mean 'host'?"),
        ([MODEL, VECTORS, "--board=host", "--link=spi"], 2, "error (input): board 'host' has no spi link"),
        ([MODEL, "absent.npz", "--board=host"], 2, "error (input): vectors absent.npz cannot be read"),
        (["absent.npz", VECTORS, "--board=host"], 2, "error (input): there is no model file absent.npz"),
        ([VECTORS, VECTORS, "--board=host"], 2, "array 'cm' is missing"),
        ([MODEL, MODEL, "--board=host"], 2, "key 'inputs': missing"),
        (
            [MODEL, VECTORS, "--board=microbit", "--backend=hardware"],
            10,
            "error (rig): no board 'microbit' is attached",
        ),
        ([MODEL, VECTORS], 2, "Missing option '--board'"),
    ],
)
def test_run_refuses_in_a_sentence(arguments: list[object], code: int, words: str) -> None:
    assert words in hil("run", *arguments, code=code)


@pytest.mark.parametrize(
    ("command", "old", "new", "words"),
    [
        ("run", "erased_byte: 0x00", "erased_byte: 0xFF", "key 'memory.flash.erased_byte': erased flash"),
        ("run", "stm32l031x6", "stm32l031k6", "key 'pyocd_target': pyOCD knows no target 'stm32l031k6'"),
        (
            "build",
            "\nclock_hz: 16000000",
            "\nclock_hz: 24000000",
            "key 'clock_hz': port 'stm32l0' cannot set up",
        ),
        ("flash", "tx: PA2", "tx: PA9", "key 'links.uart.tx': port 'stm32l0' cannot transmit on 'PA9'"),
        (
            "emulate",
            "bytes: 0x2000}\n",
            "bytes: 0x4000}\n",
            "key 'memory.ram.bytes': the part has 0x2000 bytes",
        ),
        ("monitor", "baud: 115200", "baud: 2000000", "key 'links.uart.baud': 16000000 Hz over 2000000 baud"),
        (
            "gdb",
            "backend: twin",
            "backend: qemu",
            "key 'emulators.0.backend': backend 'qemu' emulates the nRF51",
        ),
    ],
)
def test_a_boards_file_that_cannot_be_true_is_refused_before_anything_is_built(  # noqa: PLR0917
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, old: str, new: str, words: str
) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    text = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8").replace("name: nucleo-l031", "name: my", 1)
    path = tmp_path / "my.yaml"
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    arguments = (MODEL, VECTORS, f"--board={path}") if command == "run" else (path,)
    said = hil(command, *arguments, code=2)
    line = 1 + text.count("\n", 0, text.index(old.lstrip("\n")))
    assert said.startswith(f"error (input): board file {path}, line {line}, {words}")
    assert "\n  hint: " in said
    assert [each.name for each in tmp_path.iterdir()] == ["my.yaml"]


def test_build_says_what_it_made_and_where() -> None:
    text = hil("build", "microbit")
    assert "for microbit, arm-none-eabi-gcc" in text
    assert text.splitlines()[-1].endswith("agent.hex")


def test_flash_hears_the_firmware_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    text = hil("flash", "microbit")
    assert "microbit on qemu" in text
    assert re.search(r"^[1-9]\d* bytes of flash written$", text, re.MULTILINE)
    text = hil("flash", "microbit", "--flash", "never")
    assert "the flash held it already\nthe firmware answers: protocol " in text


def test_flash_that_is_forbidden_ends_in_its_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    text = hil("flash", "microbit", "--flash=never", code=4)
    assert "error (flash): board 'microbit' holds something else" in text
    assert "\n  hint: allow it with --flash auto\n" in text


def test_convert_writes_the_image_as_bytes_and_as_c(tmp_path: Path) -> None:
    hil("convert", MODEL, "-o", tmp_path / "image.bin")
    image = (tmp_path / "image.bin").read_bytes()
    text = hil("convert", MODEL, "-o", tmp_path / "image.c", "--c-array")
    assert f"image of {len(image)} bytes" in text
    program = tmp_path / "print.c"
    program.write_text(
        '#include <stdio.h>\n#include "image.c"\n'
        "int main(void) { return fwrite(tiny_dense_image, sizeof tiny_dense_image, 1, stdout) != 1; }\n"
    )
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "print", program], check=True)
    assert subprocess.run([tmp_path / "print"], check=True, capture_output=True).stdout == image
    assert "cannot be written" in hil("convert", MODEL, "-o", tmp_path / "no" / "image.bin", code=2)


@pytest.mark.parametrize("bound", ["nan", "-1", "0", "inf", "1e308"])
def test_convert_refuses_a_state_bound_that_is_none(tmp_path: Path, bound: str) -> None:
    text = hil("convert", MODEL, "-o", tmp_path / "image.bin", "--state-bound", bound, code=2)
    assert "error (input): --state-bound is " in text
    assert not list(tmp_path.iterdir())


def test_demo_shows_every_recording_and_its_decisions() -> None:
    lines = hil("demo", "--board=host").splitlines()
    rows = [line.split() for line in lines if line[:1].isdigit() and line.endswith("equal")]
    assert [int(row[0]) for row in rows] == list(range(1, 41))
    assert all(row[2] == row[3] for row in rows)
    assert {row[1] for row in rows} == {"Badminton", "Running", "Standing", "Walking"}
    assert "bits equal to the exact integer model in 40 of 40 recordings (1152000 bits)" in lines
    assert "decisions equal to the float64 reference in 40 of 40; equal to the label in 39" in lines


def only(folder: Path, *programs: str) -> str:
    """A PATH on which nothing but these is."""
    folder.mkdir()
    for program in programs:
        found = shutil.which(program)
        assert found is not None
        (folder / program).symlink_to(found)
    return str(folder)


def test_doctor_finds_what_is_there_and_names_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "everything that hil needs is there" in hil("doctor")
    monkeypatch.setenv("PATH", only(tmp_path / "gcc", "gcc"))
    text = hil("doctor", code=10)
    assert "missing: arm-none-eabi-gcc\n" in text
    assert "sudo apt-get install --yes gcc-arm-none-eabi" in text


@pytest.mark.parametrize(
    ("python", "told"),
    [
        ("/nowhere/python", "there is no Python /nowhere/python; HIL_LABGRID_PYTHON names it"),
        ("false", r"\S+/false has no labgrid; \S+/false -m pip install labgrid"),
    ],
)
def test_doctor_asks_the_python_that_is_to_have_labgrid(
    monkeypatch: pytest.MonkeyPatch, python: str, told: str
) -> None:
    monkeypatch.setenv("HIL_LABGRID_PYTHON", python)
    assert re.search(rf"^labgrid +- +needed for --farm alone: {told}$", hil("doctor"), re.MULTILINE)


def test_doctor_does_not_miss_what_only_other_boards_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", only(tmp_path / "both", "gcc", "arm-none-eabi-gcc"))
    monkeypatch.delenv("HIL_RENODE", raising=False)
    lines = hil("doctor").splitlines()
    (line,) = (line for line in lines if line.startswith("qemu-system-arm"))
    assert re.search(r"  absent +needed for --board=microbit: .*apt-get install --yes qemu-system-arm$", line)
    (line,) = (line for line in lines if line.startswith("renode"))
    assert re.search(r"  - +needed for --backend renode alone: Renode is not installed; install Renode", line)
    (line,) = (line for line in lines if line.startswith("labgrid"))
    assert re.search(r"  (ok +\d\S+, for boards of a farm|- +needed for --farm alone: labgrid is not installed)", line)
    assert lines[-1] == "everything that board 'nucleo-l031' needs is there; absent: qemu-system-arm"
