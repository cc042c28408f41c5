"""A chip that nobody emulates, as far as a port's own code can tell: the twin's core, the board's memories, and stubs.

A stub keeps what is stored in its registers, and says of flags and clocks what the family's manual says, as far as the
port needs them. It is by the same author as the port: what it shows is that vectors, memory layout, the order of steps,
interrupts and the arithmetic of clock and baud rate fit together, and not that the manual was read right.
"""

from __future__ import annotations

import ctypes
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar

from hil.cycles.timing import TimingModel
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.registers import NotModelledError, Peripheral
from hil.emulator.twin.system import SystemControl
from hil.emulator.twin.wire import FRAME_BITS, Wire
from tests.twin.bare import ENTER, LEAVE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.board import Board
    from hil.emulator.twin.core import Stop
    from hil.emulator.twin.registers import Register

PAGE = 0x1000
TOLERANCE = Fraction(15, 1000)


def bit(word: int, number: int) -> bool:
    """A bit of a register."""
    return bool(word >> number & 1)


def refuse(words: str) -> None:
    """The chip ends there, and says why."""
    raise NotModelledError(words)


class Stub(Peripheral):
    """Registers of ``unit`` bytes, by offset; ``readers`` and ``writers`` have those that do more than keep a value."""

    REGISTERS: ClassVar[Sequence[Register]] = ()

    def __init__(self, name: str, base: int, unit: int, on: Callable[[], bool]) -> None:
        self.kept: dict[int, int] = {}
        self.initial: dict[int, int] = {}
        self.readers: dict[int, Callable[[], int]] = {}
        self.writers: dict[int, Callable[[int], None]] = {}
        self._unit = unit
        self._on = on
        super().__init__(name, base)

    def reset(self) -> None:
        super().reset()
        self.kept = dict(self.initial)

    def clocked(self) -> bool:
        return self._on()

    def __getitem__(self, offset: int) -> int:
        return self.kept.get(offset, 0)

    def __setitem__(self, offset: int, value: int) -> None:
        self.kept[offset] = value

    def load(self, offset: int, size: int) -> int:
        self._check(offset, size)
        reader = self.readers.get(offset)
        return reader() if reader else self[offset]

    def take(self, offset: int, size: int, value: int) -> None:
        self._check(offset, size)
        if writer := self.writers.get(offset):
            writer(value)
        else:
            self[offset] = value

    def _check(self, offset: int, size: int) -> None:
        if size != self._unit or offset % size:
            refuse(f"accesses {size} bytes at 0x{self.base + offset:08x}, a register of {self._unit}")


class StubUart:
    """A transmitter and a receiver of a byte each. What only its family knows comes from ``chip``."""

    def __init__(self, chip: StubChip, baud: int) -> None:
        self._chip = chip
        self.wire = Wire(chip, baud, self)
        self.received: int | None = None
        self.overrun = False
        self.sending = False
        self.sent_one = False  # since it was last handed a byte

    def starts(self) -> None:
        """See `Port`."""

    def idle(self) -> None:
        """See `Port`."""

    def receive(self, byte: int) -> None:
        """See `Port`."""
        self._check_baud()
        if not self._chip.receives():
            self._chip.note("RX", "a byte is lost: the receiver is off, or not on its pin")
        elif self.received is not None:
            self.overrun = True
        else:
            self.received = byte
        self._chip.raise_line()

    def take(self) -> int:
        """The firmware reads what was received."""
        byte, self.received = self.received or 0, None
        self._chip.raise_line()
        return byte

    def send(self, byte: int) -> None:
        """The firmware hands over a byte."""
        self._check_baud()
        if self.sending or not self._chip.transmits():
            self._chip.note("TX", "a byte is lost: the transmitter is busy, off, or not on its pin")
            return
        self.sending, self.sent_one = True, False
        self._chip.after(Fraction(FRAME_BITS) / self._chip.baud(), lambda: self._left(byte & 0xFF))
        self._chip.raise_line()

    def _left(self, byte: int) -> None:
        self.sending, self.sent_one = False, True
        self.wire.to_host.append(byte)
        self._chip.raise_line()

    def _check_baud(self) -> None:
        baud = self._chip.baud()
        if abs(baud / self.wire.baud - 1) > TOLERANCE:
            refuse(f"runs its UART at {float(baud):.0f} baud, and the host's end at {self.wire.baud}")


