"""``hil monitor`` and ``hil gdb`` on emulated boards: real processes, a real gdb."""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.errors import RigError
from hil.frame import PROTOCOL_VERSION, Command, Frame, FrameDecoder, Status
from tests.contract.keeper import printed_when_powered

if TYPE_CHECKING:
    from collections.abc import Iterator

HIL = Path(sys.executable).parent / "hil"
BOARDS = ("microbit", "nucleo-l031")
TIMEOUT_S = 90
BOOTING = bytes(1000)  # what is sent before the firmware listens is lost; zeros are empty frames


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def hil(*arguments: str, sent: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([HIL, *arguments], input=sent, capture_output=True, timeout=TIMEOUT_S, check=False)


@pytest.mark.parametrize("board", BOARDS)
def test_bytes_go_both_ways(board: str) -> None:
    assert hil("flash", board).returncode == 0
    greeting = Frame(1, 0, Command.SYNC, struct.pack("<III", 0, 0, PROTOCOL_VERSION)).encode()
    question = greeting + Frame(1, 1, Command.ECHO, b"are you there?").encode()
    done = hil("monitor", board, "--seconds", "2", sent=BOOTING + question)
    assert done.returncode == 0, done.stderr
    frames = [frame for frame in FrameDecoder().feed(done.stdout) if frame is not None]
    echoes = [frame for frame in frames if frame.is_reply and frame.seq == 1]
    assert [(frame.status, frame.body) for frame in echoes] == [(Status.OK, b"are you there?")]
    assert board.partition("-")[0] in done.stderr.decode().lower().replace("bbc micro:bit", "microbit")


def test_a_board_that_another_process_keeps_is_listened_to() -> None:
    with subprocess.Popen([HIL, "emulate", "nucleo-l031"], stdout=subprocess.PIPE, text=True) as keeper:
        printed = printed_when_powered(keeper)
        path = re.search(r"serial port\s+(\S+)", printed)
        done = hil("monitor", "nucleo-l031", "--seconds", "0.2")
        keeper.send_signal(signal.SIGINT)
    assert path is not None
    assert done.returncode == 0
    assert f"powered by another process) on {path[1]}," in done.stderr.decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("monitor", "host"), "board 'host' has no serial port"),
        (("monitor", "microbit", "--seconds", "nan"), "--seconds nan is no time to wait"),
        (("monitor", "nucleo-l0311"), "did you mean 'nucleo-l031'?"),
        (("gdb", "host"), "board 'host' has no debug probe"),
        (("gdb", "microbit", "--server-port", "99999"), "--server-port 99999 is no port for a gdb server"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = hil(*arguments)
    assert done.returncode != 0
    assert words in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def served(board: str, port: int, *options: str) -> Iterator[str]:
    """``hil gdb`` in a process until the block ends; yields what it printed before it listens."""
    process = subprocess.Popen(
        [HIL, "gdb", board, "--server-port", str(port), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = ""
    try:
        while "listening on port" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        yield printed
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_S)


def test_two_boards_are_served_at_once() -> None:
    first, second = free_port(), free_port()
    with served("microbit", first), served("nucleo-l031", second) as printed:
        assert f"port {second}" in printed
        assert "another emulated board" not in printed


def test_a_second_board_of_a_kind_is_told_apart() -> None:
    with served("nucleo-l031", free_port()), served("nucleo-l031", free_port()) as printed:
        assert "'nucleo-l031' is powered by another process, so this is 'nucleo-l031.2'" in printed


def test_a_port_that_is_taken_is_told_before_anything_is_powered(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hil("gdb", "nucleo-l031", "--server-port", str(port))
    said = done.stderr.decode()
    assert f"--server-port {port} cannot be used: another program listens there" in said
    assert "hint: name another port with --server-port" in said
    assert "Traceback" not in said
    assert (done.returncode, done.stdout) == (RigError.exit_code, b"")
    assert not (tmp_path / "state").exists()


OWN = struct.pack("<IIHH", 0x20001000, 0x08000009, 0x202A, 0xE7FE)  # movs r0, #42; b .


def flash_own(tmp_path: Path) -> None:
    """A program that is none of hil's, with stock pyOCD."""
    program = tmp_path / "own.bin"
    program.write_bytes(OWN)
    command = [sys.executable, "-m", "pyocd", "flash", "-u", "emulated:nucleo-l031", "-t", "stm32l031x6"]
    subprocess.run([*command, "--base-address", "0x08000000", program], check=True, timeout=TIMEOUT_S)


def test_what_the_flash_holds_is_served_as_it_is(tmp_path: Path) -> None:
    flash_own(tmp_path)
    port = free_port()
    with served("nucleo-l031", port, "--flash", "never") as printed:
        assert "served with what its flash holds, nothing is built or written" in printed
        assert f"gdb-multiarch -ex 'target extended-remote :{port}' PROGRAM.elf" in printed
        script = (
            f"target extended-remote :{port}",
            "monitor reset halt",
            "stepi",
            "p/d $r0",
            "p/x $pc",
            "x/3xw 0x08000000",
        )
        done = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", *(part for each in script for part in ("-ex", each))],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "TERM": "dumb"},
        )
    assert "$1 = 42\n$2 = 0x800000a\n" in done.stdout, done.stdout + done.stderr
    assert re.search(r"^0x8000000:\s+0x20001000\s+0x08000009\s+0xe7fe202a$", done.stdout, re.MULTILINE), done.stdout


def test_a_board_that_another_process_keeps_is_served_as_it_is() -> None:
    with subprocess.Popen([HIL, "emulate", "nucleo-l031"], stdout=subprocess.PIPE, text=True) as keeper:
        printed_when_powered(keeper)
        try:
            with served("nucleo-l031", free_port(), "--flash", "never") as served_with:
                assert "nucleo-l031 on twin, probe emulated:nucleo-l031: served" in served_with
        finally:
            keeper.send_signal(signal.SIGINT)


@pytest.mark.parametrize("board", BOARDS)
def test_gdb_breaks_steps_and_reads(board: str) -> None:
    port = free_port()
    with served(board, port) as printed:
        command = re.search(r"^gdb\s+gdb-multiarch -ex '(target [^']+)' (\S+)$", printed, re.MULTILINE)
        assert command is not None, printed
        assert f'"gdbTarget": "localhost:{port}"' in printed
        script = (
            "monitor reset halt",
            "break port_init",
            "continue",
            "backtrace",
            "stepi",
            "x/1i $pc",
            "x/1xw 0x20000000",
        )
        arguments = [part for each in (command[1], *script) for part in ("-ex", each)]
        done = subprocess.run(
            ["gdb-multiarch", "-nx", "-batch", *arguments, command[2]],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
            env={**os.environ, "TERM": "dumb"},
        )
    assert re.search(r"Breakpoint 1, port_init \(\)", done.stdout), done.stdout + done.stderr
    assert re.search(r"^#[1-9].* in startup_run \(\)", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"=> 0x[0-9a-f]+ <port_init", done.stdout)
    assert re.search(r"^0x20000000:?.*\s0x[0-9a-f]{8}$", done.stdout, re.MULTILINE), done.stdout
