"""Option bytes and the factory's facts (RM0377, 3.3.1 and 3.4): read only, as on a new chip."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BASE: Final = 0x1FF80000
_FLASH_KB: Final = 32


def _with_complement(half: int) -> int:
    """An option word: its upper half is the complement of the lower (HAL: FLASH_OB_RDPConfig)."""
    return (half ^ 0xFFFF) << 16 | half


class OptionBytes(Peripheral):
    """OB: what FLASH_OPTR and FLASH_WRPROT1 were loaded from.

    Args:
        on_write: called for a store, with what it is to: FLASH refuses it, or it ends the run.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("RDP", 0x00, reset=_with_complement(0x00AA)),
        Register("USER", 0x04, reset=_with_complement(0x8070)),
        Register("WRP01", 0x08, reset=_with_complement(0)),
        Register("FLASH_SIZE", 0x7C, reset=_FLASH_KB),  # stm32l0xx_hal_flash.h: FLASHSIZE_BASE
    )

    def __init__(self, on_write: Callable[[], None]) -> None:
        self._on_write = on_write
        super().__init__("the option bytes", BASE)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        del offset, size, value
        self._on_write()