class StubChip(Chip):
    """A board's chip. A family overrides what raises.

    Attributes:
        clock_starts: whether what makes the board's clock becomes ready.
        pulses: of the marker so far.
    """

    IRQ: ClassVar[int]
    """Of the UART, by the SVD."""
    ALIASES: ClassVar[tuple[int, ...]] = ()
    """Where else the flash appears."""
    VECTORS: ClassVar[int] = 0
    """Offset of the vector table in the flash."""

    def __init__(self, board: Board, firmware: bytes) -> None:
        memory, uart = board.memory, board.links.uart
        assert uart is not None
        self.board = board
        self.tx, self.rx = uart.tx, uart.rx
        self.clock_starts = True
        self.pulses = 0
        self.flash = (ctypes.c_uint8 * memory.flash.bytes)(*firmware)
        self.ram = (ctypes.c_uint8 * (-(-memory.ram.bytes // PAGE) * PAGE))()
        memories = (
            CodeMemory(memory.flash.origin, self.flash, aliases=self.ALIASES, writable=False),
            CodeMemory(memory.ram.origin, self.ram),
        )
        timing = CoreTiming(TimingModel(board.core).core_index, 1, ENTER, LEAVE, 0)
        super().__init__(Core(memories, timing), board.clock_hz)
        self.attach(SystemControl(self, 0x410CC601, 8, self.request_reset), size=SYSTEM_PAGE_BYTES)
        self.uart = StubUart(self, uart.baud)
        self.build_stubs()
        self.core.shared.vector_table = memory.flash.origin + self.VECTORS
        self.reset()

    def stub(
        self, name: str, base: int, *, unit: int = 4, size: int = PAGE, on: Callable[[], bool] = lambda: True
    ) -> Stub:
        """Attach one: registers of so many bytes, that are there while its clock is on."""
        made = Stub(name, base, unit, on)
        self.attach(made, size=size)
        return made

    def latch(self, stub: Stub, output: int, *, ones_set: int, ones_clear: int) -> None:
        """A port's output register, and the two that change it."""

        def change(word: int) -> None:
            before = self.marker()
            stub[output] = word
            self.pulses += before < self.marker()

        stub.writers[ones_set] = lambda word: change(stub[output] | word)
        stub.writers[ones_clear] = lambda word: change(stub[output] & ~word)

    def raise_line(self) -> None:
        """The UART's interrupt line follows what it has to say."""
        self.set_line(self.IRQ, level=self.wants_interrupt())

    def go(self, cycles: int) -> Stop:
        """Run on."""
        stop = self.run(self.core.shared.clock + cycles)
        assert not self.trouble, self.trouble
        assert not self.notes, self.notes
        assert not self.fault_words(), self.fault_words()
        return stop

    # What a family says.

    def build_stubs(self) -> None:
        """Attach its registers."""
        raise NotImplementedError

    def core_hz(self) -> Fraction:
        """The core's clock, by the registers."""
        raise NotImplementedError

    def baud(self) -> Fraction:
        """The UART's baud rate, by the registers."""
        raise NotImplementedError

    def receives(self) -> bool:
        """Whether the UART's receiver is on, and on the board's pin."""
        raise NotImplementedError

    def transmits(self) -> bool:
        """The same of its transmitter."""
        raise NotImplementedError

    def wants_interrupt(self) -> bool:
        """Whether the UART's interrupt line is high."""
        raise NotImplementedError

    def marker(self) -> bool:
        """Level of the board's marker pin."""
        raise NotImplementedError
