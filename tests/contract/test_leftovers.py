"""Boards come and go two hundred times, by every kind of end: nothing of them stays but their flash."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.flash_file import open_locked
from hil.emulator.machine import MachineError
from hil.emulator.power import PoweredBoard, power

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BOARD = load_board("microbit")
DEADLINE_S = 10.0

HOLDER = """
import json, sys
from hil.board import load_board
from hil.emulator.power import power
board = load_board(sys.argv[2])
held = [power(board, instance="auto") for _ in range(int(sys.argv[1]))]
print(json.dumps([[each.supervisor_pid, each.serial_path] for each in held]), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class Traces:
    """What exists because of one powered board."""

    processes: dict[int, int]
    """Process number and a descriptor that becomes readable at its end."""
    tcp_pairs: set[tuple[int, int]]


def children_of(pid: int) -> list[int]:
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            children.append(int(stat.parent.name))
    return children


def tcp_pairs() -> dict[str, tuple[int, int]]:
    """Local and remote port of every IPv4 TCP socket there is in any state, by inode (0 when nobody has it open)."""
    pairs = {}
    for number, line in enumerate(Path("/proc/net/tcp").read_text().splitlines()[1:]):
        fields = line.split()
        local, remote = (int(fields[at].rpartition(":")[2], 16) for at in (1, 2))
        pairs[fields[9] if fields[9] != "0" else f"none {number}"] = (local, remote)
    return pairs


def sockets_of(pid: int) -> set[str]:
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir())
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def unix_sockets(state: Path) -> list[str]:
    """The lines of the abstract sockets of boards with this state directory."""
    marker = f"/{zlib.crc32(bytes(state)):08x}/"
    return [line for line in Path("/proc/net/unix").read_text().splitlines() if marker in line]


def traces_of(supervisor: int, serial_path: str) -> Traces:
    (emulator,) = children_of(supervisor)
    assert b"qemu-system-arm" in Path(f"/proc/{emulator}/cmdline").read_bytes()
    inodes = sockets_of(supervisor) | sockets_of(emulator)
    pairs = {pair for inode, pair in tcp_pairs().items() if inode in inodes}
    assert len(pairs) == 2
    assert Path(serial_path).is_char_device()
    return Traces({pid: os.pidfd_open(pid) for pid in (supervisor, emulator)}, pairs)


def await_end(traces: Traces) -> None:
    for pid, descriptor in traces.processes.items():
        assert select.select([descriptor], [], [], DEADLINE_S)[0], f"process {pid} outlives its board"
        os.close(descriptor)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Path]]:
    """State directory and temporary directory of the boards."""
    state, temporary = tmp_path / "state", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("HIL_STATE_DIR", str(state))
    monkeypatch.setenv("TMPDIR", str(temporary))
    return state, temporary


def close(board: PoweredBoard) -> None:
    board.close()


def kill_supervisor(board: PoweredBoard) -> None:
    os.kill(board.supervisor_pid, signal.SIGKILL)
    with pytest.raises(MachineError):
        board.machine.status()
    board.close()


def terminate_supervisor(board: PoweredBoard) -> None:
    os.kill(board.supervisor_pid, signal.SIGTERM)
    board.wait()
    board.close()


def kill_emulator(board: PoweredBoard) -> None:
    (emulator,) = children_of(board.supervisor_pid)
    descriptor = os.pidfd_open(emulator)
    os.kill(emulator, signal.SIGKILL)
    assert select.select([descriptor], [], [], DEADLINE_S)[0]
    os.close(descriptor)
    with pytest.raises(MachineError, match="QEMU ended"):
        board.machine.read_memory(BOARD.memory.ram.origin, 4)
    board.close()


