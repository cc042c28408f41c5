"""NUCLEO-L031K6 on Renode: the ordinary path, and what a debug probe asks for. Skipped where it is not installed."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.machine import Access, CoreState, HaltReason, MemoryFault
from hil.emulator.power import power
from hil.emulator.renode.launch import program, version
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.emulator.power import PoweredBoard
    from hil.emulator.remote import RemoteMachine

BOARD = load_board("nucleo-l031")
NETWORKS = Path(__file__).parents[2] / "examples" / "networks"
RAM = BOARD.memory.ram.origin
CODE = RAM + 0x1800
EEPROM = 0x08080000
DEADLINE_S = 30.0
LOOP = bytes.fromhex("00200130fde7")  # movs r0, #0; adds r0, #1; b to the adds
REST = bytes.fromhex("002001300860fee7")  # movs r0, #0; adds r0, #1; str r0, [r1]; b to itself
STORE = bytes.fromhex("086000bffde7")  # str r0, [r1]; nop; b to the nop


def why_absent() -> str:
    try:
        program()
        version()
    except RigError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(why_absent()), reason=why_absent() or "there")


@contextmanager
def powered() -> Iterator[PoweredBoard]:
    with power(BOARD, "renode") as board:
        yield board


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        select.select([], [], [], 0.02)  # what is in the target's memory changes without an event


def run_from(machine: RemoteMachine, code: bytes) -> None:
    machine.halt()
    machine.write_memory(CODE, code)
    machine.write_register("pc", CODE)
    machine.resume()


def test_a_network_over_the_ordinary_path_equals_the_integer_model_in_every_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with open_dut(BOARD, DutOptions(backend="renode")) as dut:
        result = dut.run(NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz")
        assert (result.bits_equal, result.retries) == (True, 0)
        assert result.cycles.measured is None
        assert "counts instructions and no cycles" in result.cycles.reason


def test_a_machine_does_what_a_debugger_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with powered() as board:
        machine = board.machine
        assert machine.status().state is CoreState.LOCKUP  # its flash is erased
        flash = bytes(range(256)) * 128
        machine.set_flash_image(flash)

        # what runs, stops, and steps
        run_from(machine, LOOP)
        machine.halt()
        assert machine.status().reason is HaltReason.REQUEST
        machine.set_breakpoint(CODE + 4)
        for _ in range(2):
            machine.resume()
            until(lambda: machine.status().reason is HaltReason.BREAKPOINT)
            assert machine.read_register("pc") == CODE + 4
            count = machine.read_register("r0")
            machine.resume()  # it is there still
            assert machine.status().reason is HaltReason.BREAKPOINT
            assert (machine.read_register("pc"), machine.read_register("r0")) == (CODE + 4, count)
            machine.step()  # the branch
            machine.step()  # the count
            assert (machine.read_register("pc"), machine.read_register("r0")) == (CODE + 4, count + 1)
            assert machine.status().reason is HaltReason.STEP
            machine.step()
        machine.remove_breakpoint(CODE + 4)

        # a core that rests in a branch to itself goes where it is told
        machine.halt()
        machine.write_memory(RAM, bytes(4))
        machine.write_register("r1", RAM)
        run_from(machine, REST)
        until(lambda: machine.read_memory(RAM, 4) != bytes(4))
        machine.set_breakpoint(CODE + 4)
        run_from(machine, LOOP)
        until(lambda: machine.status().reason is HaltReason.BREAKPOINT)
        machine.remove_breakpoint(CODE + 4)

        # memory
        with pytest.raises(MemoryFault):
            machine.read_memory(0x30000000, 4)
        with pytest.raises(MemoryFault):
            machine.write_memory(BOARD.memory.flash.origin, b"none")
        assert machine.flash_image() == flash

        # a power cut: RAM and registers are lost, the flash stays
        machine.write_memory(RAM, b"lost")
        machine.power_off()
        assert machine.status().state is CoreState.OFF
        machine.power_on()
        assert machine.read_memory(RAM, 4) != b"lost"
        assert machine.flash_image() == flash


def test_an_access_is_caught_and_has_been_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with powered() as board:
        machine = board.machine
        machine.halt()
        machine.set_watchpoint(RAM, 4, Access.WRITE)
        machine.write_register("r0", 7)
        machine.write_register("r1", RAM)
        run_from(machine, STORE)
        until(lambda: machine.status().reason is HaltReason.WATCHPOINT)
        assert int.from_bytes(machine.read_memory(RAM, 4), "little") == 7
        machine.write_register("r0", 8)
        machine.write_register("pc", CODE)
        machine.step()
        assert machine.status().reason is HaltReason.WATCHPOINT
        assert machine.read_register("pc") == CODE + 2
        assert int.from_bytes(machine.read_memory(RAM, 4), "little") == 8
        machine.remove_watchpoint(RAM, 4, Access.WRITE)
        machine.write_register("pc", CODE)
        machine.step()
        assert machine.status().reason is HaltReason.STEP


def test_what_a_board_keeps_is_there_whichever_emulator_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    flash = bytes(range(256)) * 128
    with powered() as board:
        board.machine.set_flash_image(flash)
        board.machine.halt()
        board.machine.write_register("r0", 0x600D)
        board.machine.write_register("r1", EEPROM)
        run_from(board.machine, STORE)
        until(lambda: board.machine.read_memory(EEPROM, 4) != bytes(4))
    with power(BOARD, "twin") as board:
        assert board.machine.flash_image() == flash
        assert int.from_bytes(board.machine.read_memory(EEPROM, 4), "little") == 0x600D
    with powered() as board:
        assert board.machine.flash_image() == flash
        assert int.from_bytes(board.machine.read_memory(EEPROM, 4), "little") == 0x600D


def test_nothing_stays_of_a_board_whose_supervisor_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with powered() as board:
        group = renodes_of(board.supervisor_pid)
        assert len(group) >= 3  # a shell, Renode, and what its launcher is
        (folder,) = tmp_path.glob("hil-renode-*")
        held = [os.pidfd_open(pid) for pid in group]
        os.kill(board.supervisor_pid, signal.SIGKILL)
        for fd in held:
            assert select.select([fd], [], [], DEADLINE_S)[0]
            os.close(fd)
        assert not folder.exists()


def renodes_of(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]
