"""TIM2, TIM21 and TIM22 (RM0377, 16 and 17): counting up, one-pulse mode, and the flags of compare.

Bits: ST's SVD file, and its stm32l031xx.h. RM0377 17.1 and 17.2 were read. What an update event loads, UDIS and URS,
when the flag of a compare value above ARR is set, that counting begins a cycle after CEN, and ARR's reset value, are
RM0377's (recalled). Outputs, captures, slave mode and DMA are not modelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.ticks import BusTicks, UpCounter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.events import Event

TIM2_BASE: Final = 0x40000000
TIM21_BASE: Final = 0x40010800
TIM22_BASE: Final = 0x40011400
_CEN, _UDIS, _URS, _OPM, _ARPE = 1, 2, 4, 8, 1 << 7
_CR1: Final = _CEN | _UDIS | _URS | _OPM | _ARPE
_UIF: Final = 1
_HALF: Final = 0xFFFF


def _registers(
    channels: int, *, cr2: int, dier: int, sr: int, egr: int, ccmr: tuple[int, ...], ccer: int
) -> list[Register]:
    flags = sum(1 << n for n in range(channels + 1))
    return [
        Register("CR1", 0x00, writable=_CR1, unmodelled=0x3FF & ~_CR1),
        Register("CR2", 0x04, unmodelled=cr2),
        Register("SMCR", 0x08, unmodelled=0xFFF7),
        Register("DIER", 0x0C, writable=flags, unmodelled=dier & ~flags),
        Register("SR", 0x10, acts=sr),
        Register("EGR", 0x14, acts=flags, unmodelled=egr & ~flags),
        *(Register(f"CCMR{n + 1}", 0x18 + 4 * n, unmodelled=mask) for n, mask in enumerate(ccmr)),
        Register("CCER", 0x20, unmodelled=ccer),
        Register("CNT", 0x24, writable=_HALF),
        Register("PSC", 0x28, writable=_HALF),
        Register("ARR", 0x2C, reset=_HALF, writable=_HALF),
        *(Register(f"CCR{n + 1}", 0x34 + 4 * n, writable=_HALF) for n in range(channels)),
    ]


class Tim(Peripheral):
    """A general-purpose timer.

    Args:
        chip: whose.
        name: as in the manual.
        base: first address.
        interrupt: its number.
        clocked: whether its bus clock is on.
        divider: core cycles in one of its clock, now; while its bus clock is off, it stands still.
    """

    CHANNELS: ClassVar[int] = 0

    def __init__(
        self,
        chip: Chip,
        name: str,
        base: int,
        *,
        interrupt: int,
        clocked: Callable[[], bool],
        divider: Callable[[], int],
    ) -> None:
        self._chip = chip
        self._interrupt = interrupt
        self._clocked = clocked
        self._ticks = BusTicks(chip, lambda: divider() if clocked() else 0)
        self._counter = UpCounter(self._ticks, self._passed, self._wrapped)
        self._due: Event | None = None
        super().__init__(name, base)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def clock_changed(self) -> None:
        """The prescaler of its bus may have changed."""
        self._counter.settle()
        self._ticks.changed()
        self._arm()

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._ticks.cancel(self._due)
        self._due = None
        self._counter.stop()
        self._counter.clear()
        self._counter.step, self._counter.top = 1, _HALF
        self._update()

    # Counting

    def _passed(self, above: int, value: int) -> None:
        for n in range(self.CHANNELS):
            if above < self.value[f"CCR{n + 1}"] <= value:
                self.value["SR"] |= 2 << n

    def _wrapped(self) -> None:
        for n in range(self.CHANNELS):
            if self.value[f"CCR{n + 1}"] > self._counter.top:
                self.value["SR"] |= 2 << n
        if self.value["CR1"] & _OPM:
            self.value["CR1"] &= ~_CEN
            self._counter.stop()
        if not self.value["CR1"] & _UDIS:
            self._load()
            self.value["SR"] |= _UIF

    def _load(self) -> None:
        """An update event takes over what was preloaded."""
        self._counter.step = self.value["PSC"] + 1
        self._counter.top = self.value["ARR"]

    def _settle(self) -> None:
        self._counter.settle()
        self._update()

    def _arm(self) -> None:
        """Have the next flag whose interrupt is enabled raise it."""
        self._ticks.cancel(self._due)
        self._due = None
        if self.value["DIER"]:
            due = self._counter.due(*(self.value[f"CCR{n + 1}"] for n in range(self.CHANNELS)))
            if due is not None:
                self._due = self._ticks.at(due, self._reached)

    def _reached(self) -> None:
        self._settle()
        self._arm()

    def _update(self) -> None:
        self._chip.set_line(self._interrupt, level=bool(self.value["SR"] & self.value["DIER"]))

    # Registers

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        if self.clocked():
            self._settle()
        return super().load(offset, size)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        if self.clocked():
            self._counter.settle()
        super().take(offset, size, value)
        self._update()
        self._arm()

    def write_cr1(self, word: int, mask: int) -> None:
        """Start, stop, and how updates work."""
        old = self.value["CR1"]
        self.store("CR1", word, mask)
        new = self.value["CR1"]
        if new & _CEN and not old & _CEN:
            self._counter.start(delay=1)
        elif old & _CEN and not new & _CEN:
            self._counter.stop()

    def read_cnt(self) -> int:
        """The counter."""
        return self._counter.value

    def write_cnt(self, word: int, mask: int) -> None:
        """Set the counter."""
        value = (self._counter.value & ~mask) | (word & mask & _HALF)
        self._check(value, self._counter.top)
        self._counter.value = value

    def write_arr(self, word: int, mask: int) -> None:
        """The highest value: at once, or with ARPE from the next update event on."""
        self.store("ARR", word, mask)
        if not self.value["CR1"] & _ARPE:
            self._check(self._counter.value, self.value["ARR"])
            self._counter.top = self.value["ARR"]

    def _check(self, value: int, top: int) -> None:
        if value > top > 0:
            raise NotModelledError(f"has {self.name} count beyond its ARR: it is at {value}, ARR is {top}")

    def write_sr(self, word: int, mask: int) -> None:
        """Written zeros clear flags."""
        self.value["SR"] &= word | ~mask

    def write_egr(self, word: int, mask: int) -> None:
        """Generate an update or compare event."""
        events = word & mask
        self.value["SR"] |= events & self._by_name["EGR"].acts & ~_UIF
        if events & _UIF:
            if not self.value["CR1"] & _UDIS:
                self._load()
                if not self.value["CR1"] & _URS:
                    self.value["SR"] |= _UIF
            self._counter.clear()


class Tim2(Tim):
    """TIM2: four channels."""

    CHANNELS = 4
    REGISTERS: ClassVar[Sequence[Register]] = (
        *_registers(4, cr2=0xF8, dier=0x5F5F, sr=0x1E5F, egr=0x5F, ccmr=(_HALF, _HALF), ccer=0xBBBB),
        Register("DCR", 0x48, refused=True),
        Register("DMAR", 0x4C, refused=True),
        Register("OR", 0x50, unmodelled=0x1F),
    )


class Tim21(Tim):
    """TIM21: two channels."""

    CHANNELS = 2
    REGISTERS: ClassVar[Sequence[Register]] = (
        *_registers(2, cr2=0x70, dier=0x47, sr=0x647, egr=0x47, ccmr=(_HALF,), ccer=0xBB),
        Register("OR", 0x50, unmodelled=0x3F),
    )


class Tim22(Tim):
    """TIM22: two channels."""

    CHANNELS = 2
    REGISTERS: ClassVar[Sequence[Register]] = (
        *_registers(2, cr2=0x70, dier=0x47, sr=0x647, egr=0x47, ccmr=(_HALF,), ccer=0xBB),
        Register("OR", 0x50, unmodelled=0x0F),
    )
