"""The flash of QEMU's nRF51: how it is filled from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.injection import Injector

if TYPE_CHECKING:
    from hil.emulator.gdb_rsp import GdbRemote
    from hil.emulator.machine import MachineSpec

_CONFIG: Final = 0x4001E504  # NVMC registers: nRF51 Series Reference Manual v3.0.1, chapter 6
_ERASE_ALL: Final = 0x4001E50C
_ERASE_ENABLE: Final = 2
_BLOCK_BYTES: Final = 1024


def fill_flash(gdb: GdbRemote, spec: MachineSpec, image: bytes) -> None:
    """Make the flash of a stopped core equal to ``image``: erase all of it, then write the blocks that are not erased.

    QEMU's flash starts as zeros, so even an erased image must be put there.
    """
    injector = Injector(gdb, spec)
    for register, value in ((_CONFIG, _ERASE_ENABLE), (_ERASE_ALL, 1), (_CONFIG, 0)):
        injector.store(register, value.to_bytes(4, "little"))
    for at in range(0, len(image), _BLOCK_BYTES):
        block = image[at : at + _BLOCK_BYTES]
        if block.count(0xFF) != len(block):
            gdb.write_memory(spec.flash_origin + at, block)
