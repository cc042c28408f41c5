"""FLASH: the interface to the non-volatile memories (RM0377, 3): locks, operations, and what refuses them.

What each rule was read from stands beside it: HAL is ST's stm32l0xx_hal_flash.c, _flash_ex.c and _flash_ramfunc.c; SVD
is stm32-rs' description of the STM32L0x1 with the manual's words; "recalled" is the manual from memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import BusError, NotModelledError, Peripheral, Register
from hil.emulator.twin.stm32l031.nvm import Area, Nvm

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip

BASE: Final = 0x40022000
FLASH_ORIGIN: Final = 0x08000000
EEPROM_ORIGIN: Final = 0x08080000
PAGE_BYTES: Final = 128
HALF_PAGE_BYTES: Final = 64

_PELOCK, _PRGLOCK, _OPTLOCK, _PROG, _DATA, _FIX, _ERASE, _FPRG = (1 << n for n in (0, 1, 2, 3, 4, 8, 9, 10))
_LOCKS: Final = _PELOCK | _PRGLOCK | _OPTLOCK
_LATENCY, _SLEEP_PD = 1, 1 << 3
_EOPIE, _ERRIE = 1 << 16, 1 << 17
# Parallel banks (of bigger parts), the option byte loader, HALF_ARRAY of stm32l031xx.h, and NZDISABLE (recalled)
_PECR_UNMODELLED: Final = 1 << 15 | 1 << 18 | 1 << 19 | 1 << 23
BSY, EOP, ENDHV, READY = 1, 2, 4, 8
WRPERR, PGAERR, SIZERR, OPTVERR, RDERR, NOTZEROERR, FWWERR = (1 << n for n in (8, 9, 10, 11, 13, 16, 17))
ERRORS: Final = WRPERR | PGAERR | SIZERR | OPTVERR | RDERR | NOTZEROERR | FWWERR
_INTERRUPT: Final = 3  # stm32l031xx.h
_WORD: Final = 4


class Lock:
    """A lock that two keys in order open (RM0377, 3.3.4; the keys: stm32l0xx_hal_flash.h).

    A wrong key closes it until the next reset, and is answered with a bus error (recalled).
    """

    def __init__(self, register: str, first: int, second: int) -> None:
        self._register = register
        self._keys = (first, second)
        self._next = 0
        self._shut = False

    def offer(self, key: int) -> bool:
        """Whether the lock opens with this key.

        Raises:
            BusError: the key is wrong, or one was before.
        """
        if self._shut or key != self._keys[self._next]:
            self._shut = True
            raise BusError(f"a wrong key to {self._register}, or any after one")
        self._next = (self._next + 1) % 2
        return self._next == 0


class Flash(Peripheral):
    """FLASH, and the stores into flash and data EEPROM.

    Args:
        chip: whose.
        flash: content of the program memory; ``eeprom`` of the data EEPROM.
        on_timing: called when the wait states have changed.

    Attributes:
        nvm: the memories.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("ACR", 0x00, writable=0x6B),  # RUN_PD stays locked: PDKEYR is not modelled
        Register("PECR", 0x04, reset=_LOCKS, writable=0x30718, acts=_LOCKS, unmodelled=_PECR_UNMODELLED),
        Register("PDKEYR", 0x08, unmodelled=0xFFFFFFFF),
        Register("PEKEYR", 0x0C, acts=0xFFFFFFFF),
        Register("PRGKEYR", 0x10, acts=0xFFFFFFFF),
        Register("OPTKEYR", 0x14, acts=0xFFFFFFFF),
        Register("SR", 0x18, reset=ENDHV | READY, acts=ERRORS | EOP),  # READY recalled; the SVD has ENDHV alone
        Register("OPTR", 0x1C, reset=0x807000AA),  # of a new chip: RDP level 0, no BOR, BOOT1 (recalled)
        Register("WRPROT1", 0x20),
    )

    def __init__(
        self,
        chip: Chip,
        flash: ctypes.Array[ctypes.c_uint8],
        eeprom: ctypes.Array[ctypes.c_uint8],
        on_timing: Callable[[], None],
    ) -> None:
        self._chip = chip
        self._on_timing = on_timing
        self._flash = Area(FLASH_ORIGIN, flash, alias=0)
        self._eeprom = Area(EEPROM_ORIGIN, eeprom)
        self.nvm = Nvm(chip, (self._flash, self._eeprom))
        super().__init__("FLASH", BASE)

    def reset(self) -> None:
        """See `Peripheral`; an operation that a reset ends is torn (recalled)."""
        super().reset()
        self.nvm.cut(seed=0)
        self._locks = {
            _PELOCK: Lock("FLASH_PEKEYR", 0x89ABCDEF, 0x02030405),
            _PRGLOCK: Lock("FLASH_PRGKEYR", 0x8C9DAEBF, 0x13141516),
            _OPTLOCK: Lock("FLASH_OPTKEYR", 0xFBEAD9C8, 0x24252627),
        }
        self._half_page: list[int] = []
        self._half_page_at = 0
        self._on_timing()

    def latency(self) -> int:
        """Wait states that ACR sets."""
        return self.value["ACR"] & _LATENCY

    # Registers

    def write_acr(self, word: int, mask: int) -> None:
        """Wait states. Prefetch, pre-read and buffers have no effect here: docs/adr/0005-twin.md."""
        self.store("ACR", word, mask)
        if self.value["ACR"] & _SLEEP_PD:
            self._chip.note(
                "FLASH SLEEP_PD", "FLASH_ACR sets SLEEP_PD, and the twin's flash wakes from Sleep without its delay"
            )
        self._on_timing()

    def write_pekeyr(self, word: int, _mask: int) -> None:
        """Keys of PECR and the data EEPROM."""
        self._unlock(_PELOCK, word)

    def write_prgkeyr(self, word: int, _mask: int) -> None:
        """Keys of the program memory."""
        self._unlock(_PRGLOCK, word)

    def write_optkeyr(self, word: int, _mask: int) -> None:
        """Keys of the option bytes."""
        self._unlock(_OPTLOCK, word)

    def _unlock(self, lock: int, key: int) -> None:
        """With PECR locked, the keys of the other locks are no error and open nothing (recalled)."""
        pecr = self.value["PECR"]
        if pecr & lock and (lock == _PELOCK or not pecr & _PELOCK) and self._locks[lock].offer(key):
            self.value["PECR"] &= ~lock

    def write_pecr(self, word: int, mask: int) -> None:
        """What a store into the memories means. Locks are closed by writing 1; PELOCK closes all (recalled)."""
        if self.value["PECR"] & _PELOCK:
            return
        self.store("PECR", word, mask)
        closed = word & mask & _LOCKS
        self.value["PECR"] |= _LOCKS if closed & _PELOCK else closed
        self._update()

    def write_sr(self, word: int, _mask: int) -> None:
        """Written ones clear EOP and errors (SVD; HAL: __HAL_FLASH_CLEAR_FLAG)."""
        self.value["SR"] &= ~(word & (ERRORS | EOP))
        self._update()

    # Stores into the memories

    def store_memory(self, address: int, size: int, value: int) -> bool:
        """Take a store into one of the memories; False where there is none.

        Raises:
            NotModelledError: it means nothing that the manual describes.
        """
        value &= (1 << 8 * size) - 1
        if self._eeprom.holds(address):
            self._store_eeprom(address - EEPROM_ORIGIN, size, value)
        elif self._flash.holds(address):
            self._store_flash(address % FLASH_ORIGIN, size, value)  # by its name at 0 as well: assumed
        else:
            return False
        return True

    def store_option_bytes(self) -> None:
        """A store into the option bytes.

        Raises:
            NotModelledError: they are unlocked.
        """
        if self.value["PECR"] & (_PELOCK | _OPTLOCK):
            self._refuse(WRPERR)
        else:
            raise NotModelledError("programs the option bytes")

    def _store_flash(self, at: int, size: int, value: int) -> None:
        mode = self._mode(_PROG)
        if self.value["PECR"] & (_PELOCK | _PRGLOCK):
            self._refuse(WRPERR)  # "write to the Flash program memory ... if they are not unlocked" (RM0367, quoted)
        elif size != _WORD:
            self._refuse(SIZERR)
        elif mode & _ERASE:
            # HAL writes 0 to the page's first word; which word and value are of no interest (recalled)
            self._operate(self._flash, at // PAGE_BYTES * PAGE_BYTES, bytes(PAGE_BYTES))
        elif mode & _FPRG:
            self._load(at, value)
        else:
            self._program(at, value.to_bytes(_WORD, "little"))  # HAL_FLASH_Program: no bit of PECR is set for a word

    def _mode(self, selects: int) -> int:
        """ERASE and FPRG as they are set, if they go with the memory that is written."""
        pecr = self.value["PECR"]
        mode = pecr & (_ERASE | _FPRG)
        if mode == _ERASE | _FPRG or (mode and pecr & (_PROG | _DATA) != selects):
            raise NotModelledError(f"writes to a memory with FLASH_PECR 0x{pecr:08x}, which no manual describes")
        return mode

    @property
    def loading(self) -> bool:
        """Whether some words of a half-page are loaded, and not all."""
        return bool(self._half_page)

    def _load(self, at: int, value: int) -> None:
        """A word of a half-page: the first at its start, the others anywhere in it, one after the other.

        HAL_FLASHEx_HalfPageProgram: "Address doesn't need to be increased"; PGAERR aborts the complete write.
        """
        half_page = at // HALF_PAGE_BYTES * HALF_PAGE_BYTES
        if half_page != self._half_page_at if self._half_page else half_page != at:
            self._half_page = []
            self._refuse(PGAERR)
            return
        self._half_page_at = half_page
        self._half_page.append(value)
        if len(self._half_page) == HALF_PAGE_BYTES // _WORD:
            words, self._half_page = self._half_page, []
            self._program(half_page, b"".join(word.to_bytes(_WORD, "little") for word in words))

    def _program(self, at: int, data: bytes) -> None:
        """Words that are not erased stay as they are (SVD: "cannot apply an erase before a write"; else recalled)."""
        if any(self._flash.content[at : at + len(data)]):
            self._refuse(NOTZEROERR)
        else:
            self._operate(self._flash, at, data)

    def _store_eeprom(self, at: int, size: int, value: int) -> None:
        """A byte, half-word or word; erased first where its word is not, or always with FIX (SVD; HAL: 2 Tprog).

        The memory's cells are words (RM0377, 3.2), so the erase concerns the whole word.
        """
        if self.value["PECR"] & (_ERASE | _PROG | _DATA) == _ERASE | _PROG:
            self._refuse(WRPERR)  # assumed: the flash is selected. pyOCD does it, for its chip erase
            return
        mode = self._mode(_DATA)
        first = at // _WORD * _WORD
        old = bytes(self._eeprom.content[first : first + _WORD])
        if mode & _FPRG:
            raise NotModelledError("writes a half-page of the data EEPROM, which no manual describes")
        if self.value["PECR"] & _PELOCK:
            self._refuse(WRPERR)
            return
        if mode & _ERASE:
            if size != _WORD:
                self._refuse(SIZERR)  # recalled
            else:
                self._operate(self._eeprom, first, bytes(_WORD))
            return
        new = old[: at - first] + value.to_bytes(size, "little") + old[at - first + size :]
        erase = (bytes(_WORD),) if any(old) or self.value["PECR"] & _FIX else ()
        self._operate(self._eeprom, first, *erase, new)

    def _operate(self, area: Area, at: int, *contents: bytes) -> None:
        self.value["SR"] = (self.value["SR"] & ~ENDHV) | BSY
        self.nvm.begin(area, at, contents, self._finish)

    def _finish(self) -> None:
        self.value["SR"] = (self.value["SR"] & ~BSY) | EOP | ENDHV
        self._update()

    def _refuse(self, error: int) -> None:
        self.value["SR"] |= error
        self._update()

    def _update(self) -> None:
        sr, pecr = self.value["SR"], self.value["PECR"]
        level = (sr & EOP and pecr & _EOPIE) or (sr & ERRORS and pecr & _ERRIE)
        self._chip.set_line(_INTERRUPT, level=bool(level))

    # Fetches and reads of the memories

    @property
    def active(self) -> bool:
        """Whether a fetch or read of the memories would be noticed."""
        return self.nvm.busy or self.loading

    def accessed(self) -> int:
        """Code or data of the memories is wanted: the cycle at which it can be had, 0 for at once.

        A half-page that is being loaded is given up for it (SVD: FWWERR; HAL: no fetch, no read meanwhile. That a read
        of data has the same effect as a fetch is assumed).
        """
        if self._half_page:
            self._half_page = []
            self._refuse(FWWERR)
        return self.nvm.busy_until()
