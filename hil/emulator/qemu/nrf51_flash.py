"""The flash of QEMU's nRF51: the copy of it that outlives QEMU, and how it gets in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.qemu.injection import Injector

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec
    from hil.emulator.qemu.gdb_rsp import GdbRemote
    from hil.emulator.qemu.stepper import Stepper

_CONFIG: Final = 0x4001E504  # NVMC registers: nRF51 Series Reference Manual v3.0.1, chapter 6
_ERASE_ALL: Final = 0x4001E50C
_ERASE_ENABLE: Final = 2
_BLOCK_BYTES: Final = 1024


class FlashCopy:
    """The flash as it was when last looked at.

    Args:
        spec: where it is, and how large.
        on_change: called with the whole image when it was found changed.

    Attributes:
        image: the whole flash.
        touched: whether it may have changed since.
    """

    def __init__(self, spec: MachineSpec, on_change: Callable[[bytes], None]) -> None:
        self._spec = spec
        self._on_change = on_change
        self.image = b"\xff" * spec.flash_bytes
        self.touched = False

    def fill(self, stepper: Stepper) -> None:
        """Make a stopped QEMU's flash equal to the copy: erase all of it, then write the blocks that are not erased.

        QEMU's flash starts as zeros, so even an erased image must be put there.
        """
        injector = Injector(stepper, self._spec)
        for register, value in ((_CONFIG, _ERASE_ENABLE), (_ERASE_ALL, 1), (_CONFIG, 0)):
            injector.store(register, value.to_bytes(4, "little"))
        for at in range(0, len(self.image), _BLOCK_BYTES):
            block = self.image[at : at + _BLOCK_BYTES]
            if block.count(0xFF) != len(block):
                stepper.gdb.write_memory(self._spec.flash_origin + at, block)
        self.touched = False

    def take(self, gdb: GdbRemote) -> None:
        """Read a stopped QEMU's flash."""
        self.replace(gdb.read_memory(self._spec.flash_origin, self._spec.flash_bytes))
        self.touched = False

    def replace(self, image: bytes) -> None:
        """Take this image, and say so if it is another one."""
        if image != self.image:
            self.image = image
            self._on_change(image)
