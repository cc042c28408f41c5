"""Single steps of a stopped QEMU core, one that sleeps in WFI included.

On silicon a core that is halted is awake: a debug entry request ends a WFI, and a step completes one (ARMv6-M ARM,
DDI 0419, "WFI" and "Wait For Interrupt"). QEMU's core sleeps on in the debugger's hands, and its stub never answers a
step of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.gdb_rsp import GdbRemote, GdbReplyError

if TYPE_CHECKING:
    from hil.emulator.qemu.core_line import CoreLine

_WFI: Final = b"\x30\xbf"
_WFI_BYTES: Final = len(_WFI)
_MASKED: Final = 7  # qqemu.sstep: enable, no interrupts, no timers
_PLAIN: Final = 1


class Stepper:
    """Executes one instruction at a time.

    Args:
        gdb: the stub of a stopped core.
        line: keeps it awake.
    """

    def __init__(self, gdb: GdbRemote, line: CoreLine) -> None:
        self.gdb = gdb
        self._line = line
        self._mode = 0

    def may_sleep(self, pc: int) -> bool:
        """Whether the instruction before ``pc`` is WFI: a core that stopped there sleeps, if it has not just woken."""
        try:
            return self.gdb.read_memory((pc - _WFI_BYTES) & 0xFFFFFFFF, _WFI_BYTES) == _WFI
        except GdbReplyError:
            return False

    def step(self, *, mask_interrupts: bool, keep_awake: bool) -> bytes:
        """Execute one instruction and return the stub's stop reply.

        Args:
            mask_interrupts: take no exception before it; one that is pending stays so.
            keep_awake: a sleeping core wakes, and WFI does nothing. Without it, neither may be met.
        """
        mode = _MASKED if mask_interrupts else _PLAIN
        if mode != self._mode:
            self.gdb.request(b"qqemu.sstep=%x" % mode)
            self._mode = mode
        if not keep_awake:
            return self.gdb.request(b"s")
        with self._line.up():
            return self.gdb.request(b"s")
