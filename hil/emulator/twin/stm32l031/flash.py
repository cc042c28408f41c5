"""Flash program memory and data EEPROM (RM0377, 3): locks, erase, programming, and what refuses them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Final

from hil.emulator.twin.registers import Peripheral, Register

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.chip import Chip, Timer

BASE: Final = 0x40022000
FLASH_ORIGIN: Final = 0x08000000
FLASH_BYTES: Final = 0x8000
EEPROM_ORIGIN: Final = 0x08080000
EEPROM_BYTES: Final = 0x400
PAGE_BYTES: Final = 128
HALF_PAGE_BYTES: Final = 64

_PELOCK, _PRGLOCK, _OPTLOCK, _PROG, _DATA, _FIX, _ERASE, _FPRG = (1 << n for n in (0, 1, 2, 3, 4, 8, 9, 10))
_EOPIE, _ERRIE = 1 << 16, 1 << 17
BSY, EOP, ENDHV, READY = 1, 2, 4, 8
WRPERR, PGAERR, SIZERR, NOTZEROERR, FWWERR = 1 << 8, 1 << 9, 1 << 10, 1 << 16, 1 << 17
_ERRORS: Final = WRPERR | PGAERR | SIZERR | 1 << 11 | 1 << 13 | NOTZEROERR | FWWERR
_PEKEYS: Final = (0x89ABCDEF, 0x02030405)
_PRGKEYS: Final = (0x8C9DAEBF, 0x13141516)
_OPTKEYS: Final = (0xFBEAD9C8, 0x24252627)
_INTERRUPT: Final = 3
_WORD: Final = 4
OPERATION: Final = Fraction(32, 10_000)
"""How long each erase and each programming takes, in s (DS10668, NVM characteristics: 3.28 ms at most, 3.2 ms typical)."""


class Lock:
    """A lock that two keys in order open; a wrong one closes it until the next reset (RM0377, 3.3.4)."""

    def __init__(self, keys: tuple[int, int]) -> None:
        self._keys = keys
        self._next = 0
        self._shut = False

    def offer(self, key: int) -> bool:
        """Whether the lock opens with this key."""
        if self._shut:
            return False
        if key != self._keys[self._next]:
            self._shut = True
            return False
        self._next = (self._next + 1) % 2
        return self._next == 0


class Flash(Peripheral):
    """FLASH: the interface, and both memories behind it. The erased state is zero.

    Args:
        chip: whose.
        flash: content of the program memory.
        on_change: called when the content of the program memory has changed.
        on_timing: called when the wait states have changed.
    """

    REGISTERS: ClassVar[Sequence[Register]] = (
        Register("ACR", 0x00, writable=0x7B),
        Register("PECR", 0x04, reset=7, writable=0x30718, unmodelled=0x848000),
        Register("PDKEYR", 0x08, unmodelled=0xFFFFFFFF),
        Register("PEKEYR", 0x0C),
        Register("PRGKEYR", 0x10),
        Register("OPTKEYR", 0x14),
        Register("SR", 0x18, reset=ENDHV | READY),
        Register("OPTR", 0x1C, reset=0x807000AA),
        Register("WRPROT1", 0x20),
    )

    def __init__(
        self,
        chip: Chip,
        flash: ctypes.Array[ctypes.c_uint8],
        on_change: Callable[[int, int], None],
        on_timing: Callable[[], None],
    ) -> None:
        self._chip = chip
        self._flash = flash
        self.eeprom = bytearray(EEPROM_BYTES)
        self._on_change = on_change
        self._on_timing = on_timing
        self._done: Timer | None = None
        super().__init__("FLASH", BASE)

    def reset(self) -> None:
        """See `Peripheral`."""
        super().reset()
        self._locks = {"PEKEYR": Lock(_PEKEYS), "PRGKEYR": Lock(_PRGKEYS), "OPTKEYR": Lock(_OPTKEYS)}
        self._half_page: list[tuple[int, int]] = []
        self._chip.cancel(self._done)
        self._on_timing()

    def latency(self) -> int:
        """Wait states that ACR sets."""
        return self.value["ACR"] & 1

    # Registers

    def write_acr(self, word: int, mask: int) -> None:
        """Wait states and buffers."""
        self.store("ACR", word, mask)
        self._on_timing()

    def write_pekeyr(self, word: int, _mask: int) -> None:
        """Keys of PECR."""
        if self._locks["PEKEYR"].offer(word):
            self.value["PECR"] &= ~_PELOCK

    def write_prgkeyr(self, word: int, _mask: int) -> None:
        """Keys of the program memory; only with PECR unlocked."""
        if not self.value["PECR"] & _PELOCK and self._locks["PRGKEYR"].offer(word):
            self.value["PECR"] &= ~_PRGLOCK

    def write_optkeyr(self, word: int, _mask: int) -> None:
        """Keys of the option bytes; only with PECR unlocked."""
        if not self.value["PECR"] & _PELOCK and self._locks["OPTKEYR"].offer(word):
            self.value["PECR"] &= ~_OPTLOCK

    def write_pecr(self, word: int, mask: int) -> None:
        """What a store into the memories means; setting a lock bit locks."""
        if self.value["PECR"] & _PELOCK:
            return
        self.store("PECR", word, mask)
        self.value["PECR"] |= word & mask & (_PELOCK | _PRGLOCK | _OPTLOCK)
        if self.value["PECR"] & _PELOCK:
            self.value["PECR"] = (self.value["PECR"] & (_EOPIE | _ERRIE)) | _PELOCK | _PRGLOCK | _OPTLOCK
        self._update()

    def write_sr(self, word: int, _mask: int) -> None:
        """Written ones clear EOP and errors."""
        self.value["SR"] &= ~(word & (_ERRORS | EOP))
        self._update()

    # Stores

    def store_memory(self, address: int, size: int, value: int) -> bool:
        """Take a store into one of the memories; False where there is none."""
        if FLASH_ORIGIN <= address < FLASH_ORIGIN + FLASH_BYTES:
            self._store_flash(address, size, value)
            return True
        return False

    def _store_flash(self, address: int, size: int, value: int) -> None:
        pecr = self.value["PECR"]
        if pecr & (_PELOCK | _PRGLOCK):
            self._refuse(WRPERR)
        elif size != _WORD:
            self._refuse(SIZERR)
        elif address % _WORD:
            self._refuse(PGAERR)
        elif pecr & _ERASE and pecr & _PROG:
            page = (address - FLASH_ORIGIN) // PAGE_BYTES * PAGE_BYTES
            self._operate(page, bytes(PAGE_BYTES))
        elif pecr & _FPRG and pecr & _PROG:
            self._collect(address - FLASH_ORIGIN, value)
        elif pecr & (_ERASE | _FPRG):
            self._refuse(WRPERR)
        else:
            self._program(address - FLASH_ORIGIN, value.to_bytes(_WORD, "little"))

    def _collect(self, at: int, value: int) -> None:
        """A word of a half-page: 16 in order, from its start on (RM0377, 3.3.4)."""
        words = self._half_page
        expected = words[-1][0] + _WORD if words else at // HALF_PAGE_BYTES * HALF_PAGE_BYTES
        if at != expected or (words and at // HALF_PAGE_BYTES != words[0][0] // HALF_PAGE_BYTES):
            self._half_page = []
            self._refuse(PGAERR)
            return
        words.append((at, value))
        if len(words) == HALF_PAGE_BYTES // _WORD:
            self._half_page = []
            self._program(words[0][0], b"".join(word.to_bytes(_WORD, "little") for _, word in words))

    def _program(self, at: int, data: bytes) -> None:
        if any(self._flash[at : at + len(data)]):
            self._refuse(NOTZEROERR)
        else:
            self._operate(at, data)

    def _operate(self, at: int, data: bytes) -> None:
        """The memory is busy for a while; then the content is new."""
        self._flash[at : at + len(data)] = data
        self._on_change(FLASH_ORIGIN + at, len(data))
        self.value["SR"] = (self.value["SR"] & ~(ENDHV | READY)) | BSY
        self._done = self._chip.after(OPERATION, self._finish)

    def _finish(self) -> None:
        self.value["SR"] = (self.value["SR"] & ~BSY) | EOP | ENDHV | READY
        self._update()

    def _refuse(self, error: int) -> None:
        self.value["SR"] |= error
        self._update()

    def _update(self) -> None:
        sr, pecr = self.value["SR"], self.value["PECR"]
        level = (sr & EOP and pecr & _EOPIE) or (sr & _ERRORS and pecr & _ERRIE)
        self._chip.set_line(_INTERRUPT, level=bool(level))
