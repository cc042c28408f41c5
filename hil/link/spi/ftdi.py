"""FTDI's MPSSE (FT232H, FT2232H, FT4232H) through pyftdi: ``ftdi://ftdi:232h/1?data_ready=4``.

SCK is ADBUS0, MOSI ADBUS1, MISO ADBUS2, chip select ADBUS3. Data-ready may be any pin from 4 on: 4 to 7 are ADBUS4 to
ADBUS7, 8 to 15 ACBUS0 to ACBUS7.

Modes 0 and 2 only: FTDI's application note AN 114 says that the engine has no others, and pyftdi documents its way
around that, a three-phase clock, as unreliable (pyftdi/doc/api/spi.rst, "SPI Modes 1 & 3"; its issues 127 and 318).
"""

from __future__ import annotations

import contextlib
import errno
import math
from typing import TYPE_CHECKING, Any, Final

from hil.errors import LinkError, RigError
from hil.link.spi.managed import ManagedBridge
from hil.link.spi.packages import load

if TYPE_CHECKING:
    from hil.link.spi.address import BridgeAddress

_MODES: Final = (0, 2)
_FIRST_PIN: Final = 4
_BASE_HZ: Final = 30_000_000
"""Fastest clock; slower ones are whole parts of it (AN 108, "Set clk divisor")."""
_DIVIDERS: Final = 1 << 16
_HOLD_S: Final = 3 / 60e6
"""What each repeated command to set the pins takes at least: three bytes, of which the engine, at 60 MHz, takes one a
clock at best. FTDI's own sample code (AN 114) reckons with 0.2 us."""
_TIMEOUT_MS: Final = 1000
_GONE: Final = "check its USB cable"


class FtdiBridge(ManagedBridge):
    """An FTDI chip with an MPSSE.

    Args:
        address: as pyftdi writes URLs; options ``hz`` and ``data_ready``, the number of a pin.
        clock_hz: fastest clock allowed, in Hz.
        mode: SPI mode, 0 or 2.
        select_s: how long chip select is low before the first clock, in s, at least.

    Raises:
        RigError: there is no such chip, it is in use or not permitted, has no MPSSE, or cannot do mode, clock or pin.
    """

    def __init__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> None:
        address.allow("hz", "data_ready")
        address.check_mode(mode, _MODES, "an FTDI chip has no others (its application note AN 114)")
        pin = address.number("data_ready", least=_FIRST_PIN)
        self.address = address.text
        divider, self.clock_hz = _divided(address, clock_hz)
        self._url = f"ftdi://{address.device}"
        spi = load("pyftdi.spi", "pyftdi", "SpiController")
        tools = load("pyftdi.usbtools", "pyftdi", "UsbTools", "UsbToolsError")
        _find_libusb()
        tools.UsbTools.flush_cache()  # a chip that was plugged in again is another one
        self._controller: Any = spi.SpiController(cs_count=1)
        self._controller.ftdi.timeouts = (_TIMEOUT_MS, _TIMEOUT_MS)
        try:
            self._controller.configure(self._url)
            self._check_series()
            self._port = self._controller.get_port(cs=0, freq=_BASE_HZ / divider, mode=mode)
            self._gpio = self._input(address, pin) if pin is not None else None
        except (OSError, ValueError, tools.UsbToolsError) as error:
            self.close()
            raise self._refused(address, error) from error
        except BaseException:
            self.close()
            raise
        self._mask = 1 << pin if pin is not None else 0
        self._holds = math.ceil(select_s / _HOLD_S)

    def exchange(self, data: bytes) -> bytes:
        """One transaction, at most about four seconds: the USB time-outs.

        Raises:
            LinkError: the chip is gone, or answers too little.
        """
        try:
            if self._holds:
                self._port.force_select(level=False, cs_hold=self._holds)
            heard = bytes(self._port.exchange(data, start=not self._holds, duplex=True))
        except OSError as error:
            raise self._gone(str(error)) from error
        if len(heard) < len(data):
            raise self._gone(f"{len(heard)} of {len(data)} bytes came back")
        return heard

    def data_ready(self) -> bool | None:
        """Level of the pin; None where the address names none.

        Raises:
            LinkError: the chip is gone, or does not answer.
        """
        if self._gpio is None:
            return None
        try:
            return bool(self._gpio.read() & self._mask)
        except OSError as error:
            raise self._gone(str(error)) from error

    def close(self) -> None:
        """Release the chip, all pins inputs; may be called twice."""
        with contextlib.suppress(OSError):
            self._controller.close()

    def _input(self, address: BridgeAddress, pin: int) -> Any:
        if pin >= self._controller.width:
            last = self._controller.width - 1
            raise address.bad_query(f"option 'data_ready' is '{pin}'", f"pins {_FIRST_PIN} to {last} are free on it")
        gpio = self._controller.get_gpio()
        gpio.set_direction(1 << pin, 0)
        return gpio

    def _refused(self, address: BridgeAddress, error: Exception) -> RigError:
        text = str(error)
        if "No backend available" in text:
            return RigError(
                "libusb is not installed, and FTDI bridges need it",
                cause=text,
                hint="install it ('sudo apt install libusb-1.0-0', or 'pip install libusb-package')",
            )
        if "No USB device matches" in text or "No USB device with S/N" in text:
            return RigError(f"there is no FTDI chip {self._url}", cause=text, hint="'ftdi_urls.py' lists what there is")
        # Where it may not be opened, pyusb says only that it has no strings.
        code = errno.EACCES if "no langid" in text else _errno(error)
        return address.refused(f"FTDI chip {self._url}", error, group="plugdev", code=code)

    def _check_series(self) -> None:
        if not self._controller.ftdi.is_H_series:
            raise RigError(
                f"FTDI chip {self._url} is an {self._controller.ftdi.ic_name}, which is none of the Hi-Speed ones",
                hint="take an FT232H, FT2232H or FT4232H",
            )

    def _gone(self, cause: str) -> LinkError:
        return LinkError(f"FTDI chip {self._url} stopped answering as it should", cause=cause, hint=_GONE)


def _divided(address: BridgeAddress, clock_hz: int) -> tuple[int, int]:
    """Divider of the base clock, and the clock that it makes, in whole Hz."""
    wanted = address.slowed(clock_hz)
    divider = -(-_BASE_HZ // wanted)
    if divider > _DIVIDERS:
        raise RigError(
            f"bridge {address.text} cannot clock at {wanted} Hz or less",
            hint=f"an FTDI chip clocks at {_BASE_HZ // _DIVIDERS + 1} to {_BASE_HZ} Hz",
        )
    return divider, _BASE_HZ // divider


def _find_libusb() -> None:
    """Let pyusb find the libusb that pyOCD brings, where the system has none; pyusb remembers it."""
    with contextlib.suppress(RigError, OSError):
        load("libusb_package", "libusb-package", "get_libusb1_backend").get_libusb1_backend()


def _errno(error: BaseException) -> int | None:
    """The USB error's number: pyftdi raises errors of its own for it, without one."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None:
            return seen.errno
        seen = seen.__cause__ or seen.__context__
    return None
