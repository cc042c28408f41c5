"""The udev rules that let users open debug probes and bridges, made from the tables of what pyOCD knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyocd.probe.pydapaccess.interface.common import (  # type: ignore[import-untyped] # has annotations, no py.typed
    KNOWN_CMSIS_DAP_IDS,
)
from pyocd.probe.stlink.usb import STLinkUSBInterface  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path("/")
FILE: Final = "70-hil-probes.rules"
INSTALL: Final = (
    f"hil doctor --udev | sudo tee /etc/udev/rules.d/{FILE} >/dev/null && "
    "sudo udevadm control --reload && sudo udevadm trigger"
)

FT232H: Final = (0x0403, 0x6014)
"""As pyftdi has it."""

_FOLDERS: Final = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
_ACCESS: Final = 'MODE="0660", GROUP="plugdev", TAG+="uaccess"'
_MORE: Final = (
    ("SEGGER J-Link", 0x1366, None),
    ("Raspberry Pi Debug Probe", 0x2E8A, 0x000C),
    ("FTDI FT232H", *FT232H),
)


def rules() -> str:
    """The file's text. Who is at the computer may open a probe, and who is in group plugdev."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield f"# {FILE}: debug probes and SPI bridges for hil. Install:"
    yield f"#   {INSTALL}"
    yield 'ACTION!="add|change", GOTO="hil_end"'
    yield 'SUBSYSTEM!="usb|hidraw", GOTO="hil_end"'  # serial ports are group dialout's
    for name, vendor, product_id in _devices():
        numbers = f'ATTRS{{idVendor}}=="{vendor:04x}"'
        if product_id is not None:
            numbers += f', ATTRS{{idProduct}}=="{product_id:04x}"'
        yield f"# {name}"
        yield f"{numbers}, {_ACCESS}"
    yield 'LABEL="hil_end"'


def _devices() -> Iterator[tuple[str, int, int | None]]:
    for product_id, info in STLinkUSBInterface.USB_PID_EP_MAP.items():
        yield f"ST-LINK/{info.version_name}", STLinkUSBInterface.USB_VID, product_id
    for vendor, product_id in KNOWN_CMSIS_DAP_IDS:
        yield "CMSIS-DAP", vendor, product_id
    yield from _MORE


def covering(numbers: tuple[int, int], root: Path | None = None) -> list[Path]:
    """The installed rule files that name a vendor and product, whoever installed them."""
    vendor, product_id = numbers
    return [path for path in _files(root or ROOT) if _names(path, f"{vendor:04x}", f"{product_id:04x}")]


def installed(root: Path | None = None) -> bool:
    """Whether the file of `rules` is installed."""
    return any(path.name == FILE for path in _files(root or ROOT))


def _files(root: Path) -> Iterable[Path]:
    for folder in _FOLDERS:
        yield from sorted((root / folder).glob("*.rules"))


def _names(path: Path, vendor: str, product_id: str) -> bool:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").lower().splitlines()
    except OSError:
        return False
    used = [line for line in lines if not line.lstrip().startswith("#") and f'{{idvendor}}=="{vendor}"' in line]
    return any("{idproduct}" not in line or product_id in line for line in used)
