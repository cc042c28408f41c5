"""What every emulator backend must do, in this process and through a supervisor."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from hil.emulator.machine import REGISTERS, Access, CoreState, HaltReason, MachineError, MemoryFault, Status
from tests.contract.emulated import BOARDS, MICROBIT, PLACE_IDS, PLACES, Bench, Emulated, here
from tests.contract.tiny_firmware import TinyFirmware, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TinyFirmware]:
    return {each.name: build(tmp_path_factory.mktemp(each.name), board=each.name) for each in BOARDS}


@pytest.fixture(params=PLACES, ids=PLACE_IDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path, firmware: dict[str, TinyFirmware]) -> Iterator[Bench]:
    board, make = request.param
    with make(board, tmp_path / "state") as (machine, uart_fd):
        yield Bench(machine, uart_fd, firmware[board.name], board)


@pytest.fixture
def loaded(bench: Bench) -> Bench:
    bench.load()
    return bench


def test_erased_board_is_held_in_lockup_and_comes_back(bench: Bench) -> None:
    status = bench.until_status(CoreState.LOCKUP)
    assert bench.board.erased_words in status.detail
    assert bench.machine.flash_image() == bench.board.erased * bench.board.spec.flash_bytes
    bench.machine.halt()
    bench.until_status(CoreState.HALTED, HaltReason.REQUEST)
    bench.load()


def test_core_runs_halts_and_resumes(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    assert machine.status() == Status(CoreState.HALTED, HaltReason.REQUEST)
    stopped_at = loaded.word("counter")
    assert loaded.word("counter") == stopped_at
    machine.resume()
    loaded.until(lambda: loaded.word("counter") > stopped_at)
    assert machine.status().state is CoreState.RUNNING


def test_breakpoint_halts_every_time_until_removed(loaded: Bench) -> None:
    machine, at = loaded.machine, loaded.firmware.symbols["step"]
    machine.set_breakpoint(at)
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == at
    before = loaded.word("counter")
    machine.step()
    assert machine.status() == Status(CoreState.HALTED, HaltReason.STEP)
    assert machine.read_register("pc") == at + 2
    machine.resume()
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert loaded.word("counter") == before + 1
    machine.remove_breakpoint(at)
    machine.resume()
    loaded.until(lambda: loaded.word("counter") > before + 10)


def test_a_core_let_go_at_a_breakpoint_stays_there(loaded: Bench) -> None:
    """As on silicon: who wants to go on steps first, as debuggers do."""
    machine, at = loaded.machine, loaded.firmware.symbols["step"]
    machine.set_breakpoint(at)
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    before = loaded.word("counter")
    machine.resume()
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert (machine.read_register("pc"), loaded.word("counter")) == (at, before)


def test_watchpoint_halts_after_the_access(loaded: Bench) -> None:
    machine, at = loaded.machine, loaded.firmware.symbols["counter"]
    machine.halt()
    before = loaded.word("counter")
    machine.set_watchpoint(at, 4, Access.WRITE)
    machine.resume()
    loaded.until_status(CoreState.HALTED, HaltReason.WATCHPOINT)
    assert loaded.word("counter") == before + 1
    machine.remove_watchpoint(at, 4, Access.WRITE)
    machine.resume()
    loaded.until(lambda: loaded.word("counter") > before + 10)


def test_step_over_a_watched_access_makes_it(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.write_memory(0x20001000, bytes.fromhex("0860fee7"))  # str r0, [r1]; b .
    for name, value in {"r0": 0x1234, "r1": 0x20001100, "pc": 0x20001000}.items():
        machine.write_register(name, value)
    machine.set_watchpoint(0x20001100, 4, Access.WRITE)
    machine.step()
    assert machine.status() == Status(CoreState.HALTED, HaltReason.WATCHPOINT)
    assert machine.read_register("pc") == 0x20001002
    assert machine.read_memory(0x20001100, 2) == b"\x34\x12"


def test_memory_is_accessible_while_the_core_runs(loaded: Bench) -> None:
    machine = loaded.machine
    pattern = bytes(range(256)) * 12
    machine.write_memory(0x20001000, pattern)
    assert machine.read_memory(0x20001000, len(pattern)) == pattern
    assert machine.status().state is CoreState.RUNNING


def test_accesses_to_nothing_fault(loaded: Bench) -> None:
    with pytest.raises(MemoryFault, match="0x30000000"):
        loaded.machine.read_memory(0x30000000, 4)
    with pytest.raises(MemoryFault, match="0x30000000"):
        loaded.machine.write_memory(0x30000000, b"\0\0\0\0")
    assert loaded.machine.status().state is CoreState.RUNNING


def test_peripherals_are_written_and_the_program_does_not_notice(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    before = {name: machine.read_register(name) for name in REGISTERS}
    set_pins, pins = loaded.board.pins
    machine.write_memory(set_pins, (1 << 7).to_bytes(4, "little"))
    assert loaded.word_at(pins) & 1 << 7
    machine.write_memory(0xE000E100, (1 << 3).to_bytes(4, "little"))  # NVIC ISER
    assert int.from_bytes(machine.read_memory(0xE000E100, 4), "little") == 1 << 3
    assert {name: machine.read_register(name) for name in REGISTERS} == before


def test_flash_takes_writes_only_through_its_controller(loaded: Bench) -> None:
    machine, board = loaded.machine, loaded.board
    at = board.spec.flash_origin + board.spec.flash_bytes - 1024
    machine.halt()
    machine.write_memory(at, b"\x12\x34\x56\x78")
    assert machine.read_memory(at, 4) == board.erased * 4
    for address, value in (*board.opens, (at, 0x78563412), board.closes):
        machine.write_memory(address, value.to_bytes(4, "little"))
    assert machine.read_memory(at, 4) == b"\x12\x34\x56\x78"
    assert machine.flash_image()[-1024:-1020] == b"\x12\x34\x56\x78"


@pytest.mark.parametrize(
    "name", [name for name in REGISTERS if name not in ("sp", "msp", "control", "primask", "xpsr")]
)
def test_register_keeps_what_is_written(loaded_once: Bench, name: str) -> None:
    loaded_once.machine.write_register(name, 0x20000ABC)
    assert loaded_once.machine.read_register(name) == 0x20000ABC


@pytest.fixture(scope="module", params=BOARDS, ids=str)
def loaded_once(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, firmware: dict[str, TinyFirmware]
) -> Iterator[Bench]:
    board: Emulated = request.param
    with here(board, tmp_path_factory.mktemp("state")) as (machine, uart_fd):
        bench = Bench(machine, uart_fd, firmware[board.name], board)
        bench.load()
        machine.halt()
        yield bench


def test_stack_pointers_primask_and_control(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.write_register("sp", 0x20001000)
    assert machine.read_register("msp") == 0x20001000
    machine.write_register("msp", 0x20001100)
    machine.write_register("psp", 0x20001200)
    assert machine.read_register("sp") == 0x20001100
    machine.write_register("primask", 1)
    machine.write_register("control", 2)
    assert [machine.read_register(name) for name in ("primask", "control", "sp")] == [1, 2, 0x20001200]


def test_registers_of_a_running_core_are_refused(loaded: Bench) -> None:
    with pytest.raises(MachineError, match="must be halted"):
        loaded.machine.read_register("pc")


def test_reset_with_halt_stops_at_the_first_instruction(loaded: Bench) -> None:
    loaded.machine.reset(halt=True)
    assert loaded.machine.status() == Status(CoreState.HALTED, HaltReason.RESET)
    assert loaded.machine.read_register("pc") == loaded.firmware.symbols["start"]
    assert loaded.machine.read_register("sp") == loaded.board.stack
    assert loaded.machine.read_register("xpsr") & 1 << 24


def test_flash_survives_a_power_cut_and_ram_does_not(loaded: Bench) -> None:
    machine = loaded.machine
    machine.write_memory(0x20001800, b"here")
    machine.power_off()
    assert machine.status().state is CoreState.OFF
    assert machine.flash_image() == loaded.firmware.flash_image()
    with pytest.raises(MachineError, match="no power"):
        machine.read_memory(0x20001800, 4)
    machine.power_on()
    loaded.until_started()
    assert machine.read_memory(0x20001800, 4) != b"here"


def test_uart_echoes_every_byte_also_over_a_power_cycle(loaded: Bench) -> None:
    data = bytes(each for each in range(256) if each not in b"FL") * 16
    assert loaded.exchange(data, len(data)) == bytes(each ^ 0x20 for each in data)
    loaded.machine.power_off()
    loaded.machine.power_on()
    loaded.until_started()
    assert loaded.exchange(b"abc", 3) == b"ABC"


def test_a_debugger_catches_hard_faults(loaded: Bench) -> None:
    loaded.machine.set_debug(enabled=True, catch_hard_fault=True)
    os.write(loaded.uart_fd, b"F")
    loaded.until_status(CoreState.HALTED, HaltReason.VECTOR_CATCH)
    assert loaded.machine.read_register("pc") == loaded.firmware.symbols["hard_fault"]
    assert loaded.machine.read_register("xpsr") & 0x3F == 3
    assert loaded.word("faults") == 0


def test_without_a_debugger_the_handler_runs(loaded: Bench) -> None:
    os.write(loaded.uart_fd, b"F")
    loaded.until(lambda: loaded.word("faults") == 1)
    assert loaded.machine.status().state is CoreState.RUNNING


def test_lockup_is_reported_with_the_registers_and_flash_it_had(loaded: Bench) -> None:
    machine = loaded.machine
    os.write(loaded.uart_fd, b"L")
    status = loaded.until_status(CoreState.LOCKUP)
    assert re.search("lockup", status.detail, re.IGNORECASE)
    assert machine.flash_image() == loaded.firmware.flash_image()
    if loaded.board is MICROBIT:  # QEMU ends with it
        with pytest.raises(MachineError, match="RAM and registers"):
            machine.read_memory(0x20000000, 4)
    else:
        assert loaded.word("counter") == 0xDEAD
    machine.halt()
    handler = loaded.firmware.symbols["hard_fault"]
    assert handler <= machine.read_register("pc") < handler + 64
    assert machine.read_register("xpsr") & 0x3F == 3
    machine.reset(halt=False)
    loaded.until_started()
    assert loaded.exchange(b"x", 1) == b"X"


def test_a_called_function_halts_at_the_bkpt_it_returns_to(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.set_debug(enabled=True)
    machine.write_memory(0x20001000, b"\x00\xbe\xfe\xe7")  # BKPT; b .
    for name, value in {"r0": 41, "lr": 0x20001001, "pc": loaded.firmware.symbols["step"]}.items():
        machine.write_register(name, value)
    machine.resume()
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == 0x20001000
    assert machine.read_register("r0") == 42
    machine.resume()  # BKPT is still the next instruction
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == 0x20001000


def test_memory_accesses_do_not_lose_the_return_to_bkpt(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.set_debug(enabled=True)
    # subs r0, #1; bne .-2; bx lr: long enough that the debugger gets in between
    machine.write_memory(0x20001000, bytes.fromhex("00be0138fdd17047"))
    for name, value in {"r0": 1_000_000, "lr": 0x20001001, "pc": 0x20001002}.items():
        machine.write_register(name, value)
    machine.resume()
    for _ in range(5):
        machine.write_memory(0x20001800, b"data")
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("r0") == 0


def test_a_bkpt_written_over_code_in_ram_halts_until_it_is_overwritten(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.set_debug(enabled=True)
    machine.write_memory(0x20001000, bytes.fromhex("c046c046fce7"))  # nop; nop; b .-4
    machine.write_memory(0x20001002, b"\x00\xbe")
    machine.write_register("pc", 0x20001000)
    machine.resume()
    loaded.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == 0x20001002
    machine.write_memory(0x20001002, b"\xc0\x46")
    machine.resume()
    machine.read_memory(0x20001000, 2)
    assert machine.status().state is CoreState.RUNNING
