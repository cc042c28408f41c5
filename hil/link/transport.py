"""Bytes to and from a serial port: a device path, a pty, or a URL of pyserial: ``socket://…``, ``rfc2217://…``."""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Self

import serial  # type: ignore[import-untyped]
from serial.tools import list_ports  # type: ignore[import-untyped]

from hil.errors import LinkError, RigError

if TYPE_CHECKING:
    from types import TracebackType

READ_SLICE_S = 0.02
"""Longest time that one read waits: the grain of every deadline above."""

_WRITE_TIMEOUT_S = 5.0
_BOUNDED_BY_ITSELF = "rfc2217:"  # pyserial bounds its writes by 5 s, and refuses to be told another time
_DEFAULT_BAUD = 115200


class Transport:
    """An open port. Every call is bounded in time.

    Args:
        address: device path or URL.
        baud: bits per second; 0 for a link that has no such thing.

    Raises:
        RigError: the port is missing, busy or not permitted.
    """

    def __init__(self, address: str, baud: int = 0) -> None:
        self.address = address
        try:
            self._port = serial.serial_for_url(
                address,
                baudrate=baud or _DEFAULT_BAUD,
                timeout=READ_SLICE_S,
                write_timeout=None if address.startswith(_BOUNDED_BY_ITSELF) else _WRITE_TIMEOUT_S,
                exclusive=None if "://" in address else True,
            )
        except (serial.SerialException, ValueError) as error:
            raise _open_error(address, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the port; may be called twice."""
        with contextlib.suppress(OSError):
            self._port.close()

    def write(self, data: bytes) -> None:
        """Hand bytes to the port.

        Raises:
            LinkError: the port is gone, or has taken nothing for some seconds.
        """
        try:
            self._port.write(data)
        except serial.SerialTimeoutException as error:
            raise LinkError(
                f"port {self.address} takes no more bytes: nobody reads its other end", cause=str(error)
            ) from error
        except OSError as error:
            raise self._gone(error) from error

    def read(self) -> bytes:
        """Whatever has arrived; waits at most READ_SLICE_S for the first byte.

        Raises:
            LinkError: the port is gone.
        """
        try:
            first: bytes = self._port.read(1)
            waiting = self._port.in_waiting if first else 0
            return first + (self._port.read(waiting) if waiting else b"")
        except OSError as error:
            raise self._gone(error) from error

    def diagnosis(self) -> str:
        """A UART's wires tell nothing of themselves."""
        return ""

    def _gone(self, error: OSError) -> LinkError:
        return LinkError(
            f"port {self.address} went away while it was in use",
            cause=str(error),
            hint="check the cable, or whether the emulated board is still powered",
        )


def _open_error(address: str, error: Exception) -> RigError:
    """The sentence for a port that does not open."""
    code = getattr(error, "errno", None)
    if code == errno.ENOENT:
        ports = sorted(port.device for port in list_ports.comports())
        there = f"ports on this computer: {', '.join(ports)}" if ports else "no serial port is plugged in"
        return RigError(f"there is no port {address}", hint=there)
    if code in (errno.EACCES, errno.EPERM):
        return RigError(
            f"no permission to open port {address}",
            hint="add yourself to its group ('sudo usermod -aG dialout $USER') and log in again",
        )
    if code in (errno.EBUSY, errno.EAGAIN):
        return RigError(
            f"port {address} is in use by another program",
            hint=f"close the other program ('fuser {address}' names it)",
        )
    return RigError(f"port {address} cannot be opened", cause=str(error), hint="check --port")
