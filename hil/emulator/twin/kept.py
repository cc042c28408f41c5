"""What a board on the twin keeps without power, and its chip's memories for it."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from hil.emulator.kept import KeptMemories

if TYPE_CHECKING:
    from hil.emulator.twin.part import Part


class ChipMemories(KeptMemories):
    """See `KeptMemories`; the others are in the order of `Part.kept_content`."""

    def put(self, chip: Part) -> None:
        """Give a chip that has just got power its content."""
        fill(chip.flash_content, self.flash)
        for memory, content in zip(chip.kept_content, self.others, strict=True):
            fill(memory, content)

    def take(self, chip: Part) -> None:
        """Look what a chip has now."""
        self.replace(bytes(chip.flash_content), [bytes(memory) for memory in chip.kept_content])


def fill(memory: ctypes.Array[ctypes.c_uint8], content: bytes) -> None:
    """Overwrite a memory from its beginning on."""
    ctypes.memmove(memory, content, len(memory))
