"""How the nRF51's peripherals are built: tasks that a write triggers, events that an interrupt can follow.

nRF51 Series Reference Manual v3.0.1, chapter "Peripheral interface" (recalled): tasks from offset 0x000 on, events
from 0x100 on, and bit n of INTENSET and INTENCLR is the event at 0x100 + 4 n, as in all of Nordic's nrf51.svd.
Addresses, bits and reset values are those of that file, as pyOCD ships it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import WORD, NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.emulator.twin.chip import Chip

BLOCK_BYTES: Final = 0x1000
"""What each peripheral has of the address space; its number is in these bits, and is that of its interrupt."""

EVENTS_AT: Final = 0x100
INTENSET, INTENCLR = 0x304, 0x308
_POWER: Final = 0xFFC  # switches the peripheral off and on, against errata (product anomaly notices)
_ALL: Final = 0xFFFFFFFF


def task(name: str, offset: int) -> Register:
    """A task: a 1 triggers it; it cannot be read."""
    return Register(f"TASKS_{name}", offset, acts=1)


def event(name: str, offset: int) -> Register:
    """An event: happened or not; a 0 forgets it."""
    return Register(f"EVENTS_{name}", offset, acts=1)


def interrupts(events: Mapping[str, int], others: int = 0) -> list[Register]:
    """INTENSET and INTENCLR, for events by their offsets, and with bits that are not modelled."""
    bits = sum(1 << (offset - EVENTS_AT) // WORD for offset in events.values())
    return [
        Register("INTENSET", INTENSET, acts=bits, unmodelled=others),
        Register("INTENCLR", INTENCLR, acts=bits, unmodelled=others),
    ]


POWER: Final = Register("POWER", _POWER, refused=True)


class Block(Peripheral):
    """A peripheral of the nRF51.

    Args:
        chip: whose.
        name: as in the manual.
        base: its first address, which has the number of its interrupt.

    Attributes:
        EVENTS: those that are modelled, by name: their offsets.
        inten: which of them raise the interrupt, as bits of INTENSET.
    """

    EVENTS: ClassVar[Mapping[str, int]] = {}
    REGISTERS: ClassVar[Sequence[Register]] = ()

    def __init__(self, chip: Chip, name: str, base: int) -> None:
        self._chip = chip
        self._interrupt = base // BLOCK_BYTES & 0x1F
        self.inten = 0
        super().__init__(name, base)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self.inten = 0
        self._update()

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`; registers are words."""
        if size != WORD:
            raise NotModelledError(
                f"writes {size} bytes to 0x{self.base + offset:08x}, where {self.name} has a register of a word"
            )
        if offset in self.EVENTS.values():
            self._write_event(offset, value)
        else:
            super().take(offset, size, value)
        self._update()
        self._chip.set_up_anew()

    def _write_event(self, offset: int, value: int) -> None:
        register = self._register(offset, "writes")
        if value:
            raise NotModelledError(f"writes {value} to {self.name}_{register.name}, which only a 0 means something to")
        self.value[register.name] = 0

    def happen(self, name: str) -> None:
        """An event happens."""
        self.value[f"EVENTS_{name}"] = 1
        self._update()

    def happened(self, name: str) -> bool:
        """Whether an event has happened that was not forgotten yet."""
        return bool(self.value[f"EVENTS_{name}"])

    def _update(self) -> None:
        """Drive the interrupt."""
        on = any(
            self.inten >> (offset - EVENTS_AT) // WORD & 1 and self.value[f"EVENTS_{name}"]
            for name, offset in self.EVENTS.items()
        )
        self._chip.set_line(self._interrupt, level=on)

    def read_intenset(self) -> int:
        """Which events raise the interrupt."""
        return self.inten

    read_intenclr = read_intenset

    def write_intenset(self, word: int, _mask: int) -> None:
        """Have some events raise it."""
        self.inten |= word & self._by_name["INTENSET"].acts

    def write_intenclr(self, word: int, _mask: int) -> None:
        """Have them no longer raise it."""
        self.inten &= ~word & _ALL
