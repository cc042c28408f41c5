"""Short instruction sequences run on the emulated core on the debugger's behalf, invisible to the program.

QEMU 7.2 drops debugger writes to anything but memory, and has no access to MSP, PSP, PRIMASK and CONTROL. Both are one
instruction away for the core itself: the instruction is put into RAM, stepped, and every trace of it removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineSpec, MemoryFault

if TYPE_CHECKING:
    from hil.emulator.qemu.stepper import Stepper

R0: Final = 0
R1: Final = 1
SP: Final = 13
PC: Final = 15
XPSR: Final = 25
_XPSR_AT: Final = 16  # its place in the ``g`` packet
_THUMB: Final = 1 << 24
_SCRATCH_BYTES: Final = 16
_STORES: Final = {1: 0x7001, 2: 0x8001, 4: 0x6001}  # STRB, STRH, STR r1, [r0]
SPECIAL: Final = {"msp": 8, "psp": 9, "primask": 16, "control": 20}  # SYSm, ARMv6-M ARM B5.2.1


class Injector:
    """Runs single instructions on a halted core; registers, flags and RAM are as before afterwards.

    A core that slept in WFI is awake afterwards, and goes on behind it.

    Args:
        stepper: steps the halted core.
        spec: where RAM is; its last bytes hold the instruction while it executes.
    """

    def __init__(self, stepper: Stepper, spec: MachineSpec) -> None:
        self._stepper = stepper
        self._at = spec.ram_origin + spec.ram_bytes - _SCRATCH_BYTES

    def store(self, address: int, data: bytes) -> None:
        """Store bytes as the core itself would: in aligned words, halfwords and bytes, the largest first.

        Raises:
            MemoryFault: a store faulted.
        """
        at = 0
        while at < len(data):
            size = next(size for size in (4, 2, 1) if (address + at) % size == 0 and at + size <= len(data))
            value = int.from_bytes(data[at : at + size], "little")
            if not self._run(_STORES[size].to_bytes(2, "little"), {R0: address + at, R1: value}):
                raise MemoryFault(address + at)
            at += size

    def read_special(self, name: str) -> int:
        """MRS r0, ``name``; one of msp, psp, primask, control."""
        code = (0xF3EF).to_bytes(2, "little") + (0x8000 | SPECIAL[name]).to_bytes(2, "little")
        return self._run(code, {})[R0]

    def write_special(self, name: str, value: int) -> None:
        """MSR ``name``, r0."""
        code = (0xF380).to_bytes(2, "little") + (0x8800 | SPECIAL[name]).to_bytes(2, "little")
        # The stack pointer that is in use may be the one just written: it is not put back.
        self._run(code, {R0: value})

    def _run(self, code: bytes, registers: dict[int, int]) -> tuple[int, ...]:
        """Step over ``code`` with these registers set; all registers then, or none where the instruction faulted."""
        gdb = self._stepper.gdb
        before = gdb.read_registers()
        asleep = self._stepper.may_sleep(before[PC])
        ram = gdb.read_memory(self._at, len(code))
        gdb.write_memory(self._at, code)
        for number, value in {**registers, PC: self._at, XPSR: before[_XPSR_AT] | _THUMB}.items():
            gdb.write_register(number, value)
        self._stepper.step(mask_interrupts=True, keep_awake=asleep)
        after = gdb.read_registers()
        gdb.write_memory(self._at, ram)
        for number, value in {R0: before[R0], R1: before[R1], PC: before[PC], XPSR: before[_XPSR_AT]}.items():
            gdb.write_register(number, value)
        if after[PC] == self._at + len(code):
            return after
        # The core entered HardFault: drop the frame it stacked.
        gdb.write_register(SP, before[SP])
        return ()
