"""A Bus Pirate v3: its prompt, binary mode and binary SPI mode, byte for byte (github.com/BusPirate/Bus_Pirate:
Documentation/bitbang.md, Firmware/binary_io.c, Firmware/spi.c). Its serial line takes no time, as that of a v4, which
has none: what comes at once with chip select is clocked at once.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.emulator.spi_bus import SpiBus

_CLOCKS = (31_250, 125_000, 250_000, 1_000_000, 2_000_000, 2_666_667, 4_000_000, 8_000_000)
_CLOCKS_LATER = (50_000, 1_333_333, 3_200_000, 5_333_333)  # firmware 7 has these behind them
_ZEROS = 20
_OK, _NO = b"\x01", b"\x00"
_ROW = 16

Step = Generator[bytes, int, None]
"""Yields what is sent back, takes the next byte."""


class BusPirate:
    """Attributes:
    in_menu: whether its terminal shows a menu, which takes what is typed for an answer.
    push_pull: whether its outputs are; if not, a line that it does not pull down stays low, as nothing pulls it up.
    """

    def __init__(self, bus: SpiBus, *, in_menu: bool = False) -> None:
        self._bus = bus
        self.in_menu = in_menu
        self.push_pull = False
        self._clock = _CLOCKS[1]
        self._mode = 0
        self._just_selected = False
        self._due = 0  # bytes of a bulk transfer that are still to come
        self._program = self._terminal()
        next(self._program)

    def feed(self, data: bytes) -> bytes:
        said = b""
        self._just_selected = False
        while data:
            taken = min(self._due, len(data)) or 1
            said += self._exchange(data[:taken]) if self._due else self._program.send(data[0])
            data = data[taken:]
        return said

    def _terminal(self) -> Step:
        said, zeros = b"", 0
        while True:
            byte = yield said
            zeros = zeros + 1 if byte == 0 and not self.in_menu else 0
            said = bytes((byte,)) if byte >= ord(" ") else b"\x07" if byte == 0 else b""
            if self.in_menu and byte == ord("\r"):
                self.in_menu = False
                said = b"\r\nHiZ>"
            if zeros == _ZEROS:
                yield from self._bitbang()
                said, zeros = _OK + b"\r\nBus Pirate v3b\r\nHiZ>", 0

    def _bitbang(self) -> Step:
        said = b"BBIO1"
        while True:
            byte = yield said
            if byte == 0x00:
                said = b"BBIO1"
            elif byte == 0x01:
                yield from self._spi()
                said = b"BBIO1"
            elif byte == 0x0F:
                return
            else:
                said = bytes((byte & 0x7F,)) if byte & 0x80 else _NO

    def _spi(self) -> Step:
        self._clock, self._mode, self.push_pull = _CLOCKS[1], 0, False
        said = b"SPI1"
        while True:
            byte = yield said
            group, low = byte >> 4, byte & 0x0F
            if byte == 0x00:
                self._bus.select(on=False)
                return
            if byte == 0x01:
                said = b"SPI1"
            elif byte in {0x02, 0x03}:
                self._bus.select(on=byte == 0x02)
                self._just_selected = byte == 0x02
                said = _OK
            elif group == 0x1:
                self._due = low + 1
                said = _OK
            elif group == 0x4:
                self._bus.select(on=not low & 1)
                said = _OK
            elif group == 0x6:
                clocks = _CLOCKS + _CLOCKS_LATER
                said = _OK if low < len(clocks) else _NO
                self._clock = clocks[low] if low < len(clocks) else self._clock
                self._bus.select(on=False)
            elif group == 0x8:
                self._mode = (low & 0x4) >> 1 | (not low & 0x2)
                self.push_pull = bool(low & 0x8)
                self._bus.select(on=False)
                said = _OK
            else:
                said = _NO

    def _exchange(self, data: bytes) -> bytes:
        self._due -= len(data)
        held_s = 0.0 if self._just_selected else None
        self._just_selected = False
        sent = data if self.push_pull else bytes(len(data))
        return self._bus.transfer(sent, self._clock, self._mode, held_s=held_s)
