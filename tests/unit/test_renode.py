"""What is written for Renode and read from it, and how its processes end; without Renode."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hil.board import load_board
from hil.dut.options import DutOptions
from hil.emulator.gdb.gdb_rsp import encode_packet
from hil.emulator.machine import MachineError, MachineSpec
from hil.emulator.renode.gdb import RenodeGdb
from hil.emulator.renode.launch import GUARD, command, environment, program, version_in
from hil.emulator.renode.machine import RenodeMachine
from hil.emulator.renode.platform import DEVICES, idle_program, platform, quoted, script
from hil.emulator.renode.process import RenodeProcess
from hil.emulator.renode.wire import Wire
from hil.errors import InputError

SPEC = MachineSpec("nucleo-l031", "", 0x08000000, 0x8000, 0x20000000, 0x2000, part="STM32L031K6", erased=0)
FOLDER = Path("/run/hil-renode-1")
DEADLINE_S = 10.0


def test_the_platform_has_the_memories_of_the_board_and_fetches_nothing() -> None:
    text = platform(SPEC)
    assert "sysbus 0x08000000;" in text
    assert re.search(r"^ram: .*0x20000000\n    size: 0x2000$", text, re.MULTILINE)
    assert re.search(r"^flash: (.*\n)*?    size: 0x8000$", text, re.MULTILINE)
    assert not re.search(r"svd|http|[{]{2}", text, re.IGNORECASE)


def test_a_reset_names_devices_of_the_platform() -> None:
    defined = re.findall(r"^(\w+): \w+\.\w+ @", platform(SPEC), re.MULTILINE)
    assert set(DEVICES) <= set(defined)
    assert set(defined) - set(DEVICES) == {"cpu", "flash", "eeprom", "ram", "dbgmcu"}


def test_the_script_says_its_word_last_and_serves_gdb_only_when_all_else_is_there() -> None:
    lines = script(SPEC, FOLDER, uart_port=4001, gdb_port=4002, nonce="hil-x").splitlines()
    assert lines[0] == '$word="hil-x"'
    assert lines[-2:] == ["machine StartGdbServer 4002 false", "echo $word"]
    assert 'emulation CreateServerSocketTerminal 4001 "uart" false' in lines
    assert "sysbus LoadBinary @/run/hil-renode-1/content.bin 0x08000000" in lines


def test_a_path_that_would_be_two_words_is_refused() -> None:
    with pytest.raises(MachineError, match="Renode takes no files from /run/a b") as caught:
        quoted(Path("/run/a b"))
    assert "set TMPDIR" in str(caught.value)


def test_the_program_to_start_with_leads_to_itself() -> None:
    image = idle_program(SPEC)
    stack, reset = (int.from_bytes(image[at : at + 4], "little") for at in (0, 4))
    assert (stack, SPEC.is_handler(reset)) == (0x20002000, True)
    assert image[reset - 1 - SPEC.flash_origin :] == (0xE7FE).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Renode v1.15.3.39226\n  build: 03756cb5-202611292116\n", "1.15.3.39226"),
        ("Renode, version 1.16.0.1525 (20ad06d9)", "1.16.0.1525"),
        ("mono 6.8", "of unknown version"),
    ],
)
def test_versions(text: str, version: str) -> None:
    assert version_in(text) == version


def test_renode_that_is_not_there_is_a_sentence_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("HIL_RENODE", raising=False)
    with pytest.raises(MachineError, match="Renode is not installed\n  hint: install Renode") as caught:
        program()
    assert "HIL_RENODE" in str(caught.value)
    monkeypatch.setenv("HIL_RENODE", "/nowhere/renode")
    with pytest.raises(MachineError, match="there is no program '/nowhere/renode', which HIL_RENODE names"):
        RenodeMachine(SPEC, lambda _: None).power_on()


def test_what_it_writes_stays_in_its_folder() -> None:
    there = environment(FOLDER)
    assert {there[name] for name in ("TMPDIR", "HOME", "XDG_CONFIG_HOME")} == {str(FOLDER)}
    assert command("/opt/renode", FOLDER)[:5] == ["/bin/sh", "-c", GUARD, str(FOLDER), "/opt/renode"]


def stand_in(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher in place of Renode's: a shell script with a child, as Renode's own is."""
    launcher = tmp_path / "renode"
    launcher.write_text(f"#!/bin/sh\n{text}\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("HIL_RENODE", str(launcher))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("echo 'There was an error executing command X'; echo 'no such model'; sleep 600", "Renode refused the board"),
        ("echo some words", "Renode ended before it was ready"),
    ],
)
def test_renode_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str) -> None:
    stand_in(tmp_path, text, monkeypatch)
    with pytest.raises(MachineError, match=words) as caught:
        RenodeProcess(SPEC)
    assert "some words" in str(caught.value) or "no such model" in str(caught.value)


