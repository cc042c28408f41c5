"""A board held against what pyOCD knows of its microcontroller: its name, and its memories. No probe is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

# pyOCD has annotations but no py.typed.
from pyocd.core.memory_map import MemoryType  # type: ignore[import-untyped]

from hil.nearest import nearest
from hil.probe.targets import find_target, known_targets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.board import Board, Memory
    from hil.errors import InputError

_EEPROM: Final = "eeprom"  # in the name of a region that pyOCD has among the flash


def check_part(board: Board) -> None:
    """Hold a board against its pyOCD target.

    Raises:
        InputError: there is no such target, or it has less memory than the board says: with the file, line and key.
    """
    if board.pyocd_target is None:
        return
    regions = _memory_map(board, board.pyocd_target)
    flash = [region for region in regions if region.type == MemoryType.FLASH]
    memory = board.memory
    _check_memory(board, "flash", memory.flash, flash)
    _check_memory(board, "ram", memory.ram, [region for region in regions if region.type == MemoryType.RAM])
    eeprom = memory.eeprom  # which pyOCD may not tell of
    told = [region for region in flash if _EEPROM in region.name.casefold()]
    if eeprom is not None and not told:
        told = [region for region in flash if region.contains_address(eeprom.origin)]
    if eeprom is not None:
        _check_memory(board, "eeprom", eeprom, told)


def _memory_map(board: Board, name: str) -> Iterable[Any]:
    """The regions of a target."""
    target = find_target(name)
    if target is None:
        near = nearest(name.casefold(), known_targets())
        question = f"did you mean '{near}'? " if near else ""
        raise board.mistake(
            "pyocd_target",
            f"pyOCD knows no target '{name}'",
            f"{question}'pyocd list --targets' lists them, 'pyocd pack find' what can be installed",
        )
    return getattr(target, "MEMORY_MAP", ())


def _check_memory(board: Board, name: str, memory: Memory, regions: list[Any]) -> None:
    """Within regions that lie end to end; where pyOCD tells none of that kind, anything is."""
    if not regions:
        return
    end = start = memory.origin
    for region in sorted(regions, key=lambda each: each.start):
        if region.start <= end <= region.end:
            end = region.end + 1
    if end == start:
        there = ", ".join(f"{region.start:#010x}" for region in regions)
        raise _mistake(board, f"{name}.origin", f"at {start:#010x} the part has no {name}", f"it begins at {there}")
    if start + memory.bytes > end:
        has = f"the part has {end - start:#x} bytes from {start:#010x} on, not {memory.bytes:#x}"
        raise _mistake(board, f"{name}.bytes", has, f"write bytes: {end - start:#x} or less")


def _mistake(board: Board, key: str, what: str, hint: str) -> InputError:
    by = f"by pyOCD's target '{board.pyocd_target}'"
    return board.mistake(f"memory.{key}", f"{what} ({by})", f"{hint}; or name the part's own target in pyocd_target")
