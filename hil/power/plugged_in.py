"""Which current analyzers could be used on this computer: packages that are installed, and what is plugged in.

Nothing is opened but the driver of Joulescopes, which lists them, and a TCP port: a serial port belongs to who uses it.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from hil.errors import RigError
from hil.power.packages import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from serial.tools.list_ports_common import ListPortInfo  # type: ignore[import-untyped]

PPK2: Final = (0x1915, 0xC00A)
"""Nordic's, as ppk2lab has it."""
_STM32_PORT: Final = (0x0483, 0x5740)
"""ST's number of every virtual port that its firmware library makes; that the LPM01A's is one is recalled."""
_OTII: Final = ("localhost", 1905)
_CONNECT_S: Final = 0.5


@dataclass(frozen=True)
class Analyzers:
    """One kind of current analyzer.

    Attributes:
        kind: as addresses have it.
        title: for people.
        package: that it needs, with its version, or empty where it needs none.
        lacks: the package that is not installed; empty where it is.
        addresses: to type behind ``--meter``, of those that are plugged in.
        absent: what to do where none is.
    """

    kind: str
    title: str
    package: str
    lacks: str
    addresses: tuple[str, ...]
    absent: str


def analyzers(ports: Iterable[ListPortInfo]) -> list[Analyzers]:
    """Every kind that there is a driver for.

    Args:
        ports: serial ports of this computer, as pyserial lists them.
    """
    listed = sorted(ports, key=lambda port: str(port.device))
    return [
        _of("ppk2", "Nordic PPK2", "ppk2lab", lambda: _ppk2s(listed), "plug it in by its own USB port"),
        _of("lpm01a", "ST X-NUCLEO-LPM01A", "", lambda: _lpm01as(listed), "plug in its USB connector"),
        _of("joulescope", "Joulescope", "pyjoulescope_driver", _joulescopes, "plug it in, with its maker's udev rule"),
        _of("otii", "Otii Arc or Ace", "otii-tcp-client", _otiis, "start Otii 3 with its TCP server (port 1905)"),
    ]


def _of(kind: str, title: str, package: str, find: Callable[[], list[str]], absent: str) -> Analyzers:
    found = ""
    if package:
        try:
            found = f"{package} {version(package)}"
        except PackageNotFoundError:
            return Analyzers(kind, title, "", package, (), absent)
    return Analyzers(kind, title, found, "", tuple(find()), absent)


def _ppk2s(ports: Sequence[ListPortInfo]) -> list[str]:
    """The first of the two ports that each has."""
    first: dict[str, str] = {}
    for port in ports:
        if (port.vid, port.pid) == PPK2:
            first.setdefault(port.serial_number or port.location or port.device, port.device)
    return [f"ppk2:{device}?voltage=3.0&marker=D0" for device in first.values()]


def _lpm01as(ports: Sequence[ListPortInfo]) -> list[str]:
    """Those that may be one: others' programs have the same numbers."""
    return [f"lpm01a:{port.device}?voltage=3.0" for port in ports if (port.vid, port.pid) == _STM32_PORT]


def _joulescopes() -> list[str]:
    with suppress(RigError, RuntimeError, TimeoutError, OSError):
        driver = load("pyjoulescope_driver", "pyjoulescope_driver", "Driver").Driver()
        try:
            return [
                f"joulescope:{path.split('/')[-1]}?supply=3.0&marker=GPI0" for path in sorted(driver.device_paths())
            ]
        finally:
            driver.finalize()
    return []


def _otiis() -> list[str]:
    host, port = _OTII
    with suppress(OSError), socket.create_connection(_OTII, timeout=_CONNECT_S):
        return [f"otii:{host}:{port}?voltage=3.0&marker=GPI1"]
    return []
