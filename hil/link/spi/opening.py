"""Opens the bridge that an address names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from hil.errors import RigError
from hil.link.spi.address import EXAMPLES, BridgeAddress, parse_address
from hil.link.spi.buspirate import BusPirateBridge
from hil.link.spi.ftdi import FtdiBridge
from hil.link.spi.pins import PinsBridge
from hil.link.spi.spidev import SpidevBridge
from hil.link.spi.spidriver import SpiDriverBridge
from hil.nearest import offer

if TYPE_CHECKING:
    from hil.link.spi.bridge import Bridge


class _Opens(Protocol):
    def __call__(self, address: BridgeAddress, *, clock_hz: int, mode: int, select_s: float = 0.0) -> Bridge: ...


_KINDS: Final[dict[str, _Opens]] = {
    "buspirate": BusPirateBridge,
    "ftdi": FtdiBridge,
    "pins": PinsBridge,
    "spidev": SpidevBridge,
    "spidriver": SpiDriverBridge,
}


def open_bridge(address: str, *, clock_hz: int, mode: int, select_s: float = 0.0) -> Bridge:
    """Open a bridge, the board deselected.

    Args:
        address: kind, device and options, e.g. ``spidev:/dev/spidev0.0?data_ready=/dev/gpiochip0/25``. Option ``hz``
            makes the clock slower; ``data_ready`` says where that line is connected.
        clock_hz: fastest clock that the board takes, above 0.
        mode: SPI mode of the board, 0 to 3.
        select_s: how long chip select is low before the first clock of each transaction, in s, at least; up to 1 ms.

    Raises:
        InputError: the address cannot be read.
        RigError: there is no such bridge, it is in use or not permitted, its package is not installed, it cannot do
            this mode or clock or hold, or an option means nothing to it.
    """
    parsed = check_address(address)
    return _KINDS[parsed.kind](parsed, clock_hz=clock_hz, mode=mode, select_s=select_s)


def check_address(address: str) -> BridgeAddress:
    """The parts of an address, whose kind of bridge there is; nothing is opened.

    Raises:
        InputError: the address cannot be read.
        RigError: there is no such kind of bridge.
    """
    parsed = parse_address(address)
    if parsed.kind not in _KINDS:
        raise RigError(
            f"bridge address {address}: '{parsed.kind}' is no kind of SPI bridge",
            hint=f"{offer(parsed.kind, list(_KINDS), 'kinds')}; addresses look so: {EXAMPLES}",
        )
    return parsed
