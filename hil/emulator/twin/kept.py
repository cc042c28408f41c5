"""What a board on the twin keeps without power: its flash, and its part's further memories."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from hil.emulator.flash_image import FlashImage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.machine import MachineSpec
    from hil.emulator.twin.part import Part


class KeptMemories:
    """Their content as it was when last looked at; the flash is erased to begin with, the others are zero.

    Args:
        spec: the board's facts.
        others: sizes of the memories beside the flash, in bytes, in the order of `Part.kept_content`.
        on_change: called with the whole flash and the others behind it, when they were found changed.

    Attributes:
        size: of all together, in bytes.
    """

    def __init__(self, spec: MachineSpec, others: Sequence[int], on_change: Callable[[bytes], None]) -> None:
        self._flash_bytes = spec.flash_bytes
        self._sizes = others
        self._on_change = on_change
        self._flash = FlashImage(spec, lambda _: self._say())
        self._others = [bytes(size) for size in others]
        self.size = spec.flash_bytes + sum(others)

    @property
    def flash(self) -> bytes:
        """The whole flash."""
        return self._flash.image

    def replace_flash(self, image: bytes) -> None:
        """The flash has another content.

        Raises:
            MachineError: it has another size.
        """
        self._flash.replace(image)

    def restore(self, kept: bytes) -> None:
        """Take what `on_change` was called with; no chip has power."""
        at = self._flash_bytes
        self._others = []
        for size in self._sizes:
            self._others.append(kept[at : at + size])
            at += size
        self._flash.replace(kept[: self._flash_bytes])

    def put(self, chip: Part) -> None:
        """Give a chip that has just got power its content."""
        fill(chip.flash_content, self.flash)
        for memory, content in zip(chip.kept_content, self._others, strict=True):
            fill(memory, content)

    def take(self, chip: Part) -> None:
        """Look what a chip has now."""
        others = [bytes(memory) for memory in chip.kept_content]
        if others != self._others:
            self._others = others
            self._say()
        self._flash.replace(bytes(chip.flash_content))

    def _say(self) -> None:
        self._on_change(b"".join((self.flash, *self._others)))


def fill(memory: ctypes.Array[ctypes.c_uint8], content: bytes) -> None:
    """Overwrite a memory from its beginning on."""
    ctypes.memmove(memory, content, len(memory))
