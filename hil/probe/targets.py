"""pyOCD's targets, and those that pyOCD has in packs alone although one that it has built in is their sister.

A sister has the same debug unit and the same flash controller; its memories differ, and they are what is told here.
Where a pack that was installed with ``pyocd pack`` describes the target, that one is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

# pyOCD has annotations but no py.typed.
from pyocd.core.memory_map import FlashRegion, MemoryMap, RamRegion  # type: ignore[import-untyped]
from pyocd.target import TARGET, normalise_target_type_name  # type: ignore[import-untyped]
from pyocd.target.pack.pack_target import ManagedPacks  # type: ignore[import-untyped]

_FLASH: Final = 0x08000000
_RAM: Final = 0x20000000
_EEPROM: Final = 0x08080000


@dataclass(frozen=True)
class _Sister:
    """An STM32 by its memories, in bytes.

    Attributes:
        of: the target that pyOCD has built in.
    """

    of: str
    flash_bytes: int
    page_bytes: int
    ram_bytes: int
    eeprom_bytes: int = 0


_SISTERS: Final = {
    # ST's stm32l053xx.h, stm32l073xx.h, stm32f072xb.h, stm32f091xc.h; flash by the parts' names (8: 64 KB, B: 128 KB,
    # Z: 192 KB, C: 256 KB); RAM of the two F0 recalled.
    "stm32l053r8tx": _Sister("stm32l031x6", 0x10000, 0x80, 0x2000, 0x800),
    "stm32l073rztx": _Sister("stm32l031x6", 0x30000, 0x80, 0x5000, 0x1800),
    "stm32f072rbtx": _Sister("stm32f051", 0x20000, 0x800, 0x4000),
    "stm32f091rctx": _Sister("stm32f051", 0x40000, 0x800, 0x8000),
}


def find_target(name: str) -> Any | None:
    """The class of a target: built in, from an installed pack, or a sister's; None where there is none.

    After that pyOCD finds it by its name too.
    """
    plain = normalise_target_type_name(name)
    if plain not in TARGET:
        ManagedPacks.populate_target(plain)
    if plain not in TARGET and plain in _SISTERS:
        TARGET[plain] = _made(plain, _SISTERS[plain])
    return TARGET.get(plain)


def relative(name: str) -> str:
    """The target that pyOCD has built in and that shares a target's flash controller; its own name for most."""
    plain = normalise_target_type_name(name)
    sister = _SISTERS.get(plain)
    return plain if sister is None else sister.of


def known_targets() -> list[str]:
    """The names of all that can be named without installing a pack."""
    return sorted({*TARGET, *_SISTERS})


def _made(name: str, sister: _Sister) -> Any:
    """The built-in target's class with the sister's memories."""
    base = TARGET[sister.of]
    algorithm = next(region.algo for region in base.MEMORY_MAP if region.is_boot_memory)
    flash = {"blocksize": sister.page_bytes, "algo": algorithm}
    regions = [
        FlashRegion(name="Flash", start=_FLASH, length=sister.flash_bytes, is_boot_memory=True, **flash),
        RamRegion(name="RAM", start=_RAM, length=sister.ram_bytes),
    ]
    if sister.eeprom_bytes:
        regions.append(FlashRegion(name="EEPROM", start=_EEPROM, length=sister.eeprom_bytes, **flash))
    return type(name.upper(), (base,), {"MEMORY_MAP": MemoryMap(*regions)})
