"""What is flashed to a board that runs by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from hil.errors import RigError

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact
    from hil.harvest.plan import HarvestPlan

_SYMBOL: Final = "harvest_seen"


@dataclass(frozen=True, eq=False)
class Program:
    """A board's firmware and plan, as they are flashed.

    Attributes:
        flash: whole content of the flash.
        firmware_bytes: of it, from its begin on.
        seen_at: address of what the firmware shows.
        board: which.
        plan: what it does.
    """

    flash: bytes
    firmware_bytes: int
    seen_at: int
    board: Board
    plan: HarvestPlan

    @classmethod
    def of(cls, board: Board, firmware: Artefact, plan: HarvestPlan) -> Self:
        """The content of a board's flash.

        Raises:
            RigError: the firmware is not one that runs by itself.
        """
        flash = board.memory.flash
        content = bytearray([flash.erased_byte]) * flash.bytes
        program = firmware.bin.read_bytes() if firmware.bin is not None else b""
        content[: len(program)] = program
        at = board.image_slot.origin - flash.origin
        content[at : at + len(plan.slot)] = plan.slot
        return cls(bytes(content), len(program), _address_of(firmware.elf, _SYMBOL), board, plan)


def _address_of(elf: Path, name: str) -> int:
    with elf.open("rb") as stream:
        symbols = ELFFile(stream).get_section_by_name(".symtab")
        found = symbols.get_symbol_by_name(name) if isinstance(symbols, SymbolTableSection) else None
    if not found:
        raise RigError(f"{elf.name} has no '{name}': it is not the firmware that runs by itself")
    return int(found[0]["st_value"])
