"""An SPIDriver, byte for byte (github.com/jamesbowman/spidriver: protocol.md, firmware/main.fs).

Command 'm' of the second model is as its library sends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.instruments.spi_bus import SpiBus

_CLOCK_HZ = 490_000
_STATUS_CHARS = 80
_ARGUMENT = b"eabm"


class SpiDriver:
    """Args:
    bus: what is connected.
    product: what it calls itself.
    """

    def __init__(self, bus: SpiBus, product: str = "spidriver2") -> None:
        self._bus = bus
        self._product = product
        self._mode = 0
        self._selected = False
        self._program = self._commands()
        next(self._program)

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._program.send(byte) for byte in data)

    def _commands(self) -> Generator[bytes, int, None]:
        said = b""
        while True:
            command = yield said
            data = bytearray()
            for _ in range((command & 0x3F) + 1 if command & 0x80 else command in _ARGUMENT):
                data.append((yield b""))
            said = self._do(command, bytes(data))

    def _do(self, command: int, data: bytes) -> bytes:
        if command & 0x80:
            heard = self._bus.transfer(data, _CLOCK_HZ, self._mode)
            return b"" if command & 0x40 else heard
        if command in b"su":
            self._selected = command == ord("s")
            self._bus.select(on=self._selected)
        elif command == ord("x"):
            self._bus.select(on=False)
        elif command == ord("m") and self._product != "spidriver1":
            self._mode = data[0] & 3
        elif command == ord("e"):
            return data
        elif command == ord("?"):
            return self._status()
        return b""

    def _status(self) -> bytes:
        levels = f"1 1 {int(not self._selected)}"
        mode = f" {self._mode}" if self._product != "spidriver1" else ""
        text = f"{self._product} HIL00001 000000042 5.190 000 28.4 {levels} ffff{mode}"
        return f"[{text.ljust(_STATUS_CHARS - 2)}]".encode()
