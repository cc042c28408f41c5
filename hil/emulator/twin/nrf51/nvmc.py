"""NVMC, UICR and FICR (nRF51 Series Reference Manual v3.0.1, 6 to 8): flash of 1 KB pages that erase to ones.

The core stands still while the NVMC works, wherever its code is, so READY always reads as ready (recalled). A write
makes ones zeros, in whole words alone: others are bus errors (recalled). One that is not enabled is lost, and noted:
what the part does then is not known. Durations: nRF51822 PS v3.1, the greatest (recalled). What a power cut leaves of
an operation is not modelled.

UICR is kept over resets, and erased at power-up: an emulated board keeps its flash alone without power, so that QEMU
and the twin can take turns with it. Of FICR there is what tells the sizes of the memories.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import WORD, BusError, NotModelledError, Peripheral, Register

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Sequence

    from hil.emulator.twin.chip import Chip

NVMC_BASE: Final = 0x4001E000
FICR_BASE: Final = 0x10000000
UICR_BASE: Final = 0x10001000
FLASH_BYTES: Final = 0x40000
PAGE_BYTES: Final = 0x400
UICR_BYTES: Final = 0x100
RAM_BLOCKS, RAM_BLOCK_BYTES = 2, 0x2000

WRITE: Final = Fraction(463, 10_000_000)
ERASE_PAGE: Final = Fraction(223, 10_000)
ERASE_ALL: Final = Fraction(223, 10_000)
"""How long they take, in s."""

_ALL: Final = 0xFFFFFFFF
_WEN, _EEN = 1, 2


class Nvmc(Peripheral):
    """NVMC and what it programs.

    Args:
        chip: whose.
        flash: content of the flash, at address 0.

    Attributes:
        uicr: content of UICR.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("READY", 0x400, reset=1),
        Register("CONFIG", 0x504, writable=3),
        Register("ERASEPAGE", 0x508, acts=_ALL),
        Register("ERASEALL", 0x50C, acts=1),
        Register("ERASEPCR0", 0x510, refused=True),
        Register("ERASEUICR", 0x514, acts=1),
    )

    def __init__(self, chip: Chip, flash: ctypes.Array[ctypes.c_uint8]) -> None:
        self._chip = chip
        self._flash = flash
        self.uicr = bytearray(b"\xff" * UICR_BYTES)
        super().__init__("NVMC", NVMC_BASE)

    def _work(self, seconds: Fraction) -> None:
        self._chip.wait_until(self._chip.now() + self._chip.cycles(seconds))

    # Writing

    def programmed(self, old: int, address: int, size: int, value: int) -> int:
        """What a word holds after a store to it, for which the core has waited.

        Raises:
            BusError: it is not taken.
        """
        if self.value["CONFIG"] != _WEN:
            self._chip.note("NVMC CONFIG", f"a store to 0x{address:08x} is lost: NVMC_CONFIG does not enable writing")
            return old
        if size != WORD:
            raise BusError(f"a store of {size} bytes to 0x{address:08x}, which takes words alone")
        if value & ~old:
            self._chip.note("NVMC", f"a word is written to 0x{address:08x} that is not erased there")
        self._work(WRITE)
        return old & value

    def store_flash(self, address: int, size: int, value: int) -> None:
        """A store to flash.

        Raises:
            BusError: it is not taken.
        """
        at = address // WORD * WORD
        old = int.from_bytes(bytes(self._flash[at : at + WORD]), "little")
        self._put(at, self.programmed(old, address, size, value).to_bytes(WORD, "little"))

    def _put(self, at: int, data: bytes) -> None:
        self._flash[at : at + len(data)] = list(data)
        self._chip.core.forget_code(at, len(data))

    # Erasing

    def _erases(self) -> bool:
        if self.value["CONFIG"] != _EEN:
            self._chip.note("NVMC erase", "NVMC is told to erase while NVMC_CONFIG does not enable that")
            return False
        return True

    def write_config(self, word: int, mask: int) -> None:
        """Enable writing, or erasing, or neither."""
        if word & mask & (_WEN | _EEN) == _WEN | _EEN:
            raise NotModelledError("enables writing and erasing at once in NVMC_CONFIG")
        self.store("CONFIG", word, mask)

    def write_erasepage(self, word: int, _mask: int) -> None:
        """Erase the page at an address."""
        if not self._erases():
            return
        if word >= FLASH_BYTES:
            raise NotModelledError(f"tells NVMC to erase a page at 0x{word:08x}, where there is no flash")
        self._put(word // PAGE_BYTES * PAGE_BYTES, b"\xff" * PAGE_BYTES)
        self._work(ERASE_PAGE)

    def write_eraseall(self, word: int, _mask: int) -> None:
        """Erase flash and UICR."""
        if word and self._erases():
            self._put(0, b"\xff" * FLASH_BYTES)
            self.uicr[:] = b"\xff" * UICR_BYTES
            self._work(ERASE_ALL)

    def write_eraseuicr(self, word: int, _mask: int) -> None:
        """Erase UICR."""
        if word and self._erases():
            self.uicr[:] = b"\xff" * UICR_BYTES
            self._work(ERASE_PAGE)

    def write_ready(self, _word: int, _mask: int) -> None:
        """Read-only."""


class Uicr(Peripheral):
    """UICR: words that are read, and written through the NVMC."""

    def __init__(self, nvmc: Nvmc) -> None:
        self._nvmc = nvmc
        super().__init__("UICR", UICR_BASE)

    def load(self, offset: int, size: int) -> int:
        """See `Peripheral`."""
        if offset + size > UICR_BYTES:
            raise NotModelledError(f"reads 0x{UICR_BASE + offset:08x}, which lies behind UICR")
        return int.from_bytes(self._nvmc.uicr[offset : offset + size], "little")

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        if offset + size > UICR_BYTES:
            raise NotModelledError(f"writes 0x{UICR_BASE + offset:08x}, which lies behind UICR")
        word = self._nvmc.programmed(self.load(offset // WORD * WORD, WORD), UICR_BASE + offset, size, value)
        self._nvmc.uicr[offset : offset + WORD] = word.to_bytes(WORD, "little")


class Ficr(Peripheral):
    """FICR: what the factory has written, of an nRF51822-QFAA. It takes no stores."""

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("CODEPAGESIZE", 0x010, reset=PAGE_BYTES),
        Register("CODESIZE", 0x014, reset=FLASH_BYTES // PAGE_BYTES),
        Register("CLENR0", 0x028, reset=_ALL),
        Register("PPFC", 0x02C, reset=_ALL),
        Register("NUMRAMBLOCK", 0x034, reset=RAM_BLOCKS),
        Register("SIZERAMBLOCKS", 0x038, reset=RAM_BLOCK_BYTES),
        Register("CONFIGID", 0x05C, refused=True),
        *(Register(f"DEVICEID{n}", 0x060 + WORD * n, refused=True) for n in range(2)),
        *(Register(f"ER{n}", 0x080 + WORD * n, refused=True) for n in range(4)),
        *(Register(f"IR{n}", 0x090 + WORD * n, refused=True) for n in range(4)),
        Register("DEVICEADDRTYPE", 0x0A0, refused=True),
        *(Register(f"DEVICEADDR{n}", 0x0A4 + WORD * n, refused=True) for n in range(2)),
    )

    def __init__(self) -> None:
        super().__init__("FICR", FICR_BASE)

    def take(self, offset: int, size: int, value: int) -> None:
        """See `Peripheral`."""
        del size, value
        raise BusError(f"a store to 0x{FICR_BASE + offset:08x}, which the factory alone has written")
