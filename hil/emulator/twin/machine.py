"""The twin backend: a chip in this process, run in slices between the supervisor's other work."""

from __future__ import annotations

import ctypes
import dataclasses
import mmap
import os
import random
import select
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from hil.emulator.guards import require_halted, require_power
from hil.emulator.machine import Access, CoreState, HaltReason, MachineError, MachineSpec, MemoryFault, Status
from hil.emulator.twin.core import Stop
from hil.emulator.twin.kept import ChipMemories, fill
from hil.emulator.twin.pace import Pace
from hil.emulator.twin.parts import kind_of
from hil.emulator.twin.registers import BusError, NotModelledError
from hil.emulator.twin.spi_bus import TwinBus
from hil.emulator.twin.system import BASE as SYSTEM_CONTROL
from hil.emulator.uart import UartStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.activity_record import ActivityRecord
    from hil.emulator.twin.part import Part

_SLICE_CYCLES: Final = 400_000
"""Run at a time: some milliseconds of the host's, after which requests are answered and bytes moved."""

_SELECTED_SLICE_CYCLES: Final = 20_000
"""While an SPI transaction waits for its master."""

_CHUNK: Final = 65536
_KINDS: Final = {Access.READ: 1, Access.WRITE: 2, Access.ANY: 3}
_REASONS: Final = {
    Stop.BREAKPOINT: HaltReason.BREAKPOINT,
    Stop.BKPT: HaltReason.BREAKPOINT,
    Stop.WATCHPOINT: HaltReason.WATCHPOINT,
    Stop.VECTOR_CATCH: HaltReason.VECTOR_CATCH,
}
_NOISE_SEED: Final = 0x4C303331  # what RAM holds at power-up: the same each time, and nothing to rely on
_DEBUGGER, _CATCH = 1, 2


