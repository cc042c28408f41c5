"""What differs between parts of the family, as far as the twin has it: a part is a line here.

All that the twin models has the same registers at the same addresses in the STM32L053 as in the STM32L031: ST's
stm32l053xx.h, held against stm32l031xx.h by a script. What the one has beyond the other is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the dataclass is public, and its types with it
from dataclasses import dataclass, field
from typing import Final

SERIAL_TX: Final = "PA2"
"""Pin of the serial port's sender on the boards of all of them."""


@dataclass(frozen=True)
class Variant:
    """A part.

    Attributes:
        name: how the names of such parts begin.
        flash_bytes: of flash, and so on.
        serial_rx: pin of the serial port's receiver on the part's board.
        idcode: of the device and its revision.
        refused: base addresses of what it has and the twin has not, beside what all have.
    """

    name: str
    flash_bytes: int
    eeprom_bytes: int
    ram_bytes: int
    serial_rx: str
    idcode: int
    refused: Mapping[str, int] = field(default_factory=dict)


STM32L031: Final = Variant(
    "STM32L031",
    flash_bytes=0x8000,
    eeprom_bytes=0x400,
    ram_bytes=0x2000,
    serial_rx="PA15",  # boards/nucleo-l031
    idcode=0x10386425,  # RM0377 27.4.1: category 2 device 0x425; revision (recalled)
)
STM32L053: Final = Variant(
    "STM32L053",
    flash_bytes=0x10000,
    eeprom_bytes=0x800,
    ram_bytes=0x2000,
    serial_rx="PA3",  # boards/nucleo-l053
    idcode=0x10386417,  # RM0367, category 3 device 0x417 (recalled); revision as above
    refused={
        "TIM6": 0x40001000,
        "LCD": 0x40002400,
        "SPI2": 0x40003800,
        "I2C2": 0x40005800,
        "USB": 0x40005C00,
        "CRS": 0x40006C00,
        "DAC": 0x40007400,
        "USART1": 0x40013800,
        "TSC": 0x40024000,
        "RNG": 0x40025000,
        "GPIOD": 0x50000C00,
    },
)
