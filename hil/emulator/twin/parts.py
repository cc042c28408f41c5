"""The parts that the twin has, by how their names begin: a folder a family beside this, and a line here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError
from hil.emulator.twin.nrf51.part import Nrf51822
from hil.emulator.twin.stm32l031.part import Stm32l031
from hil.emulator.twin.stm32l031.variant import STM32L031, STM32L053

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec
    from hil.emulator.twin.part import Part
    from hil.emulator.twin.stm32l031.variant import Variant


@dataclass(frozen=True)
class Kind:
    """A part.

    Attributes:
        name: how the names of such parts begin.
        kept: sizes of the memories beside the flash that keep their content without power, in bytes.
        make: powers one, from the board's facts; ValueError where they do not fit it.
    """

    name: str
    kept: tuple[int, ...]
    make: Callable[[MachineSpec], Part]


def _nrf51822(spec: MachineSpec) -> Nrf51822:
    tx, rx = spec.serial_pins
    return Nrf51822(spec.baud, (tx, rx))


def _stm32l0(variant: Variant) -> Kind:
    return Kind(variant.name, (variant.eeprom_bytes,), lambda spec: Stm32l031(spec.baud, variant))


KINDS: Final = (
    _stm32l0(STM32L031),
    _stm32l0(STM32L053),
    Kind("nRF51822", (), _nrf51822),
)


def kind_of(part: str) -> Kind:
    """The kind that a part is of.

    Raises:
        MachineError: the twin has none of that name.
    """
    for kind in KINDS:
        if part.casefold().startswith(kind.name.casefold()):
            return kind
    there = ", ".join(kind.name for kind in KINDS)
    raise MachineError(f"the twin has no {part or 'part without a name'}", hint=f"it has {there}")