class TwinMachine:
    """A `hil.emulator.machine.OwnedMachine` on the twin. Used from one thread.

    Args:
        spec: the board's facts.
        on_kept: called with the whole flash and what else keeps its content behind it, when they were found changed.

    Raises:
        MachineError: the twin has no such part.
    """

    def __init__(self, spec: MachineSpec, on_kept: Callable[[bytes], None]) -> None:
        self._spec = spec
        self._kind = kind_of(spec.part)
        self._kept = ChipMemories(spec, self._kind.kept, on_kept)
        self._counts = mmap.mmap(spec.counter, 0) if spec.counter >= 0 else None
        self._chip: Part | None = None
        self._status = Status(CoreState.OFF)
        self._breakpoints: set[int] = set()
        self._watchpoints: set[tuple[int, int, Access]] = set()
        self._debug = 0
        self._pace = Pace() if spec.paced else None
        self._waits = False  # for the clock on the wall
        self.uart = UartStream()
        self.uart.target.setblocking(False)
        # Readable when the chip has something to do: it runs, or the host has sent bytes.
        self._work = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._ready = select.epoll()
        self._ready.register(self._work, select.EPOLLIN)
        self._ready.register(self.uart.target.fileno(), select.EPOLLIN)
        self.spi = TwinBus(spec.spi, self._runs, self._run_to, self._wake) if spec.spi else None

    # Power

    def power_on(self) -> None:
        """See `Machine`."""
        if self._status.state is CoreState.OFF:
            try:
                chip = self._kind.make(self._spec)
            except ValueError as error:
                raise MachineError(f"the twin cannot be board {self._spec.board}", cause=str(error)) from error
            if self.spi:
                self.spi.connect(chip)
            self._chip = chip
            self._kept.put(chip)
            fill(chip.ram_content, random.Random(_NOISE_SEED).randbytes(len(chip.ram_content)))  # noqa: S311 # no secret
            self._apply_debugger(chip)
            if self._counts is not None:
                chip.core.count(ctypes.addressof(ctypes.c_uint8.from_buffer(self._counts)))
            chip.reset()
            self._status = Status(CoreState.HALTED, HaltReason.RESET)
            self.resume()

    def power_off(self) -> None:
        """See `Machine`."""
        if self._chip is not None:
            self._chip.lose_power(_NOISE_SEED)
            self._kept.take(self._chip)
            self._chip.core.close()
        self._chip = None
        if self.spi:
            self.spi.connect(None)
        self._status = Status(CoreState.OFF)

    def close(self) -> None:
        """Power off and give up the UART stream."""
        try:
            self.power_off()
        finally:
            self._ready.close()
            os.close(self._work)
            self.uart.close()

    def wake_uart(self) -> None:
        """See `OwnedMachine`; the twin notices by itself."""

    # Run control

    def status(self) -> Status:
        """See `Machine`."""
        chip = self._chip
        if chip is None:
            return self._status
        detail = self._status.detail or (chip.fault_words() if chip.in_hard_fault else "")
        return dataclasses.replace(self._status, detail=detail, noticed=tuple(chip.notes.values()))

    def event_fd(self) -> int | None:
        """See `OwnedMachine`."""
        return self._ready.fileno() if self._status.state is CoreState.RUNNING else None

    def timeout_ms(self) -> int | None:
        """See `OwnedMachine`."""
        running = self._status.state is CoreState.RUNNING
        return self._pace.timeout_ms() if self._pace and self._waits and running else None

    def poll(self) -> None:
        """See `OwnedMachine`: run a slice."""
        chip = self._chip
        if chip is None or self._status.state is not CoreState.RUNNING:
            return
        with suppress(BlockingIOError):
            chip.serial.send(self.uart.target.recv(_CHUNK))
        with suppress(BlockingIOError):
            os.eventfd_read(self._work)
        cycles = _SELECTED_SLICE_CYCLES if self.spi and self.spi.selected else _SLICE_CYCLES
        if self._pace is not None:
            cycles = min(cycles, chip.cycles(self._pace.allowance(chip.seconds())))
        self._waits = cycles == 0
        if self._waits:
            return
        self._advance(chip, lambda: chip.run(chip.core.shared.clock + cycles))

    def _wake(self) -> None:
        os.eventfd_write(self._work, 1)

    def _runs(self) -> Part | None:
        return self._chip if self._status.state is CoreState.RUNNING else None

    def _run_to(self, chip: Part, cycle: int) -> bool:
        """Run up to a cycle; whether the core could go on from there."""
        self._advance(chip, lambda: chip.run(cycle))
        return self._status.state is CoreState.RUNNING

    def _advance(self, chip: Part, go: Callable[[], Stop]) -> None:
        """Have the chip do something, and take note of how it ended."""
        try:
            self._note(chip, go())
        except Exception as error:  # noqa: BLE001 # a defect of the twin: the board stands still, and says why
            traceback.print_exc()
            self._status = _cannot_go_on(f"the emulation failed: {error!r}")
        self._give_host(chip)

    def _note(self, chip: Part, stop: Stop) -> None:
        if chip.trouble:
            self._status = _cannot_go_on(chip.trouble)
        elif stop is Stop.DUE:
            self._wake()
            return
        elif stop is Stop.STEPPED:
            self._status = Status(CoreState.HALTED, HaltReason.STEP)
            return
        elif stop in _REASONS:
            self._status = Status(CoreState.HALTED, _REASONS[stop])
        elif stop is Stop.LOCKUP:
            self._status = Status(CoreState.LOCKUP, detail=chip.fault_words())
        elif stop is Stop.FAILED:
            self._status = _cannot_go_on(f"the emulation failed (Unicorn's error {chip.core.shared.failure})")
        chip.core.book()

    def _give_host(self, chip: Part) -> None:
        data = chip.serial.to_host
        with suppress(BlockingIOError):
            while data:
                del data[: self.uart.target.send(data)]

    def halt(self) -> None:
        """See `Machine`."""
        if self._status.state in {CoreState.RUNNING, CoreState.LOCKUP}:
            self._status = Status(CoreState.HALTED, HaltReason.REQUEST)

    def resume(self) -> None:
        """See `Machine`."""
        if self._status.state is CoreState.HALTED and self._goes_on():
            chip = self._powered()
            chip.core.shared.asleep = 0  # DDI 0419, B1.5.19: a debug halt has ended the sleep
            self._status = Status(CoreState.RUNNING)
            self._wake()

    def step(self, *, mask_interrupts: bool = True) -> None:
        """See `Machine`."""
        if self._status.state is CoreState.HALTED and self._goes_on():
            chip = self._powered()
            self._advance(chip, lambda: chip.step(mask_interrupts=mask_interrupts))

    def _goes_on(self) -> bool:
        """Whether the chip can; why not is in the status at once, before the debugger asks for it."""
        if trouble := self._powered().trouble:
            self._status = _cannot_go_on(trouble)
        return not trouble

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        """See `Machine`."""
        chip = self._powered()
        self.uart.forget_input()
        if through_core:
            chip.reset_by_software()
        chip.reset()
        self._kept.take(chip)
        self._status = Status(CoreState.HALTED, HaltReason.RESET)
        if not halt:
            self.resume()

    # Memory and registers

    def read_memory(self, address: int, size: int) -> bytes:
        """See `Machine`."""
        chip = self._powered()
        chip.debugger_reads(address, running=self._status.state is CoreState.RUNNING)
        peripheral = chip.peripheral_at(address)
        if peripheral is not None:
            return self._read_registers(chip, address, size)
        data = chip.core.read(address, size)
        if data is None:
            raise MemoryFault(address)
        return data

    def _read_registers(self, chip: Part, address: int, size: int) -> bytes:
        data = b""
        while len(data) < size:
            at = address + len(data)
            left = size - len(data)
            width = 4 if at % 4 == 0 and left >= 4 else 2 if at % 2 == 0 and left >= 2 else 1  # noqa: PLR2004 # bytes
            peripheral = chip.peripheral_at(at)
            try:
                if peripheral is None:
                    raise MemoryFault(at)
                data += peripheral.read(at - peripheral.base, width).to_bytes(width, "little")
            except NotModelledError as error:
                if peripheral is None or peripheral.base != SYSTEM_CONTROL:
                    raise MemoryFault(at) from error
                data += bytes(width)  # debuggers probe for what other cores have there: it reads as zero
        return data

    def write_memory(self, address: int, data: bytes) -> None:
        """See `Machine`."""
        chip = self._powered()
        width = 4 if address % 4 == 0 and len(data) % 4 == 0 else 2 if address % 2 == 0 and len(data) % 2 == 0 else 1
        if self._spec.in_ram(address, len(data)):
            chip.core.write(address, data)
            return
        for at in range(0, len(data), width):
            value = int.from_bytes(data[at : at + width], "little")
            peripheral = chip.peripheral_at(address + at)
            try:
                if peripheral is not None:
                    peripheral.write(address + at - peripheral.base, width, value)
                elif not chip.store(address + at, width, value):
                    raise MemoryFault(address + at)
            except BusError as error:
                raise MemoryFault(address + at) from error
            except NotModelledError as error:
                raise MachineError(f"the debugger {error}") from error
        if self._status.state is CoreState.RUNNING:
            self._wake()  # a core that sleeps may have been woken

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        return self._halted().core.read_register(name)

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        self._halted().core.write_register(name, value)

    # Breakpoints

    def set_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        if self._powered().core.breakpoint(address, on=True):
            self._breakpoints.add(address)

    def remove_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        if address in self._breakpoints:
            self._powered().core.breakpoint(address, on=False)
            self._breakpoints.discard(address)

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        if (address, size, access) not in self._watchpoints and self._powered().core.watch(
            address, size, _KINDS[access]
        ):
            self._watchpoints.add((address, size, access))

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        if (address, size, access) in self._watchpoints:
            self._powered().core.unwatch(address, size, _KINDS[access])
            self._watchpoints.discard((address, size, access))

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        """See `Machine`."""
        self._debug = (_DEBUGGER if enabled else 0) | (_CATCH if enabled and catch_hard_fault else 0)
        if self._chip is not None:
            self._chip.core.shared.debug = self._debug

    def forget_debugger(self) -> None:
        """See `OwnedMachine`."""
        for address in tuple(self._breakpoints):
            self.remove_breakpoint(address)
        for watchpoint in tuple(self._watchpoints):
            self.remove_watchpoint(*watchpoint)
        self.set_debug(enabled=False)

    def _apply_debugger(self, chip: Part) -> None:
        """What a debugger has set holds over a power cycle."""
        for address in self._breakpoints:
            chip.core.breakpoint(address, on=True)
        for address, size, access in self._watchpoints:
            chip.core.watch(address, size, _KINDS[access])
        chip.core.shared.debug = self._debug

    # Flash

    def flash_image(self) -> bytes:
        """See `Machine`."""
        if self._chip is not None:
            self._kept.take(self._chip)
        return self._kept.flash

    def set_flash_image(self, image: bytes) -> None:
        """See `Machine`."""
        self._kept.replace_flash(bytes(image))
        if self._chip is not None:
            self._chip.settle()
            fill(self._chip.flash_content, image)
            self._chip.core.forget_code(self._spec.flash_origin, self._spec.flash_bytes)

    @property
    def kept_bytes(self) -> int:
        """See `OwnedMachine`: flash and what else keeps its content."""
        return self._kept.size

    def restore(self, kept: bytes) -> None:
        """See `OwnedMachine`."""
        self._kept.restore(kept)

    # Activity

    def record_activity(self, *, on: bool) -> None:
        """See `Machine`."""
        chip = self._powered()
        if not on:
            chip.stop_recording()
            return
        try:
            chip.record(self._spec.marker)
        except ValueError as error:
            raise MachineError(f"the marker pin of board {self._spec.board} cannot be recorded: {error}") from error

    def take_activity(self) -> ActivityRecord:
        """See `Machine`."""
        recorder = self._powered().recorder
        if recorder is None:
            raise MachineError(
                f"the activity of emulated board {self._spec.board} is not recorded",
                hint="it has to be asked for first, and once more after a power cycle",
            )
        return recorder.take()

    def _powered(self) -> Part:
        if self._chip is None:
            require_power(self._spec, self._status)
            raise MachineError(f"emulated board {self._spec.board} has ended")
        return self._chip

    def _halted(self) -> Part:
        require_halted(self._spec, self._status)
        return self._powered()


def _cannot_go_on(why: str) -> Status:
    """Halted, not locked up: on the chip this is no fault, and a debugger can read the registers."""
    return Status(CoreState.HALTED, HaltReason.EMULATOR, why)
