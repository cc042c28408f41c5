"""EXTI (RM0377, 12) and SYSCFG's choice of ports for it (RM0377, 9).

Bits and lines: ST's stm32l031xx.h and stm32l0xx_hal_exti.h (which lines are configurable, which direct). RM0377 12.1 to
12.3 was read; that a line needs its bit of IMR for PR to be set, and IMR's reset value, are (recalled).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip

EXTI_BASE: Final = 0x40010400
SYSCFG_BASE: Final = 0x40010000
RTC_WAKEUP, USART2_WAKEUP, LPUART1_WAKEUP, LPTIM1_WAKEUP = 20, 26, 28, 29
_LINES: Final = 0x36FFFFFF
_CONFIGURABLE: Final = 0x007BFFFF
_INTERRUPTS: Final = {1: 1 << 16, 2: 1 << 17 | 1 << 19 | 1 << 20, 5: 0x3, 6: 0xC, 7: 0xFFF0, 12: 3 << 21}
"""Lines by the interrupt that they raise (stm32l031xx.h)."""
_PORTS: Final = {0: "A", 1: "B", 2: "C", 5: "H"}


class Exti(Peripheral):
    """EXTI.

    Args:
        chip: whose.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("IMR", 0x00, reset=0x3F840000, writable=_LINES),
        Register("EMR", 0x04, writable=_LINES),
        Register("RTSR", 0x08, writable=_CONFIGURABLE),
        Register("FTSR", 0x0C, writable=_CONFIGURABLE),
        Register("SWIER", 0x10, writable=_CONFIGURABLE),
        Register("PR", 0x14, acts=_CONFIGURABLE),
    )

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        super().__init__("EXTI", EXTI_BASE)

    def edge(self, line: int, *, rising: bool) -> None:
        """The signal of a configurable line has changed."""
        if self.value["RTSR" if rising else "FTSR"] >> line & 1:
            self._request(1 << line)

    def direct(self, line: int) -> None:
        """A peripheral raises its interrupt in Stop mode, and has a direct line to wake the chip up."""
        if self.value["EMR"] >> line & 1:
            self._event()
        if self.value["IMR"] >> line & 1:
            self._chip.wake()

    def pending(self) -> bool:
        """Whether a configurable line is pending."""
        return bool(self.value["PR"])

    def _event(self) -> None:
        self._chip.core.shared.event = 1
        self._chip.wake()

    def _request(self, lines: int) -> None:
        if lines & self.value["EMR"]:
            self._event()
        self.value["PR"] |= lines & self.value["IMR"]
        self._update()

    def _update(self) -> None:
        requests = self.value["PR"] & self.value["IMR"]
        for number, lines in _INTERRUPTS.items():
            self._chip.set_line(number, level=bool(requests & lines))
        if requests:
            self._chip.wake()

    def write_imr(self, word: int, mask: int) -> None:
        """Which lines raise interrupts."""
        self.store("IMR", word, mask)
        self._update()

    def write_swier(self, word: int, mask: int) -> None:
        """Ask for lines by software."""
        new = word & mask & ~self.value["SWIER"]
        self.store("SWIER", self.value["SWIER"] | (word & mask))
        self._request(new & _CONFIGURABLE)

    def write_pr(self, word: int, mask: int) -> None:
        """Clear requests."""
        self.value["PR"] &= ~(word & mask)
        self.value["SWIER"] &= ~(word & mask)
        self._update()


class Syscfg(Peripheral):
    """SYSCFG; of it the choice of ports, and each access to the comparators refused.

    Args:
        clocked: whether its bus clock is on.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CFGR1", 0x00, unmodelled=0x3),
        Register("CFGR2", 0x04, unmodelled=0x1F01),
        *(Register(f"EXTICR{n + 1}", 0x08 + 4 * n, writable=0xFFFF) for n in range(4)),
        Register("COMP1_CSR", 0x18, refused=True),
        Register("COMP2_CSR", 0x1C, refused=True),
        Register("CFGR3", 0x20, unmodelled=0x80001331),
    )

    def __init__(self, clocked: Callable[[], bool]) -> None:
        self._clocked = clocked
        super().__init__("SYSCFG", SYSCFG_BASE)

    def clocked(self) -> bool:
        """See `Peripheral`."""
        return self._clocked()

    def port(self, line: int) -> str | None:
        """Letter of the port whose pin an EXTI line listens to; None for one that the part does not have."""
        return _PORTS.get(self.value[f"EXTICR{line // 4 + 1}"] >> 4 * (line % 4) & 0xF)
