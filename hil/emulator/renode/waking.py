"""How a core of Renode's that rests in an endless loop is made to go somewhere else.

Renode takes a branch to itself (0xE7FE) for a WFI: nothing but an interrupt ends it, no debugger's step, and a pc that
is written meanwhile is not heeded. (`WfiAsNop` is about WFI itself alone.) The pc that is read then is that of the
beginning of the straight code before it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.renode.gdb import NUMBERS

if TYPE_CHECKING:
    from hil.emulator.machine import MachineSpec
    from hil.emulator.renode.gdb import RenodeGdb

_SET_ENABLE: Final = 0xE000E100  # NVIC, ARM DDI 0419, B3.4
_CLEAR_ENABLE: Final = 0xE000E180
_SET_PENDING: Final = 0xE000E200
_CLEAR_PENDING: Final = 0xE000E280
_UNUSED: Final = (1 << 31).to_bytes(4, "little")  # an interrupt that the STM32L031 has no source for
_NOP: Final = b"\x00\xbf"
_SCRATCH_BYTES: Final = 16


def wake(gdb: RenodeGdb, spec: MachineSpec) -> None:
    """Have a stopped core execute a NOP with a masked interrupt pending. But for its pc, all is as before then.

    Args:
        gdb: its server.
        spec: where RAM is; its last bytes hold the NOP meanwhile.
    """
    at = spec.ram_origin + spec.ram_bytes - _SCRATCH_BYTES
    ram, primask = gdb.read_memory(at, len(_NOP)), gdb.read_register("primask")
    enabled = gdb.read_memory(_SET_ENABLE, 4)[3] & 0x80
    gdb.write_memory(at, _NOP)
    gdb.write_register(NUMBERS["primask"], 1)
    gdb.write_memory(_SET_ENABLE, _UNUSED)
    gdb.write_memory(_SET_PENDING, _UNUSED)
    gdb.write_register(NUMBERS["pc"], at)
    gdb.step()
    gdb.write_memory(_CLEAR_PENDING, _UNUSED)
    if not enabled:
        gdb.write_memory(_CLEAR_ENABLE, _UNUSED)
    gdb.write_register(NUMBERS["primask"], primask)
    gdb.write_memory(at, ram)
