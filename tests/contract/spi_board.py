"""A powered board that runs a program in assembly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.twin.snippets import assemble

if TYPE_CHECKING:
    from hil.emulator.power import PoweredBoard


def run(powered: PoweredBoard, code: str) -> None:
    """Put a program into its flash, and begin it."""
    image = assemble(code)
    powered.machine.set_flash_image(image + bytes(powered.board.memory.flash.bytes - len(image)))
    powered.machine.reset(halt=False)
