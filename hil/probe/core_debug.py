"""The debug registers of a Cortex-M0 core, at 0xE000ED00 and up, on top of a `Machine`.

Register layouts: ARMv6-M Architecture Reference Manual (ARM DDI 0419), chapter C1, "ARMv6-M Debug".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.machine import CoreState, HaltReason, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import Machine

AIRCR: Final = 0xE000ED0C
DFSR: Final = 0xE000ED30
DHCSR: Final = 0xE000EDF0
DCRSR: Final = 0xE000EDF4
DCRDR: Final = 0xE000EDF8
DEMCR: Final = 0xE000EDFC

_VECTKEY: Final = 0x05FA
_VECTKEY_STATUS: Final = 0xFA05 << 16
_SYSRESETREQ: Final = 1 << 2

_DBGKEY: Final = 0xA05F
_C_DEBUGEN: Final = 1 << 0
_C_HALT: Final = 1 << 1
_C_STEP: Final = 1 << 2
_C_MASKINTS: Final = 1 << 3
_S_REGRDY: Final = 1 << 16
_S_HALT: Final = 1 << 17
_S_LOCKUP: Final = 1 << 19
_S_RETIRE_ST: Final = 1 << 24
_S_RESET_ST: Final = 1 << 25

_VC_CORERESET: Final = 1 << 0
_VC_HARDERR: Final = 1 << 10
_DWTENA: Final = 1 << 24

_REG_WRITE: Final = 1 << 16
_REG_SELECT: Final = 0x1F
_CONTROL_AND_PRIMASK: Final = 20
_SELECTED: Final = {
    **{n: f"r{n}" for n in range(13)},
    13: "sp",
    14: "lr",
    15: "pc",
    16: "xpsr",
    17: "msp",
    18: "psp",
}
_CAUSES: Final = {
    HaltReason.REQUEST: 1 << 0,
    HaltReason.STEP: 1 << 0,
    HaltReason.BREAKPOINT: 1 << 1,
    HaltReason.WATCHPOINT: 1 << 2,
    HaltReason.VECTOR_CATCH: 1 << 3,
    HaltReason.RESET: 1 << 3,
    HaltReason.EMULATOR: 1 << 4,  # EXTERNAL: something outside of the core asked for it
}


class CoreDebug:
    """DHCSR, DCRSR, DCRDR, DEMCR, DFSR and AIRCR, and the reset pin.

    Args:
        machine: the core behind the registers.
        heed: called with every status that was asked for.
    """

    def __init__(self, machine: Machine, heed: Callable[[Status], object] = lambda _: None) -> None:
        self._machine = machine
        self._heed = heed
        self._control = 0
        self._demcr = 0
        self._dcrdr = 0
        self._causes = 0
        self._was_reset = False
        self._retired = False
        self._in_reset = False
        self._stopped: Status | None = None

    def read(self, address: int) -> int | None:
        """Value of a debug register; None where the register is the core's own."""
        if address == DHCSR:
            return self._read_dhcsr()
        if address == DFSR:
            self._look()
        return {DCRSR: 0, DCRDR: self._dcrdr, DEMCR: self._demcr, DFSR: self._causes, AIRCR: _VECTKEY_STATUS}.get(
            address
        )

    def write(self, address: int, value: int) -> bool:
        """Write a debug register; false where the register is the core's own."""
        match address:
            case _ if address == DHCSR:
                if value >> 16 == _DBGKEY:
                    self._control_core(value)
            case _ if address == DCRSR:
                self._transfer(value)
            case _ if address == DCRDR:
                self._dcrdr = value
            case _ if address == DEMCR:
                self._demcr = value & (_VC_CORERESET | _VC_HARDERR | _DWTENA)
                self._tell_debug()
            case _ if address == DFSR:
                self._look()
                self._causes &= ~value
            case _ if address == AIRCR:
                if value >> 16 == _VECTKEY and value & _SYSRESETREQ:
                    self.reset(through_core=True)
            case _:
                return False
        return True

    def reset(self, *, through_core: bool = False) -> None:
        """Reset the chip by its pin, or through the core; it runs, or halts where DEMCR.VC_CORERESET asks for that."""
        halt = bool(self._control & _C_DEBUGEN and self._demcr & _VC_CORERESET)
        self._machine.reset(halt=halt, through_core=through_core)
        self._was_reset = True
        self._moved()

    def hold_reset(self, *, asserted: bool) -> None:
        """Drive the reset pin. The emulated core is stopped meanwhile, and reset when the pin is let go."""
        if asserted and not self._in_reset:
            self._machine.halt()
            self._was_reset = True
        elif self._in_reset and not asserted:
            self._in_reset = False
            self.reset()
        self._in_reset = asserted

    @property
    def in_reset(self) -> bool:
        """Whether the reset pin is held."""
        return self._in_reset

    def _moved(self) -> None:
        """The core was let go, stepped or reset: what is known of it is old."""
        self._stopped = None
        self._retired = True

    def _look(self) -> Status:
        """What the core does; the cause of a new halt goes into DFSR. A halted core stays so until we let it go."""
        if self._stopped is None:
            status = self._machine.status()
            self._heed(status)
            if status.state is not CoreState.HALTED:
                return status
            self._stopped = status
            if status.reason:
                self._causes |= _CAUSES[status.reason]
        return self._stopped

    def _read_dhcsr(self) -> int:
        state = self._look().state
        value = self._control & (_C_DEBUGEN | _C_MASKINTS) | _S_REGRDY
        if state is CoreState.HALTED and self._control & _C_DEBUGEN:
            value |= _C_HALT | _S_HALT
        elif state is CoreState.LOCKUP:
            value |= _S_LOCKUP
        if self._was_reset:
            value |= _S_RESET_ST
        if self._retired:
            value |= _S_RETIRE_ST
        # Both are sticky and cleared by reading, while their cause lasts they come back.
        self._was_reset = self._in_reset
        self._retired = state is CoreState.RUNNING and not self._in_reset
        return value

    def _control_core(self, value: int) -> None:
        was_enabled = bool(self._control & _C_DEBUGEN)
        self._control = value & (_C_DEBUGEN | _C_MASKINTS)
        enabled = bool(self._control & _C_DEBUGEN)
        if enabled != was_enabled:
            self._tell_debug()
        if self._in_reset:
            return
        state = self._look().state
        if enabled and value & _C_HALT:
            if state is not CoreState.HALTED:
                self._machine.halt()
                self._stopped = None
                self._look()
        elif state is CoreState.HALTED:
            if enabled and value & _C_STEP:
                self._machine.step(mask_interrupts=bool(value & _C_MASKINTS))
            else:
                self._machine.resume()
            self._moved()

    def _tell_debug(self) -> None:
        self._machine.set_debug(
            enabled=bool(self._control & _C_DEBUGEN), catch_hard_fault=bool(self._demcr & _VC_HARDERR)
        )

    def _transfer(self, selector: int) -> None:
        """Move a core register to or from DCRDR."""
        if self._look().state is not CoreState.HALTED:
            return
        number = selector & _REG_SELECT
        if number == _CONTROL_AND_PRIMASK:
            self._transfer_control(write=bool(selector & _REG_WRITE))
        elif number in _SELECTED:
            name = _SELECTED[number]
            if selector & _REG_WRITE:
                # Bit 0 of the return address is not part of it: the T bit is in xPSR.
                self._machine.write_register(name, self._dcrdr & ~1 if name == "pc" else self._dcrdr)
            else:
                self._dcrdr = self._machine.read_register(name)

    def _transfer_control(self, *, write: bool) -> None:
        """CONTROL in the top byte, PRIMASK in the lowest."""
        if write:
            self._machine.write_register("primask", self._dcrdr & 1)
            self._machine.write_register("control", self._dcrdr >> 24)
        else:
            self._dcrdr = self._machine.read_register("control") << 24 | self._machine.read_register("primask")
