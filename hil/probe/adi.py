"""The Arm Debug Interface (ADIv5) of an emulated board: a debug port and one AHB access port.

Register layouts: Arm Debug Interface Architecture Specification ADIv5 (IHI 0031), chapters B2 and C2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hil.probe.coresight import TargetBus

_DPIDR: Final = 0x0BB11477  # the Cortex-M0 debug port, as in the nRF51
_AHB_AP_IDR: Final = 0x04770021  # the AHB access port of the nRF51

_DP_CTRL_STAT: Final = 0x4
_DP_SELECT: Final = 0x8
_POWER_REQUESTS: Final = 1 << 30 | 1 << 28  # CSYSPWRUPREQ, CDBGPWRUPREQ; each is acknowledged one bit higher

_AP_CSW: Final = 0x00
_AP_TAR: Final = 0x04
_AP_DRW: Final = 0x0C
_AP_BANKED: Final = range(0x10, 0x20, 4)
_AP_BASE: Final = 0xF8
_AP_IDR: Final = 0xFC
_REGISTER_MASK: Final = 0xFC
_SELECTED_MASK: Final = 0xFF000000
_CSW_WRITABLE: Final = 0x0F000037  # HPROT, address increment, size
_CSW_DEVICE_ENABLED: Final = 1 << 6
_CSW_SIZE: Final = 0x7
_CSW_INCREMENT: Final = 0x30
_WRAP_BYTES: Final = 0x400


class DebugInterface:
    """DP and AP registers.

    Args:
        bus: what the access port reaches.
        rom_table: address that its BASE register gives.
    """

    def __init__(self, bus: TargetBus, rom_table: int) -> None:
        self._bus = bus
        self._rom_table = rom_table
        self._requests = 0
        self._bank = 0
        self._csw = 0x03000002
        self._tar = 0

    def read_dp(self, address: int) -> int:
        """Value of a debug port register, address 0x0 to 0xC."""
        if address == _DP_CTRL_STAT and self._bank == 0:
            return self._requests | self._requests << 1
        if address == 0 and self._bank == 0:
            return _DPIDR
        return 0

    def write_dp(self, address: int, value: int) -> None:
        """Write a debug port register; ABORT has nothing to clear here."""
        if address == _DP_SELECT:
            self._bank = value & 0xF
        elif address == _DP_CTRL_STAT and self._bank == 0:
            self._requests = value & _POWER_REQUESTS

    def read_ap(self, address: int) -> int:
        """Value of an access port register; the port's number is in bits 31 to 24. Only port 0 exists.

        Raises:
            MemoryFault: a data register, and nothing is at the transfer address.
        """
        register = address & _REGISTER_MASK
        if address & _SELECTED_MASK:
            return 0
        if register in _AP_BANKED:
            return int.from_bytes(self._bus.read(self._banked(register), 4), "little")
        if register == _AP_DRW:
            size = self._size()
            data = int.from_bytes(self._bus.read(self._tar, size), "little") << 8 * (self._tar & 3)
            self._advance(size)
            return data
        fixed = {_AP_CSW: self._csw | _CSW_DEVICE_ENABLED, _AP_TAR: self._tar, _AP_IDR: _AHB_AP_IDR}
        return fixed.get(register, self._rom_table | 3 if register == _AP_BASE else 0)

    def write_ap(self, address: int, value: int) -> None:
        """Write an access port register.

        Raises:
            MemoryFault: a data register, and nothing is at the transfer address.
        """
        register = address & _REGISTER_MASK
        if address & _SELECTED_MASK:
            return
        if register == _AP_CSW:
            self._csw = value & _CSW_WRITABLE
        elif register == _AP_TAR:
            self._tar = value
        elif register in _AP_BANKED:
            self._bus.write(self._banked(register), value.to_bytes(4, "little"))
        elif register == _AP_DRW:
            size = self._size()
            lane = 8 * (self._tar & 3)
            self._bus.write(self._tar, (value >> lane & (1 << 8 * size) - 1).to_bytes(size, "little"))
            self._advance(size)

    def _banked(self, register: int) -> int:
        return (self._tar & ~0xF) + register - _AP_BANKED.start

    def _size(self) -> int:
        return 1 << min(self._csw & _CSW_SIZE, 2)

    def _advance(self, size: int) -> None:
        """Increment the transfer address, which wraps within 1 KB."""
        if self._csw & _CSW_INCREMENT:
            self._tar = self._tar & -_WRAP_BYTES | (self._tar + size) % _WRAP_BYTES
