"""Bus Pirate v3 and v4 in binary SPI mode, over its serial port: ``buspirate:/dev/ttyUSB0``.

No library for it is kept on PyPI, so this speaks its protocol (github.com/BusPirate/Bus_Pirate:
Documentation/bitbang.md, Firmware/spi.c). It has no input that can be read while it is in this mode, so the board is
polled.

Commands follow each other as flashrom sends them: chip select with the first, or last, 16 bytes. More at once would be
faster, but a v3 pauses after each command and its UART holds four bytes.

That serial line, of which a byte lasts 87 us, is between chip select and the first clock of a v3. A v4 has none: where
a board must be selected for some time first, the first bytes wait for the answer to chip select, and that time.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Final

from hil.errors import LinkError, RigError
from hil.link.spi.managed import ManagedBridge
from hil.link.transport import Transport

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress

_BAUD: Final = 115_200
_BURST: Final = 16
_TIMEOUT_S: Final = 5.0
_SETTLE_S: Final = 1.0
_ZERO_WAIT_S: Final = 0.02
_ZEROS: Final = 25
"""To enter binary mode it takes 20; an interrupted command may swallow some."""

_CLOCKS: Final = (31_250, 125_000, 250_000, 1_000_000, 2_000_000, 2_666_667, 4_000_000, 8_000_000)
"""In Hz, by their numbers."""
_SLOWEST: Final = 1
"""At number 0 a byte takes longer than on the v3's UART, which would lose some."""

_ENTER: Final = b"\x00"
_BINARY: Final = b"BBIO1"
_SPI: Final = b"\x01"
_SPI_MODE: Final = b"SPI1"
_SELECT: Final = b"\x02"
_RELEASE: Final = b"\x03"
_BULK: Final = 0x10
_SPEED: Final = 0x60
_CONFIG: Final = 0x80
_PUSH_PULL: Final = 0x08
_IDLE_HIGH: Final = 0x04
_ACTIVE_TO_IDLE: Final = 0x02
_LEAVE: Final = b"\x0f"
_OK: Final = b"\x01"
_LEAVE_MENU: Final = b"\r" * 10 + b"#\r"
"""From any menu to its prompt, as its documentation has it."""


class BusPirateBridge(ManagedBridge):
    """A Bus Pirate; its outputs are push-pull, 3.3 V. Its own supplies stay off.

    Args:
        address: its serial port; option ``hz``.
        clock_hz: fastest clock allowed, in Hz.
        mode: SPI mode, 0 to 3.
        select_s: how long chip select is low before the first clock, in s, at least.

    Raises:
        RigError: the port is missing, in use or not permitted, no Bus Pirate answers there, or it cannot clock so
            slowly.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> None:
        address.allow("hz")
        address.check_mode(mode, (0, 1, 2, 3), "there is no such mode")
        self.address = address.text
        self._select_s = select_s
        self.clock_hz, speed = _fastest(address, clock_hz)
        self._port = Transport(address.device, _BAUD)
        self._open = True
        try:
            self._enter()
            self._setting(_SPEED | speed, f"its clock of {self.clock_hz} Hz")
            polarity = _IDLE_HIGH if mode & 2 else 0
            edge = 0 if mode & 1 else _ACTIVE_TO_IDLE
            self._setting(_CONFIG | _PUSH_PULL | polarity | edge, f"SPI mode {mode}")
        except LinkError as error:
            self.close()
            raise self._none(str(error)) from error
        except BaseException:
            self.close()
            raise

    def exchange(self, data: bytes) -> bytes:
        """One transaction, at most 5 s for each 16 bytes.

        Raises:
            LinkError: the port is gone, or what comes back is no answer.
        """
        heard = b""
        if self._select_s:
            if (answer := self._ask(_SELECT, len(_OK))) != _OK:
                raise self._lost(f"it answered {answer.hex(' ')} when it was to select")
            time.sleep(self._select_s)
        for start in range(0, len(data), _BURST):
            piece = data[start : start + _BURST]
            select, last = start == 0 and not self._select_s, start + _BURST >= len(data)
            command = _SELECT * select + bytes((_BULK | (len(piece) - 1),)) + piece + _RELEASE * last
            answer = self._ask(command, len(command))
            told = _OK * (1 + select)
            if not answer.startswith(told) or not answer.endswith(_OK * last):
                raise self._lost(f"it answered {answer.hex(' ')}")
            heard += answer[len(told) : len(told) + len(piece)]
        return heard

    def data_ready(self) -> bool | None:
        """None: it has no input for that line."""
        return None

    def close(self) -> None:
        """Leave binary mode, which lets its pins go, and release the port; may be called twice."""
        if self._open:
            self._open = False
            with contextlib.suppress(LinkError):
                self._port.write(_RELEASE + _ENTER + _LEAVE)
            self._port.close()

    def _enter(self) -> None:
        """Into binary mode from wherever it is, then into SPI mode."""
        if not self._zeros():
            self._port.write(_LEAVE_MENU)
            self._settle()
            if not self._zeros():
                raise self._none(f"no '{_BINARY.decode()}' came back for {_ZEROS} zero bytes, twice")
        self._settle()
        if (answer := self._ask(_SPI, len(_SPI_MODE))) != _SPI_MODE:
            raise self._none(f"'{_SPI_MODE.decode()}' was expected, and {answer!r} came back")

    def _zeros(self) -> bool:
        """Zero bytes one by one until it says that it is in binary mode."""
        heard = b""
        for _ in range(_ZEROS):
            self._port.write(_ENTER)
            end = time.monotonic() + _ZERO_WAIT_S
            while time.monotonic() < end:
                heard += self._port.read()
                if _BINARY in heard:
                    return True
        return False

    def _settle(self) -> None:
        """Drop what still comes in, until nothing does."""
        end = time.monotonic() + _SETTLE_S
        while self._port.read():
            if time.monotonic() > end:
                raise self._none("it sends without being asked")

    def _setting(self, command: int, what: str) -> None:
        if (answer := self._ask(bytes((command,)), len(_OK))) != _OK:
            raise self._none(f"{what}: it answered {answer.hex(' ')}")

    def _ask(self, command: bytes, count: int) -> bytes:
        """Send a command; its answer, as long as it is to be."""
        self._port.write(command)
        answer = b""
        end = time.monotonic() + _TIMEOUT_S
        while len(answer) < count:
            if time.monotonic() > end:
                raise self._lost(f"{len(answer)} of {count} bytes came back within {_TIMEOUT_S:g} s")
            answer += self._port.read()
        if len(answer) > count:
            raise self._lost(f"{len(answer)} bytes came back where {count} were due")
        return answer

    def _none(self, cause: str) -> RigError:
        return RigError(
            f"no Bus Pirate answers on port {self._port.address}",
            cause=cause,
            hint="check that this is its port; unplug it and plug it in again",
        )

    def _lost(self, cause: str) -> LinkError:
        return LinkError(
            f"Bus Pirate on port {self._port.address} stopped answering as it should",
            cause=cause,
            hint="check its USB cable",
        )


def _fastest(address: BridgeAddress, clock_hz: int) -> tuple[int, int]:
    """Clock in Hz and its number."""
    wanted = address.slowed(clock_hz)
    fitting = [(hz, number) for number, hz in enumerate(_CLOCKS) if number >= _SLOWEST and hz <= wanted]
    if not fitting:
        raise RigError(
            f"bridge {address.text} cannot clock at {wanted} Hz or less",
            hint=f"a Bus Pirate clocks at {', '.join(map(str, _CLOCKS[_SLOWEST:]))} Hz",
        )
    return fitting[-1]
