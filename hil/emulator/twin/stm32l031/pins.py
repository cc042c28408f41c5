"""Which pin has which signal as which alternate function: STM32L031K, as ST's pin data in Zephyr's hal_stm32 has it.

File dts/st/l0/stm32l031k(4-6)tx-pinctrl.dtsi there, generated from STM32CubeMX's data base.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.emulator.twin.stm32l031.gpio import Gpio

FUNCTIONS: Final[Mapping[str, Mapping[str, int]]] = {
    "USART2_TX": {"PA2": 4, "PA9": 4, "PA14": 4, "PB6": 0},
    "USART2_RX": {"PA3": 4, "PA10": 4, "PA15": 4, "PB7": 0},
    "LPUART1_TX": {"PA2": 6, "PA14": 6},
    "LPUART1_RX": {"PA3": 6, "PA13": 6},
    "SPI1_NSS": {"PA4": 0, "PA15": 0},
    "SPI1_SCK": {"PA5": 0, "PB3": 0},
    "SPI1_MISO": {"PA6": 0, "PA11": 0, "PB0": 1, "PB4": 0},
    "SPI1_MOSI": {"PA7": 0, "PA12": 0, "PB1": 1, "PB5": 0},
}

_PINS: Final = 16  # of a port


class Pins:
    """What the pins are connected to, inside.

    Args:
        ports: by their letters.
    """

    def __init__(self, ports: Mapping[str, Gpio]) -> None:
        self._ports = ports

    def port(self, pin: str) -> tuple[Gpio, int]:
        """Port and number of a pin, as in ``PA2``.

        Raises:
            ValueError: the part has no such pin.
        """
        found = re.fullmatch(r"P([A-Z])(1?\d)", pin)
        if found is None or found[1] not in self._ports or int(found[2]) >= _PINS:
            raise ValueError(f"the part has no pin '{pin}'")
        return self._ports[found[1]], int(found[2])

    def path(self, signal: str, pin: str) -> Callable[[], str]:
        """Tells why a signal does not get to a pin; empty where it does."""
        port, number = self.port(pin)
        function = FUNCTIONS[signal][pin]
        blocked = f"{pin} is not set to alternate function {function} ({signal})"
        return lambda: "" if port.function(number) == function else blocked

    def why_not(self, signal: str, pin: str) -> str:
        """Why a signal does not get to a pin; empty where it does."""
        return self.path(signal, pin)()
