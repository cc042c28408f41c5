"""The flash of an emulated board as its owner keeps it: over resets, power cuts and the end of the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec


class FlashImage:
    """The flash as it was when last looked at; erased to begin with.

    Args:
        spec: where it is, and how large.
        on_change: called with the whole image when it was found changed.

    Attributes:
        image: the whole flash, from its origin.
        touched: whether the emulator's may have changed since.
    """

    def __init__(self, spec: MachineSpec, on_change: Callable[[bytes], None]) -> None:
        self._spec = spec
        self._on_change = on_change
        self.image = bytes([spec.erased]) * spec.flash_bytes
        self.touched = False

    def replace(self, image: bytes) -> None:
        """Take this image, and say so if it is another one.

        Raises:
            MachineError: the board's flash has another size.
        """
        if len(image) != self._spec.flash_bytes:
            raise MachineError(
                f"a flash image of {self._spec.board} has {self._spec.flash_bytes} bytes, not {len(image)}"
            )
        self.touched = False
        if image != self.image:
            self.image = image
            self._on_change(image)

    def read(self, address: int, size: int) -> bytes:
        """``size`` bytes at an address that is in flash."""
        at = address - self._spec.flash_origin
        return self.image[at : at + size]
