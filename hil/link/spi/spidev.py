"""Linux spidev, and a line of the GPIO character device as data-ready: through python-periphery.

``spidev:/dev/spidevBUS.SELECT?data_ready=/dev/gpiochipN/LINE``. The kernel drives the chip select of the device node.

Where a board must be selected for some time before it is clocked, a transfer of no bytes goes first, with a delay
behind it (include/uapi/linux/spi/spidev.h, delay_usecs): the kernel's core selects, clocks nothing and waits
(drivers/spi/spi.c, spi_transfer_one_message). Drivers that go through a message by themselves may leave the delay out:
one is timed when the bridge is opened, and such a driver is refused, unless the address says ``select=unchecked``. What
cannot be told from here is whether the line is low meanwhile: a controller whose hardware selects when it clocks keeps
it high. A chip select that is a GPIO (cs-gpios in the device tree) is low.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import struct
import time
from array import array
from typing import TYPE_CHECKING, Any, Final

from hil.errors import LinkError, RigError
from hil.link.spi.managed import ManagedBridge
from hil.link.spi.packages import load

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress

_MODES: Final = (0, 1, 2, 3)
_TRANSFER: Final = struct.Struct("=QQI4xH6x")
"""spi_ioc_transfer of <linux/spi/spidev.h>: addresses to send from and receive to, bytes, delay behind them in us."""
_SPI_IOC_MESSAGE: Final = 0x4000_6B00
_SIZE_BITS: Final = 16
_CHECK_US: Final = 10_000
_NO_BIAS: Final = (errno.EINVAL, errno.ENOTSUP, errno.ENXIO, 524)
"""What a GPIO driver without pull resistors answers; 524 is the kernel's own ENOTSUPP."""


class SpidevBridge(ManagedBridge):
    """An SPI controller of this computer.

    Args:
        address: device node; options ``hz``, ``data_ready`` and ``select``.
        clock_hz: fastest clock allowed, in Hz; the controller takes what it can make below.
        mode: SPI mode, 0 to 3.
        select_s: how long chip select is low before the first clock, in s, at least.

    Raises:
        RigError: device node or line is missing, in use or not permitted, or cannot do the mode;
            its driver leaves the time before the first clock out.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> None:
        address.allow("hz", "data_ready", "select")
        address.check_mode(mode, _MODES, "there is no such mode")
        self.address = address.text
        self.clock_hz = address.slowed(clock_hz)
        self._periphery = load("periphery", "python-periphery", "SPI", "GPIO")
        line = _line(address)
        checked = _checked(address)
        self._select_us = math.ceil(select_s * 1e6)
        self._open: list[Any] = []
        try:
            self._spi = self._spi_device(address, mode)
            if self._select_us and checked:
                self._check_delay(address)
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
            return self._selected(data, self._select_us) if self._select_us else bytes(self._spi.transfer(data))
        except OSError as error:
            raise self._gone(error) from error

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

    def _selected(self, data: bytes, select_us: int) -> bytes:
        """One message: no bytes, a delay, and the bytes; the library sends only messages of one transfer."""
        buffer = array("B", data)
        place = buffer.buffer_info()[0]
        transfers = _TRANSFER.pack(0, 0, 0, select_us) + _TRANSFER.pack(place, place, len(data), 0)
        fcntl.ioctl(self._spi.fd, _SPI_IOC_MESSAGE | len(transfers) << _SIZE_BITS, transfers)
        return buffer.tobytes()

    def _check_delay(self, address: BridgeAddress) -> None:
        """Time a delay, long enough to tell from what an ioctl takes; the board hears nothing but chip select."""
        transfer = _TRANSFER.pack(0, 0, 0, _CHECK_US)
        began = time.monotonic()
        try:
            fcntl.ioctl(self._spi.fd, _SPI_IOC_MESSAGE | len(transfer) << _SIZE_BITS, transfer)
        except OSError as error:
            took, cause = 0.0, f"it refuses a transfer of no bytes: {error}"
        else:
            took = time.monotonic() - began
            cause = f"a delay of {_CHECK_US} us took {took * 1e6:.0f} us"
        if took * 1e6 < _CHECK_US:
            raise RigError(
                f"the driver of {address.device} does not hold chip select for {self._select_us} us before it clocks, "
                "as the board needs",
                cause=cause,
                hint="use another bridge; or, where an oscilloscope shows that its clock comes late enough, write "
                "select=unchecked in the address",
            )

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


def _checked(address: BridgeAddress) -> bool:
    """Whether to find out if the driver holds chip select."""
    given = address.options.get("select", "")
    if given not in {"", "unchecked"}:
        raise address.bad_query(f"option 'select' is '{given}'", "write select=unchecked, or leave it out")
    return not given


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
