"""A simulated SPIDriver (https://spidriver.com) on an SPI bus: the instrument's side of its serial protocol.

Commands as in the maker's protocol.md and in the package ``spidriver`` 1.1.1, which also has ``x`` and ``m``; what they
do as in the maker's firmware/main.fs (github.com/jamesbowman/spidriver), which is that of the spidriver1: it has mode 0
alone. This one says that it is a spidriver2, whose firmware is not published, as that package sets a mode on no other.
SCK is 490 kHz: 24.5 MHz over 2 · 25, the least that SPI0CKR comes to for 500 kHz there.

The real one takes 22 us for a byte on its serial line (460800 baud), and about as long to start the next one over SPI;
here an answer is there at once, and on the bus a command's bytes follow each other without a gap. Only what comes over
the serial line between chip select and the first clock takes its time.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.spi_bus import SpiBus

SCK_HZ: Final = 490_000
BYTE_S: Final = 10 / 460_800
"""What a byte takes on its serial line, in s."""
STATUS_BYTES: Final = 80
_EXCHANGE, _WRITE = 0x80, 0xC0
_COUNT: Final = 0x3F  # of a command: bytes - 1
_WITH_ARGUMENT: Final = b"eabm"
_MODES: Final = 3


class SpiDriver:
    """The instrument: bytes that come over its serial line in, its answers out.

    Args:
        bus: what it is wired to.
        uptime_s: since it was plugged in, in s.

    Attributes:
        selected: CS is low.
        mode: 0 to 3.
        outputs: levels of its lines A and B.
        crc: CCITT-16 of all bytes that went over the bus: of each command those sent, then those received.
    """

    def __init__(self, bus: SpiBus, uptime_s: Callable[[], float] = lambda: 0.0) -> None:
        self._bus = bus
        self._uptime_s = uptime_s
        self._pending = bytearray()
        self.selected = False
        self._since_select: int | None = None  # bytes that came, until the first clock
        self.mode = 0
        self.outputs = {"a": 1, "b": 1}
        self.crc = 0xFFFF

    def feed(self, data: bytes) -> bytes:
        """Take bytes as they arrive; what it answers to the commands that are complete now."""
        self._pending += data
        answers = bytearray()
        while self._pending and len(self._pending) >= (size := self._size(self._pending[0])):
            command = bytes(self._pending[:size])
            del self._pending[:size]
            answers += self._do(command[0], command[1:])
        return bytes(answers)

    @staticmethod
    def _size(first: int) -> int:
        """Bytes of a command."""
        if first >= _EXCHANGE:
            return 2 + (first & _COUNT)
        return 2 if first in _WITH_ARGUMENT else 1

    def _do(self, command: int, argument: bytes) -> bytes:
        if command >= _EXCHANGE:
            # The command and its first byte have come.
            held_s = None if self._since_select is None else (self._since_select + 2) * BYTE_S
            self._since_select = None
            heard = self._bus.transfer(argument, SCK_HZ, self.mode, held_s=held_s)
            self.crc = binascii.crc_hqx(argument, self.crc)
            if command >= _WRITE:
                return b""
            self.crc = binascii.crc_hqx(heard, self.crc)
            return heard
        if self._since_select is not None:
            self._since_select += 1 + len(argument)
        match chr(command):
            case "?":
                return self._status()
            case "e":
                return argument
            case "s" | "u" | "x" as name:  # what is detached floats, and CS is pulled up
                if (name == "s") != self.selected:
                    self._since_select = 0 if name == "s" else None
                self.selected = name == "s"
                self._bus.select(on=self.selected)
            case "a" | "b" as name:
                self.outputs[name] = argument[0] & 1
            case "m":
                self.mode = argument[0] & _MODES
        return b""

    def _status(self) -> bytes:
        fields = (
            "spidriver2",
            "HILTWIN1",
            f"{int(self._uptime_s()):09d}",
            "5.000",  # V
            "0",  # mA
            "25.0",  # °C
            str(self.outputs["a"]),
            str(self.outputs["b"]),
            str(int(not self.selected)),
            f"{self.crc:04x}",
            str(self.mode),
        )
        return f"[{' '.join(fields):<{STATUS_BYTES - 2}}]".encode()
