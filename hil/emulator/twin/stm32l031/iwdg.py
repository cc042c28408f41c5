"""Independent watchdog (RM0377, 22): a counter on LSI that resets the chip unless it is reloaded in time."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip, Timer

BASE: Final = 0x40003000
_LSI_HZ: Final = 37_000  # RM0377 7.2.5
_UNLOCK, _RELOAD, _START = 0x5555, 0xAAAA, 0xCCCC
_WINDOW_OFF: Final = 0xFFF
_LONGEST_PRESCALER: Final = 6  # 256, RM0377 22.4.2


class Iwdg(Peripheral):
    """IWDG. Its registers take effect at once: PVU, RVU and WVU are never seen set.

    Args:
        chip: whose.
        on_timeout: resets it.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("KR", 0x00),
        Register("PR", 0x04, writable=7),
        Register("RLR", 0x08, reset=0xFFF, writable=0xFFF),
        Register("SR", 0x0C),
        Register("WINR", 0x10, reset=_WINDOW_OFF, writable=0xFFF),
    )

    def __init__(self, chip: Chip, on_timeout: Callable[[], None]) -> None:
        self._chip = chip
        self._on_timeout = on_timeout
        self._timer: Timer | None = None
        super().__init__("IWDG", BASE)

    def reset(self) -> None:
        """See `Peripheral`: only a reset stops the watchdog."""
        super().reset()
        self._chip.cancel(self._timer)
        self._timer = None
        self._running = False
        self._open = False

    def _tick(self) -> Fraction:
        return Fraction(4 << min(self.value["PR"], _LONGEST_PRESCALER), _LSI_HZ)

    def _load(self) -> None:
        self._chip.cancel(self._timer)
        self._timer = self._chip.after(self._tick() * (self.value["RLR"] + 1), self._on_timeout)

    def write_kr(self, word: int, _mask: int) -> None:
        """Start, reload, or unlock the other registers; each other value locks them."""
        key = word & 0xFFFF
        self._open = key == _UNLOCK
        if key == _START:
            self._running = True
        if key == _START or (key == _RELOAD and self._running):
            if key == _RELOAD and self._too_early():
                self._on_timeout()
                return
            self._load()

    def _too_early(self) -> bool:
        """Whether a window is set and has not opened yet (RM0377, 22.3.2)."""
        if self.value["WINR"] >= _WINDOW_OFF or self._timer is None:
            return False
        return (self._timer.due - self._chip.seconds()) / self._tick() - 1 > self.value["WINR"]

    def write_pr(self, word: int, mask: int) -> None:
        """The prescaler, if unlocked."""
        if self._open:
            self.store("PR", word, mask)

    def write_rlr(self, word: int, mask: int) -> None:
        """The reload value, if unlocked."""
        if self._open:
            self.store("RLR", word, mask)

    def write_winr(self, word: int, mask: int) -> None:
        """The window, if unlocked; writing it reloads the counter."""
        if self._open:
            self.store("WINR", word, mask)
            if self._running:
                self._load()
