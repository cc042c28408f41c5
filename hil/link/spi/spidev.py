"""Linux spidev, and a line of the GPIO character device as data-ready: through python-periphery.

``spidev:/dev/spidevBUS.SELECT?data_ready=/dev/gpiochipN/LINE``. The kernel drives the chip select of the device node.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
from typing import TYPE_CHECKING, Any, Final

from hil.errors import LinkError, RigError
from hil.link.spi.managed import ManagedBridge
from hil.link.spi.packages import load

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress

_MODES: Final = (0, 1, 2, 3)
_NO_BIAS: Final = (errno.EINVAL, errno.ENOTSUP, errno.ENXIO, 524)
"""What a GPIO driver without pull resistors answers; 524 is the kernel's own ENOTSUPP."""


class SpidevBridge(ManagedBridge):
    """An SPI controller of this computer.

    Args:
        address: device node; options ``hz`` and ``data_ready``.
        clock_hz: fastest clock allowed, in Hz; the controller takes what it can make below.
        mode: SPI mode, 0 to 3.

    Raises:
        RigError: device node or line is missing, in use or not permitted, or cannot do the mode.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int) -> None:
        address.allow("hz", "data_ready")
        address.check_mode(mode, _MODES, "there is no such mode")
        self.address = address.text
        self.clock_hz = address.slowed(clock_hz)
        self._periphery = load("periphery", "python-periphery", "SPI", "GPIO")
        line = _line(address)
        self._open: list[Any] = []
        try:
            self._spi = self._spi_device(address, mode)
            self._ready = self._input(address, *line) if line else None
        except BaseException:
            self.close()
            raise

    def exchange(self, data: bytes) -> bytes:
        """One transaction; the kernel bounds its time.

        Raises:
            LinkError: the device is gone.
        """
        try:
            heard: bytes = self._spi.transfer(data)
        except OSError as error:
            raise self._gone(error) from error
        return heard

    def data_ready(self) -> bool | None:
        """Level of the line; None where the address names none.

        Raises:
            LinkError: the line is gone.
        """
        if self._ready is None:
            return None
        try:
            return bool(self._ready.read())
        except OSError as error:
            raise self._gone(error) from error

    def close(self) -> None:
        """Close device and line; may be called twice."""
        while self._open:
            with contextlib.suppress(OSError):
                self._open.pop().close()

    def _spi_device(self, address: BridgeAddress, mode: int) -> Any:
        try:
            spi = self._periphery.SPI(address.device, mode, self.clock_hz)
            self._open.append(spi)
            # The kernel lets any number of programs open a device node: their transactions would mix.
            fcntl.flock(spi.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise RigError(
                    f"{address.device} refuses SPI mode {mode} at {self.clock_hz} Hz, 8 bits a word",
                    cause=str(error),
                    hint="see what its driver can do, or use another bridge",
                ) from error
            raise address.refused(address.device, error, group="spi") from error
        return spi

    def _input(self, address: BridgeAddress, chip: str, line: int) -> Any:
        """The line as an input, pulled down where the chip can: a line that is not connected then reads low."""
        for bias in ("pull_down", "default"):
            try:
                pin = self._periphery.GPIO(chip, line, "in", bias=bias, label="hil data-ready")
            except OSError as error:
                if bias == "default" or error.errno not in _NO_BIAS:
                    raise address.refused(f"{chip} line {line}", error, group="gpio") from error
            else:
                self._open.append(pin)
                return pin
        raise AssertionError("the last bias either opens or raises")

    def _gone(self, error: OSError) -> LinkError:
        return LinkError(
            f"SPI bridge {self.address} went away while it was in use", cause=str(error), hint="see the end of 'dmesg'"
        )


def _line(address: BridgeAddress) -> tuple[str, int] | None:
    """Chip and number of the data-ready line."""
    given = address.options.get("data_ready")
    if given is None:
        return None
    chip, _, number = given.rpartition("/")
    if not chip or not number.isascii() or not number.isdecimal():
        raise address.bad_query(
            f"option 'data_ready' is '{given}'", "write chip and line, as in data_ready=/dev/gpiochip0/25"
        )
    return chip, int(number)
