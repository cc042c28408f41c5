"""Independent watchdog (RM0377, 20): a counter on LSI that resets the chip unless it is reloaded in time.

Registers: ST's stm32l031xx.h. Keys, window, and that updates take up to five cycles of LSI: RM0377 20.3 and 20.4
(recalled). It counts in Stop mode; while a debugger has halted the core no time passes at all.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031.clock_tree import LSI_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip
    from hil.emulator.twin.timebase import Timer

BASE: Final = 0x40003000
_UNLOCK, _RELOAD, _START = 0x5555, 0xAAAA, 0xCCCC
_WINDOW_OFF: Final = 0xFFF
_LONGEST_PRESCALER: Final = 6  # 256, RM0377 20.4.2
_PVU, _RVU, _WVU = 1, 2, 4
_UPDATE: Final = Fraction(5, LSI_HZ)


class Iwdg(Peripheral):
    """IWDG. What is written takes effect at once; PVU, RVU and WVU stay set for as long as an update may take.

    Args:
        chip: whose.
        on_start: starts LSI.
        on_timeout: resets the chip.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("KR", 0x00, acts=0xFFFF),
        Register("PR", 0x04, writable=7),
        Register("RLR", 0x08, reset=0xFFF, writable=0xFFF),
        Register("SR", 0x0C),
        Register("WINR", 0x10, reset=_WINDOW_OFF, writable=0xFFF),
    )

    def __init__(self, chip: Chip, on_start: Callable[[], None], on_timeout: Callable[[], None]) -> None:
        self._chip = chip
        self._on_start = on_start
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

    @property
    def running(self) -> bool:
        """Whether it was started since the last reset."""
        return self._running

    def _tick(self) -> Fraction:
        return Fraction(4 << min(self.value["PR"], _LONGEST_PRESCALER), LSI_HZ)

    def _load(self) -> None:
        self._chip.cancel(self._timer)
        self._timer = self._chip.after(self._tick() * (self.value["RLR"] + 1), self._on_timeout)

    def write_kr(self, word: int, _mask: int) -> None:
        """Start, reload, or unlock the other registers; each other value locks them."""
        key = word & 0xFFFF
        self._open = key == _UNLOCK
        if key == _START:
            self._running = True
            self._on_start()
            self._load()
        elif key == _RELOAD and self._running:
            if self._too_early():
                self._on_timeout()
            else:
                self._load()

    def _too_early(self) -> bool:
        """Whether a window is set and has not opened yet (RM0377, 20.3.2)."""
        if self.value["WINR"] >= _WINDOW_OFF or self._timer is None:
            return False
        return (self._timer.due - self._chip.seconds()) / self._tick() - 1 > self.value["WINR"]

    def _update(self, register: str, flag: int, word: int, mask: int) -> bool:
        """Change a register, if unlocked; whether it was."""
        if not self._open:
            self._chip.note(f"IWDG_{register}", f"IWDG_{register} is written while it is locked")
            return False
        if self.value["SR"] & flag:
            raise NotModelledError(f"changes IWDG_{register} while IWDG_SR says that the last change is not over")

        def done() -> None:
            self.value["SR"] &= ~flag

        self.store(register, word, mask)
        self.value["SR"] |= flag
        self._chip.after(_UPDATE, done)
        return True

    def write_pr(self, word: int, mask: int) -> None:
        """The prescaler."""
        self._update("PR", _PVU, word, mask)

    def write_rlr(self, word: int, mask: int) -> None:
        """The reload value."""
        self._update("RLR", _RVU, word, mask)

    def write_winr(self, word: int, mask: int) -> None:
        """The window; writing it reloads the counter."""
        if self._update("WINR", _WVU, word, mask) and self._running:
            self._load()

    def write_sr(self, _word: int, _mask: int) -> None:
        """Read-only."""