def test_two_hundred_starts_leave_nothing(places: tuple[Path, Path]) -> None:
    children = children_of(os.getpid())
    state, temporary = places
    ended: list[Traces] = []

    ends = [close] * 40 + [kill_supervisor] * 30 + [terminate_supervisor] * 15 + [kill_emulator] * 15
    for end in ends:
        board = power(BOARD)
        traces = traces_of(board.supervisor_pid, board.serial_path)
        assert unix_sockets(state)
        end(board)
        await_end(traces)
        ended.append(traces)

    for number in [signal.SIGKILL] * 8 + [signal.SIGTERM, signal.SIGINT]:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, "10", "microbit"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert holder.stdout is not None
        held = [traces_of(pid, path) for pid, path in json.loads(holder.stdout.readline())]
        holder.send_signal(number)
        holder.communicate()
        for traces in held:
            await_end(traces)
        ended += held

    assert len(ended) == 200
    assert not set(tcp_pairs().values()) & {pair for traces in ended for pair in traces.tcp_pairs}
    assert unix_sockets(state) == []
    assert sorted(file.name for file in state.iterdir()) == sorted(
        ["microbit.flash", *(f"microbit.{number}.flash" for number in range(2, 11))]
    )
    for file in state.iterdir():
        os.close(open_locked(file, patient=False))
    assert list(temporary.iterdir()) == []
    assert children_of(os.getpid()) == children


def test_starts_of_a_board_that_is_its_supervisor_leave_nothing(places: tuple[Path, Path]) -> None:
    """The twin: no process beside the supervisor, and no connection."""
    children = children_of(os.getpid())
    state, temporary = places
    board = load_board("nucleo-l031")
    for end in [close] * 5 + [kill_supervisor] * 5 + [terminate_supervisor] * 3:
        powered = power(board)
        traces = Traces({powered.supervisor_pid: os.pidfd_open(powered.supervisor_pid)}, set())
        assert children_of(powered.supervisor_pid) == []
        assert Path(powered.serial_path).is_char_device()
        end(powered)
        await_end(traces)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, "3", board.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert holder.stdout is not None
        held = [Traces({pid: os.pidfd_open(pid)}, set()) for pid, _ in json.loads(holder.stdout.readline())]
        holder.send_signal(number)
        holder.communicate()
        for traces in held:
            await_end(traces)
    assert unix_sockets(state) == []
    assert sorted(file.name for file in state.iterdir()) == [
        *(f"{board.name}.{number}.flash" for number in (2, 3)),
        f"{board.name}.flash",
    ]
    assert list(temporary.iterdir()) == []
    assert children_of(os.getpid()) == children


def write_flash(board: PoweredBoard, address: int, content: bytes) -> None:
    board.machine.halt()
    board.machine.write_memory(0x4001E504, b"\1\0\0\0")  # NVMC CONFIG: write enable
    board.machine.write_memory(address, content)


@pytest.mark.parametrize("end", [close, terminate_supervisor])
def test_flash_is_kept_by_every_end_but_a_kill(places: tuple[Path, Path], end: Callable[[PoweredBoard], None]) -> None:
    del places
    board = power(BOARD)
    write_flash(board, 0x1000, b"once")
    end(board)
    with power(BOARD) as again:
        assert again.machine.read_memory(0x1000, 4) == b"once"


@pytest.mark.parametrize("end", [kill_supervisor, kill_emulator])
def test_a_kill_leaves_the_flash_as_it_was_last_kept(
    places: tuple[Path, Path], end: Callable[[PoweredBoard], None]
) -> None:
    del places
    with power(BOARD) as board:
        write_flash(board, 0x1000, b"once")
    killed = power(BOARD)
    write_flash(killed, 0x1400, b"more")
    end(killed)
    with power(BOARD) as again:
        assert again.machine.read_memory(0x1000, 4) == b"once"
        assert again.machine.read_memory(0x1400, 4) == b"\xff" * 4


def test_a_board_can_be_powered_at_once_after_its_holder_was_killed(places: tuple[Path, Path]) -> None:
    del places
    for _ in range(5):
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDER, "1", "microbit"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        assert "microbit" not in holder.stdout.readline()
        holder.kill()
        holder.communicate()
        with power(BOARD) as board:
            assert board.name == "microbit"
