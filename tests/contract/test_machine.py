"""What every emulator backend must do, in this process and through a supervisor."""

from __future__ import annotations

import os
import select
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.machine import (
    REGISTERS,
    Access,
    CoreState,
    HaltReason,
    Machine,
    MachineError,
    MachineSpec,
    MemoryFault,
    Status,
)
from hil.emulator.power import power
from hil.emulator.qemu.machine import QemuMachine
from hil.emulator.remote import RemoteMachine
from tests.contract.tiny_firmware import TinyFirmware, build

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

SPEC = MachineSpec("microbit", "microbit", 0, 0x40000, 0x20000000, 0x4000)
DEADLINE_S = 60.0
SLICE_S = 0.02  # what is in the target's memory changes without an event


@dataclass
class Bench:
    machine: Machine
    uart_fd: int
    firmware: TinyFirmware

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true"
            select.select([self._events()], [], [], SLICE_S)

    def _events(self) -> int | socket.socket:
        """What becomes readable when the core stops, or the emulator ends."""
        if isinstance(self.machine, RemoteMachine):
            return self.machine._sock
        fd = self.machine.event_fd()
        assert fd is not None
        return fd

    def until_status(self, state: CoreState, reason: HaltReason | None = None) -> Status:
        self.until(lambda: self.machine.status().state is state)
        status = self.machine.status()
        assert status.reason is reason
        return status

    def word(self, symbol: str) -> int:
        return int.from_bytes(self.machine.read_memory(self.firmware.symbols[symbol], 4), "little")

    def exchange(self, data: bytes, answer_bytes: int) -> bytes:
        os.write(self.uart_fd, data)
        answer = b""
        while len(answer) < answer_bytes:
            assert select.select([self.uart_fd], [], [], DEADLINE_S)[0], f"only {answer!r} came back"
            answer += os.read(self.uart_fd, 4096)
        return answer

    def load(self) -> None:
        self.machine.set_flash_image(self.firmware.flash_image())
        self.machine.reset(halt=False)
        self.until(lambda: self.word("counter") > 0)


@contextmanager
def qemu_here(_: Path) -> Iterator[tuple[Machine, int]]:
    with ExitStack() as stack:
        machine = QemuMachine(SPEC, lambda _: None)
        stack.callback(machine.close)
        machine.power_on()
        yield machine, machine.uart.host.fileno()


@contextmanager
def qemu_supervised(state: Path) -> Iterator[tuple[Machine, int]]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("HIL_STATE_DIR", str(state))
        powered = stack.enter_context(power(load_board("microbit")))
        port = os.open(powered.serial_path, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, port)
        yield powered.machine, port


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> TinyFirmware:
    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(params=[qemu_here, qemu_supervised], ids=lambda make: make.__name__)
def bench(request: pytest.FixtureRequest, tmp_path: Path, firmware: TinyFirmware) -> Iterator[Bench]:
    with request.param(tmp_path / "state") as (machine, uart_fd):
        yield Bench(machine, uart_fd, firmware)


@pytest.fixture
def loaded(bench: Bench) -> Bench:
    bench.load()
    return bench


def test_erased_board_is_held_in_lockup_and_comes_back(bench: Bench) -> None:
    status = bench.until_status(CoreState.LOCKUP)
    assert "0xfffffffe" in status.detail
    assert bench.machine.flash_image() == b"\xff" * SPEC.flash_bytes
    bench.machine.halt()
    assert bench.machine.status() == Status(CoreState.HALTED, HaltReason.REQUEST)
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
    machine.write_memory(0x50000508, (1 << 7).to_bytes(4, "little"))  # GPIO OUTSET
    assert int.from_bytes(machine.read_memory(0x50000504, 4), "little") & 1 << 7
    machine.write_memory(0xE000E100, (1 << 3).to_bytes(4, "little"))  # NVIC ISER
    assert int.from_bytes(machine.read_memory(0xE000E100, 4), "little") == 1 << 3
    assert {name: machine.read_register(name) for name in REGISTERS} == before


