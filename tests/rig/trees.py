"""A computer's /sys and /dev as its kernel makes them for what is plugged in, in a folder that pyserial reads too."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING

from serial.tools import list_ports, list_ports_linux

from hil.find import probes, udev, usb

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CONTROLLER = "devices/pci0000:00/0000:00:14.0"


@dataclass(frozen=True)
class Device:
    """What somebody plugs in.

    Attributes:
        interfaces: their names.
        tty: number of the interface with a serial port, and how the kernel names that; several for several.
        disk: number of the interface with mass storage.
        page: what its MBED.HTM says, where it is mounted.
    """

    vendor: int
    product_id: int
    serial: str | bytes | None
    manufacturer: str
    product: str
    interfaces: tuple[str, ...]
    tty: tuple[tuple[int, str], ...] = ()
    disk: int | None = None
    page: str | None = None

    def with_serial(self, serial: str | bytes) -> Device:
        return Device(**{**self.__dict__, "serial": serial})

    def with_page(self, board_id: str) -> Device:
        return Device(**{**self.__dict__, "page": PAGE.format(id=board_id)})


PAGE = '<html><meta http-equiv="refresh" content="0; url=http://mbed.org/device/?code={id}02210E2A5B1C0000"/></html>\n'
STLINK_V21 = Device(
    0x0483,
    0x374B,
    "066DFF485550755187121723",
    "STMicroelectronics",
    "STM32 STLink",
    ("ST-Link Debug", "ST-Link MSD", "ST-Link VCP Ctrl", "ST-Link VCP Data"),
    tty=((2, "ttyACM"),),
    disk=1,
)
STLINK_V2 = Device(  # twelve bytes where others have characters
    0x0483, 0x3748, bytes(range(0x60, 0x6C)).decode().encode(), "STMicroelectronics", "STM32 STLink", ("",)
)
STLINK_V3_2VCP = Device(
    0x0483,
    0x3753,
    "001D00293433510237363934",
    "STMicroelectronics",
    "STLINK-V3",
    ("ST-Link Debug", "ST-Link VCP Ctrl", "ST-Link VCP Data", "ST-Link VCP Ctrl", "ST-Link VCP Data"),
    tty=((1, "ttyACM"), (3, "ttyACM")),
)
MICROBIT = Device(
    0x0D28,
    0x0204,
    "9900000031864e45000f100f0000003f0000000097969901",
    "ARM",
    '"BBC micro:bit CMSIS-DAP"',
    ("USB_MSC", "mbed Serial Port", "mbed Serial Port", "CMSIS-DAP v1"),
    tty=((1, "ttyACM"),),
    disk=0,
)
FRDM = MICROBIT.with_serial("0200000024364e45000f100f0000003f0000000097969901")
LPC845_BRK = Device(
    0x1FC9, 0x0132, "04EB0F0D", "NXP", "LPC11U3x CMSIS-DAP v1.0.7", ("CMSIS-DAP", "VCOM", "VCOM"), tty=((1, "ttyACM"),)
)
JLINK = Device(
    0x1366, 0x0105, "000683012345", "SEGGER", "J-Link", ("CDC", "CDC Data", "BULK interface"), tty=((0, "ttyACM"),)
)
FTDI_CABLE = Device(0x0403, 0x6001, "A50285BI", "FTDI", "FT232R USB UART", ("FT232R USB UART",), tty=((0, "ttyUSB"),))
HUB = Device(0x1A40, 0x0101, None, "", "USB 2.0 Hub", ("",))
KEYBOARD = Device(0x046D, 0xC31C, None, "Logitech", "USB Keyboard", ("", ""))


@dataclass
class Computer:
    """A computer that things are plugged into.

    Attributes:
        root: where its files are.
        dev: where its serial ports are.
    """

    root: Path
    dev: str = "/dev"
    _address: int = 2
    _ttys: set[str] = field(default_factory=set)
    _disks: int = 0

    def __post_init__(self) -> None:
        for folder in ("bus/usb/devices", "class/tty", "bus/usb/drivers"):
            (self.sys / folder).mkdir(parents=True)
        self.mounts.write_text("proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n")
        self._folder("usb1", Device(0x1D6B, 0x0002, "0000:00:14.0", "Linux", "xHCI Host Controller", ()))

    @property
    def sys(self) -> Path:
        return self.root / "sys"

    @property
    def mounts(self) -> Path:
        return self.root / "mounts"

    def plug(self, place: str, device: Device) -> list[str]:
        """Plug a device in; paths of the serial ports that the kernel gives it."""
        folder = self._folder(place, device)
        given = []
        for number, name in enumerate(device.interfaces):
            interface = folder / f"{place}:1.{number}"
            interface.mkdir()
            (interface / "bInterfaceNumber").write_text(f"{number:02x}\n")
            if name:
                (interface / "interface").write_text(f"{name}\n")
            self._link(self.sys / f"bus/usb/devices/{interface.name}", interface)
            given += [self._tty(interface, kind) for at, kind in device.tty if at == number]
            if device.disk == number:
                self._disk(interface, device.page)
            if "CMSIS-DAP" in name:
                self._raw(interface)
        return given

    def unplug(self, place: str) -> None:
        for link in (*(self.sys / "bus/usb/devices").iterdir(), *(self.sys / "class/tty").iterdir()):
            target = os.path.realpath(link)
            if f"/{place}/" in f"{target}/" or link.name.startswith(f"{place}:"):
                self._ttys.discard(link.name)
                link.unlink()
        shutil.rmtree(self._place(place))

    def ports(self) -> list[str]:
        return sorted(f"{self.dev}/{name}" for name in self._ttys)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Have hil, and the code of pyserial itself, look at this computer."""
        patch.setattr(usb, "SYS", self.sys)
        patch.setattr(usb, "DEV", self.root / "dev")
        patch.setattr(udev, "ROOT", self.root)
        patch.setattr(probes, "MOUNTS", self.mounts)
        plain = {name: getattr(os.path, name) for name in ("join", "basename", "dirname")}
        path = SimpleNamespace(
            **plain,
            exists=lambda name: os.path.exists(self._here(name)),  # noqa: PTH110 # what pyserial calls
            realpath=lambda name: os.path.realpath(self._here(name)),
            islink=lambda _: False,
        )
        patch.setattr(list_ports_linux, "os", SimpleNamespace(path=path))
        patch.setattr(list_ports_linux, "glob", SimpleNamespace(glob=self._glob))
        patch.setattr(list_ports, "comports", list_ports_linux.comports)

    def _here(self, name: str) -> str:
        return f"{self.root}{name}" if name.startswith("/sys/") else name

    def _glob(self, pattern: str) -> list[str]:
        kind = pattern.removeprefix("/dev/").rstrip("*")
        return [port for port in self.ports() if port.startswith(f"{self.dev}/{kind}")]

    def _place(self, place: str) -> Path:
        if place.startswith("usb"):
            return self.sys / CONTROLLER / place
        bus, _, ports = place.partition("-")
        numbers = ports.split(".")
        chain = [f"{bus}-{'.'.join(numbers[: depth + 1])}" for depth in range(len(numbers))]
        return self.sys.joinpath(CONTROLLER, f"usb{bus}", *chain)

    def _folder(self, place: str, device: Device) -> Path:
        folder = self._place(place)
        folder.mkdir(parents=True)
        self._address += 1
        texts = {
            "idVendor": f"{device.vendor:04x}",
            "idProduct": f"{device.product_id:04x}",
            "manufacturer": device.manufacturer,
            "product": device.product,
            "busnum": "1",
            "devnum": str(self._address),
            "bNumInterfaces": f"{len(device.interfaces):2d}",
        }
        for name, text in texts.items():
            if text:
                (folder / name).write_text(f"{text}\n")
        if device.serial is not None:
            serial = device.serial if isinstance(device.serial, bytes) else device.serial.encode()
            (folder / "serial").write_bytes(serial + b"\n")
        self._link(self.sys / f"bus/usb/devices/{place}", folder)
        return folder

    def _tty(self, interface: Path, kind: str) -> str:
        name = next(f"{kind}{number}" for number in range(64) if f"{kind}{number}" not in self._ttys)
        self._ttys.add(name)
        if kind == "ttyUSB":  # a driver for serial adapters has a device of its own in between
            holder = interface / name
            holder.mkdir()
            self._link(holder / "subsystem", self._bus("usb-serial"))
        else:
            holder = interface
            self._link(holder / "subsystem", self.sys / "bus/usb")
        tty = holder / "tty" / name
        tty.mkdir(parents=True)
        self._link(tty / "device", holder)
        self._link(self.sys / "class/tty" / name, tty)
        return f"{self.dev}/{name}"

    def _bus(self, name: str) -> Path:
        folder = self.sys / "bus" / name
        folder.mkdir(exist_ok=True)
        return folder

    def open_to_user(self) -> None:
        """As udev's rules do: the files of what is plugged in are there for this user."""
        for device in usb.usb_devices():
            for path in device.closed:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()

    @staticmethod
    def _raw(interface: Path) -> None:
        (interface / "0003:0D28:0204.0001/hidraw/hidraw3").mkdir(parents=True)

    def _disk(self, interface: Path, page: str | None) -> None:
        self._disks += 1
        name = f"sd{chr(ord('a') + self._disks)}"
        number = f"{self._disks}:0:0:0"
        (interface / f"host{self._disks}/target{self._disks}:0:0/{number}/block/{name}").mkdir(parents=True)
        if page is not None:
            folder = self.root / f"media/NODE {name}"
            folder.mkdir(parents=True)
            (folder / "MBED.HTM").write_text(page)
            with self.mounts.open("a") as mounts:
                mounts.write(f"/dev/{name} {str(folder).replace(' ', chr(92) + '040')} vfat rw 0 0\n")

    @staticmethod
    def _link(at: Path, to: Path) -> None:
        at.symlink_to(os.path.relpath(to, at.parent))
