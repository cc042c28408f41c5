"""The twin's core with next to nothing around it: what the test programs of tests/cycles need."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, ClassVar

from elftools.elf.elffile import ELFFile

from hil.cycles.timing import TimingModel
from hil.emulator.twin.chip import SYSTEM_PAGE_BYTES, Chip
from hil.emulator.twin.core import CodeMemory, Core, CoreTiming
from hil.emulator.twin.registers import Peripheral
from hil.emulator.twin.system import SystemControl
from tests.twin.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from hil.cycles.counter import CycleCounter
    from hil.emulator.twin.registers import Register

ENTER, LEAVE = 15, 11


class Sink(Peripheral):
    """A UART that is always ready, and keeps what is sent."""

    REGISTERS: ClassVar[Sequence[Register]] = ()
    TXD = 0x51C

    def __init__(self) -> None:
        super().__init__("UART", 0x40002000)
        self.sent = bytearray()

    def load(self, offset: int, size: int) -> int:
        del offset, size
        return 1

    def take(self, offset: int, size: int, value: int) -> None:
        del size
        if offset == self.TXD:
            self.sent.append(value & 0xFF)


class Bare(Chip):
    """256 KB of flash at 0, 16 KB of RAM, the system control space and a sink."""

    def __init__(self, core: str = "cortex-m0plus", *, chain: int = 0, port: tuple[int, int] = (0, 0)) -> None:
        self.flash = (ctypes.c_uint8 * 0x40000)()
        self.ram = (ctypes.c_uint8 * 0x4000)()
        memories = (CodeMemory(0, self.flash, writable=False), CodeMemory(0x20000000, self.ram))
        index = TimingModel(core).core_index
        super().__init__(Core(memories, CoreTiming(index, 1, ENTER, LEAVE, chain, *port)), 16_000_000)
        self.sink = Sink()
        self.attach(SystemControl(self, 0x410CC601, 8, self.request_reset), size=SYSTEM_PAGE_BYTES)
        self.attach(self.sink, size=0x1000)

    def load(self, elf: Path) -> None:
        with elf.open("rb") as stream:
            for segment in ELFFile(stream).iter_segments("PT_LOAD"):
                self.core.write(segment["p_paddr"], segment.data())

    def counted(self, counter: CycleCounter) -> AbstractContextManager[None]:
        """Count into a counter's file meanwhile; booked at the end, and the core is gone then."""
        return counted(self.core, counter)

    def close(self) -> None:
        self.core.close()