def test_flash_takes_writes_only_through_its_controller(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.write_memory(0x3FC00, b"\x12\x34\x56\x78")
    assert machine.read_memory(0x3FC00, 4) == b"\xff" * 4
    machine.write_memory(0x4001E504, b"\1\0\0\0")  # NVMC CONFIG: write enable
    machine.write_memory(0x3FC00, b"\x12\x34\x56\x78")
    machine.write_memory(0x4001E504, b"\0\0\0\0")
    assert machine.read_memory(0x3FC00, 4) == b"\x12\x34\x56\x78"
    assert machine.flash_image()[0x3FC00:0x3FC04] == b"\x12\x34\x56\x78"


@pytest.mark.parametrize(
    "name", [name for name in REGISTERS if name not in ("sp", "msp", "control", "primask", "xpsr")]
)
def test_register_keeps_what_is_written(loaded_once: Bench, name: str) -> None:
    loaded_once.machine.write_register(name, 0x20000ABC)
    assert loaded_once.machine.read_register(name) == 0x20000ABC


@pytest.fixture(scope="module")
def loaded_once(tmp_path_factory: pytest.TempPathFactory, firmware: TinyFirmware) -> Iterator[Bench]:
    with qemu_here(tmp_path_factory.mktemp("state")) as (machine, uart_fd):
        bench = Bench(machine, uart_fd, firmware)
        bench.load()
        machine.halt()
        yield bench


def test_stack_pointers_primask_and_control(loaded: Bench) -> None:
    machine = loaded.machine
    machine.halt()
    machine.write_register("sp", 0x20003000)
    assert machine.read_register("msp") == 0x20003000
    machine.write_register("msp", 0x20003100)
    machine.write_register("psp", 0x20003200)
    assert machine.read_register("sp") == 0x20003100
    machine.write_register("primask", 1)
    machine.write_register("control", 2)
    assert [machine.read_register(name) for name in ("primask", "control", "sp")] == [1, 2, 0x20003200]


def test_registers_of_a_running_core_are_refused(loaded: Bench) -> None:
    with pytest.raises(MachineError, match="must be halted"):
        loaded.machine.read_register("pc")


def test_reset_with_halt_stops_at_the_first_instruction(loaded: Bench) -> None:
    loaded.machine.reset(halt=True)
    assert loaded.machine.status() == Status(CoreState.HALTED, HaltReason.RESET)
    assert loaded.machine.read_register("pc") == loaded.firmware.symbols["start"]
    assert loaded.machine.read_register("sp") == 0x20004000
    assert loaded.machine.read_register("xpsr") & 1 << 24


def test_flash_survives_a_power_cut_and_ram_does_not(loaded: Bench) -> None:
    machine = loaded.machine
    machine.write_memory(0x20002000, b"here")
    machine.power_off()
    assert machine.status().state is CoreState.OFF
    assert machine.flash_image() == loaded.firmware.flash_image()
    with pytest.raises(MachineError, match="no power"):
        machine.read_memory(0x20002000, 4)
    machine.power_on()
    loaded.until(lambda: loaded.word("counter") > 0)
    assert machine.read_memory(0x20002000, 4) != b"here"


def test_uart_echoes_every_byte_also_over_a_power_cycle(loaded: Bench) -> None:
    data = bytes(each for each in range(256) if each not in b"FL") * 16
    assert loaded.exchange(data, len(data)) == bytes(each ^ 0x20 for each in data)
    loaded.machine.power_off()
    loaded.machine.power_on()
    loaded.until(lambda: loaded.word("counter") > 0)
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
    assert "Lockup" in status.detail
    assert machine.flash_image() == loaded.firmware.flash_image()
    with pytest.raises(MachineError, match="RAM and registers"):
        machine.read_memory(0x20000000, 4)
    machine.halt()
    handler = loaded.firmware.symbols["hard_fault"]
    assert handler <= machine.read_register("pc") < handler + 64
    assert machine.read_register("xpsr") & 0x3F == 3
    machine.reset(halt=False)
    loaded.until(lambda: loaded.word("counter") > 0)
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
    assert machine.status() == Status(CoreState.HALTED, HaltReason.BREAKPOINT)
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
        machine.write_memory(0x20002000, b"data")
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
