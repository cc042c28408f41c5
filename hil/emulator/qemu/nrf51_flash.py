"""How the flash of QEMU's nRF51 gets in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.qemu.injection import Injector

if TYPE_CHECKING:
    from hil.emulator.gdb.gdb_rsp import GdbRemote
    from hil.emulator.machine import MachineSpec
    from hil.emulator.qemu.stepper import Stepper

_CONFIG: Final = 0x4001E504  # NVMC registers: nRF51 Series Reference Manual v3.0.1, chapter 6
_ERASE_ALL: Final = 0x4001E50C
_ERASE_ENABLE: Final = 2
_BLOCK_BYTES: Final = 1024


def fill_flash(stepper: Stepper, spec: MachineSpec, image: bytes) -> None:
    """Give a stopped QEMU this flash: erase all of it, then write the blocks that are not erased.

    QEMU's flash starts as zeros, so even an erased image must be put there.
    """
    injector = Injector(stepper, spec)
    for register, value in ((_CONFIG, _ERASE_ENABLE), (_ERASE_ALL, 1), (_CONFIG, 0)):
        injector.store(register, value.to_bytes(4, "little"))
    for at in range(0, len(image), _BLOCK_BYTES):
        block = image[at : at + _BLOCK_BYTES]
        if block.count(0xFF) != len(block):
            stepper.gdb.write_memory(spec.flash_origin + at, block)


def read_flash(gdb: GdbRemote, spec: MachineSpec) -> bytes:
    """The whole flash of a stopped QEMU."""
    return gdb.read_memory(spec.flash_origin, spec.flash_bytes)
