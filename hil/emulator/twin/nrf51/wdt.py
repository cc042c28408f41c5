"""WDT, as far as a watchdog that was never started can be read (nRF51 Series Reference Manual v3.0.1, chapter WDT)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Sequence

BASE: Final = 0x40010000


class Wdt(Peripheral):
    """WDT: pyOCD's flash algorithm looks whether it must reload it."""

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("TASKS_START", 0x000, refused=True),
        Register("EVENTS_TIMEOUT", 0x100, refused=True),
        Register("INTENSET", 0x304, unmodelled=1),
        Register("INTENCLR", 0x308, unmodelled=1),
        Register("RUNSTATUS", 0x400),
        Register("REQSTATUS", 0x404, reset=1),
        Register("CRV", 0x504, reset=0xFFFFFFFF, writable=0xFFFFFFFF),
        Register("RREN", 0x508, reset=1, writable=0xFF),
        Register("CONFIG", 0x50C, reset=1, writable=9),
        *(Register(f"RR{n}", 0x600 + 4 * n, acts=0xFFFFFFFF) for n in range(8)),
        Register("POWER", 0xFFC, refused=True),
    )

    def __init__(self) -> None:
        super().__init__("WDT", BASE)
