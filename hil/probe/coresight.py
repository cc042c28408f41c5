"""What a debugger sees on the bus of an emulated Cortex-M0: its memory, and the debug components in front of it.

ROM table, component identification, breakpoint unit and watchpoint unit are here; the core's debug registers in
`core_debug`. Layouts: ARMv6-M ARM (DDI 0419) C1.7 to C1.10, and the CoreSight architecture's component classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.machine import Access, MemoryFault
from hil.probe.core_debug import CoreDebug

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import Machine, Status

ROM_TABLE: Final = 0xE00FF000
_PAGE: Final = 0x1000
_SCS: Final = 0xE000E000
_DWT: Final = 0xE0001000
_BPU: Final = 0xE0002000
_PRIVATE: Final = range(0xE0000000, 0xE0100000)

_CLASS_ROM_TABLE: Final = 0x1
_CLASS_GENERIC_IP: Final = 0xE
_COMPONENTS: Final = {
    ROM_TABLE: (_CLASS_ROM_TABLE, 0x471),
    _SCS: (_CLASS_GENERIC_IP, 0x008),
    _DWT: (_CLASS_GENERIC_IP, 0x00A),
    _BPU: (_CLASS_GENERIC_IP, 0x00B),
}
_IDENTIFICATION: Final = 0xFD0  # from here to the end of a component's page

_BREAKPOINTS: Final = 4
_WATCHPOINTS: Final = 2
_WATCH_STRIDE: Final = 0x10
_FUNCTIONS: Final = {5: Access.READ, 6: Access.WRITE, 7: Access.ANY}


def _identification(component_class: int, part: int) -> dict[int, int]:
    """Peripheral and component ID registers of a component designed by Arm."""
    return {
        0xFD0: 0x04,  # continuation code of Arm's JEP106 number
        0xFE0: part & 0xFF,
        0xFE4: 0xB0 | part >> 8,
        0xFE8: 0x0B,
        0xFF0: 0x0D,
        0xFF4: component_class << 4,
        0xFF8: 0x05,
        0xFFC: 0xB1,
    }


class _BreakpointUnit:
    """BP_CTRL and four comparators, each for one or both halfwords of a word in the code region."""

    _CTRL: Final = 0x0
    _COMPARATORS: Final = range(0x8, 0x8 + 4 * _BREAKPOINTS, 4)

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._enabled = False
        self._comparators = dict.fromkeys(self._COMPARATORS, 0)
        self._set: set[int] = set()

    def read(self, offset: int) -> int:
        if offset == self._CTRL:
            return _BREAKPOINTS << 4 | self._enabled
        return self._comparators.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if offset == self._CTRL and value & 2:  # the key bit
            self._enabled = bool(value & 1)
        elif offset in self._comparators:
            self._comparators[offset] = value
        wanted = (
            {at for value in self._comparators.values() for at in self._addresses(value)} if self._enabled else set()
        )
        for address in self._set - wanted:
            self._machine.remove_breakpoint(address)
        for address in wanted - self._set:
            self._machine.set_breakpoint(address)
        self._set = wanted

    @staticmethod
    def _addresses(comparator: int) -> set[int]:
        if not comparator & 1:
            return set()
        word = comparator & 0x1FFFFFFC
        halves = comparator >> 30
        return {word + 2 * half for half in (0, 1) if halves & 1 << half}


class _WatchpointUnit:
    """DWT_CTRL and two data address comparators."""

    _CTRL: Final = 0x0
    _PC_SAMPLE: Final = 0x1C
    _COMPARATORS: Final = 0x20

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._registers: dict[int, int] = {}
        self._set: set[tuple[int, int, Access]] = set()

    def read(self, offset: int) -> int:
        if offset == self._CTRL:
            return _WATCHPOINTS << 28
        if offset == self._PC_SAMPLE:
            return 0xFFFFFFFF  # no sample is available
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        if self._COMPARATORS <= offset < self._COMPARATORS + _WATCHPOINTS * _WATCH_STRIDE:
            self._registers[offset] = value
        wanted = {each for number in range(_WATCHPOINTS) if (each := self._watched(number))}
        for address, size, access in self._set - wanted:
            self._machine.remove_watchpoint(address, size, access)
        for address, size, access in wanted - self._set:
            self._machine.set_watchpoint(address, size, access)
        self._set = wanted

    def _watched(self, number: int) -> tuple[int, int, Access] | None:
        at = self._COMPARATORS + number * _WATCH_STRIDE
        access = _FUNCTIONS.get(self._registers.get(at + 8, 0) & 0xF)
        if access is None:
            return None
        size = 1 << (self._registers.get(at + 4, 0) & 0x1F)
        return self._registers.get(at, 0) & ~(size - 1), size, access


class TargetBus:
    """Reads and writes as an AHB access port makes them.

    Args:
        machine: what is on the bus.
        heed: called with every status of the core that was asked for.
    """

    def __init__(self, machine: Machine, heed: Callable[[Status], object] = lambda _: None) -> None:
        self._machine = machine
        self.core = CoreDebug(machine, heed)
        self._breakpoints = _BreakpointUnit(machine)
        self._watchpoints = _WatchpointUnit(machine)

    def read(self, address: int, size: int) -> bytes:
        """Read ``size`` bytes.

        Raises:
            MemoryFault: nothing is there.
        """
        if address not in _PRIVATE:
            return self._machine.read_memory(address, size)
        data = b"".join(
            self._read_private(word).to_bytes(4, "little") for word in range(address & ~3, address + size, 4)
        )
        return data[address & 3 :][:size]

    def write(self, address: int, data: bytes) -> None:
        """Write bytes. The components take whole words only.

        Raises:
            MemoryFault: nothing is there, or it cannot be written like this.
        """
        if address not in _PRIVATE:
            self._machine.write_memory(address, data)
            return
        if (address | len(data)) & 3:
            raise MemoryFault(address)
        for at in range(0, len(data), 4):
            self._write_private(address + at, int.from_bytes(data[at : at + 4], "little"))

    def _read_private(self, address: int) -> int:
        page, offset = address & -_PAGE, address % _PAGE
        if page not in _COMPONENTS:
            raise MemoryFault(address)
        if offset >= _IDENTIFICATION:
            return _identification(*_COMPONENTS[page]).get(offset, 0)
        if page == ROM_TABLE:
            entries = [component - ROM_TABLE & 0xFFFFFFFF | 3 for component in (_SCS, _DWT, _BPU)]
            return entries[offset // 4] if offset // 4 < len(entries) else 0
        if page == _DWT:
            return self._watchpoints.read(offset)
        if page == _BPU:
            return self._breakpoints.read(offset)
        value = self.core.read(address)
        return int.from_bytes(self._machine.read_memory(address, 4), "little") if value is None else value

    def _write_private(self, address: int, value: int) -> None:
        page, offset = address & -_PAGE, address % _PAGE
        if page == _DWT:
            self._watchpoints.write(offset, value)
        elif page == _BPU:
            self._breakpoints.write(offset, value)
        elif page == _SCS:
            if not self.core.write(address, value):
                self._machine.write_memory(address, value.to_bytes(4, "little"))
        elif page not in _COMPONENTS:
            raise MemoryFault(address)
