"""SPIDriver (Excamera Labs) through its own library, spidriver: ``spidriver:/dev/ttyUSB0``.

Its clock is fixed. It has no input beside MISO, so the board is polled. Its library waits a second for each answer,
takes a short one as it is, and prints what it does not like: all three are looked after here.

Between chip select and the first clock it takes the command that clocks off its serial line, a byte of which lasts
21.7 us. To hold chip select for longer it is told several times to select.
"""

from __future__ import annotations

import contextlib
import io
import math
import time
from typing import TYPE_CHECKING, Any, Final

from hil.errors import LinkError, RigError
from hil.link.spi.managed import ManagedBridge
from hil.link.spi.packages import load
from hil.link.transport import Transport

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress

_CLOCK_HZ: Final = 490_000
"""24.5 MHz / (2 * (24 + 1)): SPI0CKR as its firmware sets it (github.com/jamesbowman/spidriver, firmware/main.fs)."""

_BAUD: Final = 460_800
_BYTE_S: Final = 10 / _BAUD
_BURST: Final = 64
"""Most bytes of one command (protocol.md there)."""
_TIMEOUT_S: Final = 5.0
_QUIET_S: Final = 0.3
_MODES: Final = {"spidriver1": (0,), "spidriver2": (0, 1, 2, 3)}


class SpiDriverBridge(ManagedBridge):
    """An SPIDriver.

    Args:
        address: its serial port; option ``hz``.
        clock_hz: fastest clock allowed, in Hz.
        mode: SPI mode: 0, from the second model on 0 to 3.
        select_s: how long chip select is low before the first clock, in s, at least.

    Raises:
        RigError: the port is missing, in use or not permitted, no SPIDriver answers there, or it cannot do mode or
            clock.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> None:
        address.allow("hz")
        self.address = address.text
        self.clock_hz = _CLOCK_HZ
        if (wanted := address.slowed(clock_hz)) < _CLOCK_HZ:
            raise RigError(
                f"bridge {address.text} cannot clock at {wanted} Hz or less: an SPIDriver has one clock",
                hint=f"it clocks at {_CLOCK_HZ} Hz; for a slower one use another bridge",
            )
        self._selects = max(1, math.ceil(select_s / _BYTE_S))
        library = load("spidriver", "spidriver", "SPIDriver")
        self._driver: Any = library.SPIDriver.__new__(library.SPIDriver)
        self._lock = Transport(address.device, _BAUD)  # the library opens the port as if it were alone
        try:
            self._attach(library.SPIDriver)
            self._set_mode(address, mode)
            self._driver.unsel()
        except BaseException:
            self.close()
            raise

    def exchange(self, data: bytes) -> bytes:
        """One transaction, at most 5 s for each 64 bytes; the board is released within some bytes' time after it.

        Raises:
            LinkError: the port is gone, or nothing or too little comes back.
        """
        heard = b""
        try:
            for _ in range(self._selects):
                self._driver.sel()
            for start in range(0, len(data), _BURST):
                piece = data[start : start + _BURST]
                answer = self._driver.writeread(piece)
                heard += answer
                if len(answer) < len(piece):
                    break
            self._driver.unsel()
        except OSError as error:  # SerialException is one
            raise self._lost(str(error)) from error
        if len(heard) < len(data):
            raise self._lost(f"{len(heard)} of {len(data)} bytes came back within {_TIMEOUT_S:g} s")
        if more := self._driver.ser.in_waiting:
            raise self._lost(f"{more} bytes more came back than were sent")
        return heard

    def data_ready(self) -> bool | None:
        """None: it has no input for that line."""
        return None

    def close(self) -> None:
        """Release the port, the board deselected; may be called twice."""
        port = getattr(self._driver, "ser", None)
        if port is not None and port.is_open:
            with contextlib.suppress(OSError):
                self._driver.unsel()
            with contextlib.suppress(OSError):
                port.close()
        self._lock.close()

    def _attach(self, library_class: Any) -> None:
        """Let the library open the port; it reads for as long as something comes in, so nothing may."""
        end = time.monotonic() + _QUIET_S
        while self._lock.read():
            if time.monotonic() > end:
                raise self._none("it sends without being asked")
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                library_class.__init__(self._driver, self._lock.address)
        except (OSError, IndexError, ValueError) as error:
            raise self._none(" ".join(said.getvalue().split()) or f"no answer ({type(error).__name__})") from error
        self._driver.ser.write_timeout = _TIMEOUT_S
        self._driver.ser.timeout = _TIMEOUT_S

    def _set_mode(self, address: BridgeAddress, mode: int) -> None:
        product = self._driver.product
        if product not in _MODES:
            raise self._none(f"it calls itself '{product}'")
        address.check_mode(mode, _MODES[product], f"its model is {product}")
        if product != "spidriver1":  # there the library's setmode ends in a NameError
            self._driver.setmode(mode)

    def _none(self, cause: str) -> RigError:
        return RigError(
            f"no SPIDriver answers on port {self._lock.address}",
            cause=cause,
            hint="check that this is its port; unplug it and plug it in again",
        )

    def _lost(self, cause: str) -> LinkError:
        return LinkError(
            f"SPIDriver on port {self._lock.address} stopped answering", cause=cause, hint="check its USB cable"
        )
