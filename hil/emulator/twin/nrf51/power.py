"""POWER and CLOCK (nRF51 Series Reference Manual v3.0.1, 11 and 12), which share an address and an interrupt.

The core and TIMER0 run from HFCLK, 16 MHz, always: from the RC oscillator until the crystal has started, from the
crystal then. The twin's RC oscillator is as exact as its crystal. How long the crystal takes: nRF51822 PS v3.1, 16 MHz
crystal start-up (recalled). LFCLK, brown-out warnings and System OFF are not modelled.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.nrf51.block import Block, event, interrupts, task
from hil.emulator.twin.registers import Register

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hil.emulator.twin.chip import Chip, Timer

BASE: Final = 0x40000000
HFCLK_HZ: Final = 16_000_000
CRYSTAL: Final = Fraction(8, 10_000)
"""Its start-up, in s (recalled)."""

RESET_BY_PIN, RESET_BY_SOFTWARE = 1, 4
_REASONS: Final = 0x7000F  # of RESETREAS
_RUNNING: Final = 1 << 16
_REFUSED: Final = (
    *(("TASKS_LFCLKSTART", 0x008), ("TASKS_LFCLKSTOP", 0x00C), ("TASKS_CAL", 0x010), ("TASKS_CTSTART", 0x014)),
    *(("TASKS_CTSTOP", 0x018), ("EVENTS_LFCLKSTARTED", 0x104), ("EVENTS_DONE", 0x10C), ("EVENTS_CTTO", 0x110)),
    *(("EVENTS_POFWARN", 0x108), ("LFCLKRUN", 0x414), ("LFCLKSTAT", 0x418), ("LFCLKSRCCOPY", 0x41C)),
    *(("SYSTEMOFF", 0x500), ("LFCLKSRC", 0x518), ("CTIV", 0x538), ("DCDCFORCE", 0xA08)),
    *(("PERR0", 0x528), ("RLENR0", 0x52C), ("PROTENSET0", 0x600), ("PROTENSET1", 0x604)),  # MPU
    *(("DISABLEINDEBUG", 0x608), ("PROTBLOCKSIZE", 0x60C)),
)


class PowerClock(Block):
    """POWER and CLOCK.

    Attributes:
        low_power: variable latency, as after reset; not constant latency (TASKS_CONSTLAT).
    """

    EVENTS: ClassVar[Mapping[str, int]] = {"HFCLKSTARTED": 0x100}
    REGISTERS: ClassVar[Sequence[Register]] = (
        task("HFCLKSTART", 0x000),
        task("HFCLKSTOP", 0x004),
        task("CONSTLAT", 0x078),
        task("LOWPWR", 0x07C),
        event("HFCLKSTARTED", 0x100),
        *interrupts(EVENTS, 0x1E),
        Register("RESETREAS", 0x400, acts=_REASONS),
        Register("HFCLKRUN", 0x408),
        Register("HFCLKSTAT", 0x40C, reset=_RUNNING),
        Register("RAMSTATUS", 0x428, reset=3),
        Register("POFCON", 0x510, unmodelled=7),
        Register("GPREGRET", 0x51C, writable=0xFF),
        Register("RAMON", 0x524, reset=3, writable=0x30000, unmodelled=3),
        Register("RESET", 0x544, writable=1),
        Register("XTALFREQ", 0x550, reset=0xFFFFFFFF, unmodelled=0xFF),
        Register("RAMONB", 0x554, reset=3, writable=0x30000, unmodelled=3),
        Register("DCDCEN", 0x578, writable=1),
        *(Register(name, offset, refused=True) for name, offset in _REFUSED),
    )
    _RETAINED: ClassVar[Sequence[str]] = ("RESETREAS", "GPREGRET", "RESET")

    def __init__(self, chip: Chip) -> None:
        self.low_power = True
        self._starting: Timer | None = None
        self._reasons = [0, 0]  # of the resets that come next: that of a new object, and power-up
        super().__init__(chip, "POWER_CLOCK", BASE)

    def reset(self) -> None:
        """See `Peripheral`; retained registers stay, and say why it was."""
        retained = {name: self.value.get(name, 0) for name in self._RETAINED}
        self._chip.cancel(self._starting)
        self._starting = None
        self.low_power = True
        super().reset()
        self.value.update(retained)
        self.value["RESETREAS"] |= self._reasons.pop(0) if self._reasons else RESET_BY_PIN

    def next_reset(self, reason: int) -> None:
        """Why the reset that comes next is, where it is not by the pin."""
        self._reasons = [reason]

    # Clock

    @property
    def crystal(self) -> bool:
        """Whether HFCLK comes from the crystal."""
        return bool(self.value["HFCLKSTAT"] & 1)

    def write_tasks_hfclkstart(self, word: int, _mask: int) -> None:
        """Start the crystal."""
        if word and self._starting is None and not self.crystal:
            self.value["HFCLKRUN"] = 1
            self._starting = self._chip.after(CRYSTAL, self._started)
        elif word and self.crystal:
            self.happen("HFCLKSTARTED")

    def _started(self) -> None:
        self._starting = None
        self.value["HFCLKSTAT"] |= 1
        self._chip.set_up_anew()
        self.happen("HFCLKSTARTED")

    def write_tasks_hfclkstop(self, word: int, _mask: int) -> None:
        """Back to the RC oscillator."""
        if word:
            self._chip.cancel(self._starting)
            self._starting = None
            self.value["HFCLKRUN"] = 0
            self.value["HFCLKSTAT"] &= ~1

    # Power

    def write_tasks_constlat(self, word: int, _mask: int) -> None:
        """Constant latency."""
        self.low_power = self.low_power and not word

    def write_tasks_lowpwr(self, word: int, _mask: int) -> None:
        """Variable latency."""
        self.low_power = self.low_power or bool(word)

    def write_resetreas(self, word: int, _mask: int) -> None:
        """A 1 forgets a reason."""
        self.value["RESETREAS"] &= ~word

    def write_hfclkrun(self, _word: int, _mask: int) -> None:
        """Read-only."""

    write_hfclkstat = write_ramstatus = write_hfclkrun
