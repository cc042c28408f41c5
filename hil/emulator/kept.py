"""What an emulated board keeps without power: its flash, and its chip's further memories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.flash_image import FlashImage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.machine import MachineSpec


class KeptMemories:
    """Their content as it was when last looked at; the flash is erased to begin with, the others are zero.

    Every emulator of a board keeps the same memories: the board's file is one, whichever emulator had it last.

    Args:
        spec: the board's facts.
        others: sizes of the memories beside the flash, in bytes.
        on_change: called with the whole flash and the others behind it, when they were found changed.

    Attributes:
        size: of all together, in bytes.
        others: content of the memories beside the flash.
    """

    def __init__(self, spec: MachineSpec, others: Sequence[int], on_change: Callable[[bytes], None]) -> None:
        self._flash_bytes = spec.flash_bytes
        self._sizes = others
        self._on_change = on_change
        self._flash = FlashImage(spec, lambda _: self._say())
        self.others = [bytes(size) for size in others]
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

    def replace(self, flash: bytes, others: list[bytes]) -> None:
        """This is what they have now."""
        if others != self.others:
            self.others = others
            self._say()
        self._flash.replace(flash)

    def restore(self, kept: bytes) -> None:
        """Take what `on_change` was called with; no chip has power."""
        at = self._flash_bytes
        self.others = []
        for size in self._sizes:
            self.others.append(kept[at : at + size])
            at += size
        self._flash.replace(kept[: self._flash_bytes])

    def _say(self) -> None:
        self._on_change(b"".join((self.flash, *self.others)))