@pytest.mark.parametrize("ended_by", ["the other end", "itself"])
def test_a_launcher_and_its_children_end_together(tmp_path: Path, ended_by: str) -> None:
    launcher, folder = tmp_path / "renode", tmp_path / "folder"
    folder.mkdir()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    waits = f"read -r x < {gate}" if ended_by == "itself" else "wait"
    launcher.write_text(f"#!/bin/sh\nsleep 600 & echo $!; {waits}\n")
    launcher.chmod(0o755)
    with subprocess.Popen(
        command(str(launcher), folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        child = os.pidfd_open(int(process.stdout.readline()))
        assert folder.exists()
        if ended_by == "itself":
            gate.write_text("go\n")
        else:
            process.stdin.close()
        ended, _, _ = select.select([child], [], [], DEADLINE_S)
        os.close(child)
        assert ended
        assert process.wait(DEADLINE_S) == -signal.SIGKILL
        assert folder.exists() == (ended_by == "itself")  # whoever waits for it removes it then


def test_stop_replies_that_are_repeated_are_no_answers() -> None:
    near, far = socket.socketpair()
    gdb = RenodeGdb(near)
    with far:
        far.sendall(b"".join(encode_packet(each) for each in (b"S05", b"T05swbreak:;", b"01000008")))
        assert gdb.read_register("pc") == 0x08000000  # and no Thumb bit
        far.sendall(b"".join(encode_packet(each) for each in (b"S02", b"O6e6f0a", b"S05", b"OK")))
        with pytest.raises(MachineError, match="Renode refused 'x y'") as caught:
            gdb.command("x y")
        assert caught.value.cause == "no"
        gdb.close()


@pytest.mark.parametrize("replies", [(b"S05", b"T05watch:20001100;", b"S05"), (b"T05watch:20001100;", b"S05")])
def test_a_step_over_a_watched_access_says_so_whenever_that_comes(replies: tuple[bytes, ...]) -> None:
    near, far = socket.socketpair()
    gdb = RenodeGdb(near)
    far.sendall(b"".join(encode_packet(each) for each in (b"T05watch:20001000;", b"QC1")))  # of a stop before
    with far, ThreadPoolExecutor(1) as pool:
        stop = pool.submit(gdb.step)
        asked = b""
        while encode_packet(b"s") not in asked:
            asked += far.recv(4096)
        far.sendall(b"".join(encode_packet(each) for each in (*replies, b"QC1")))
        assert stop.result(DEADLINE_S) == b"T05watch:20001100;"
        assert not gdb.pending()
        gdb.close()


def test_the_wire_moves_bytes_both_ways_and_holds_what_finds_no_room() -> None:
    (host, target), (renode, far) = socket.socketpair(), socket.socketpair()
    with host, target, renode, far:
        wire = Wire(target, renode)
        host.sendall(b"to the board")
        far.sendall(b"to the host")
        wire.move()
        assert (far.recv(99), host.recv(99)) == (b"to the board", b"to the host")
        assert not wire.held
        sent = bytes(range(256)) * 16384
        host.setblocking(False)
        far.setblocking(False)
        put, got = 0, b""
        while not wire.held:
            put += host.send(sent[put : put + 4096])
            wire.move()
        while len(got) < put:
            got += far.recv(65536)
            wire.move()
        assert got == sent[:put]
        assert not wire.held


def test_only_boards_whose_file_says_so_have_it_and_no_link_over_spi() -> None:
    DutOptions(backend="renode").check(load_board("nucleo-l031"))
    with pytest.raises(InputError, match="board 'microbit' has no backend 'renode'"):
        DutOptions(backend="renode").check(load_board("microbit"))
    with pytest.raises(InputError, match="SPI"):
        DutOptions(backend="renode", link="spi").check(load_board("nucleo-l031"))
