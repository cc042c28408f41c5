"""The one list of backends: what can realise a board when it is not attached; and how backends and probes are called.

A backend is a module (or a folder) with a `hil.emulator.backend.Backend` named ``BACKEND``, and a line here. The list
holds names only, so that whatever reads a board file or an option knows them all without importing any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


HARDWARE: Final = "hardware"
"""The backend of a board that is attached: silicon."""
EMULATED: Final = "emulated"
"""What stands before the colon in the probe uid of an emulated board: ``emulated:microbit``."""
REMOTE: Final = "remote"
"""The same of a probe that is served on a network: ``remote:HOST:PORT``."""


@dataclass(frozen=True)
class Listed:
    """A backend's line.

    Attributes:
        module: where its ``BACKEND`` is; empty while this version has none: the name is an option all the same.
        supervised: it powers a board that has a probe, flash and a serial port, held by a supervisor. One that is not
            is the firmware as a process of this computer: it is the board's only backend, and no option.
        parts: how the names of the microcontrollers begin that it emulates; empty for one that emulates none.
        machines: what a board's ``machine`` can be, where there is a choice.
        serial_pins: the pins of the chip's serial port, tx and rx, by how its name begins; those that it does not name
            have it on any.
        links: the links that it brings to a board's firmware.
        counter_unusable: why the on-chip counter of what it emulates counts no core cycles; empty where it does.
    """

    module: str = ""
    supervised: bool = True
    parts: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    serial_pins: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    links: tuple[str, ...] = ("uart",)
    counter_unusable: str = ""


LISTED: Final[dict[str, Listed]] = {
    "native": Listed("hil.emulator.native", supervised=False),
    "qemu": Listed(
        "hil.emulator.qemu.backend",
        parts=("nRF51",),
        machines=("microbit",),
        counter_unusable="QEMU's TIMER0 follows the host's clock, not the core's cycles",
    ),
    "renode": Listed(
        "hil.emulator.renode.backend",
        parts=("STM32L031",),
        serial_pins={"STM32L031": ("PA2", "PA15")},
        counter_unusable="Renode counts instructions and no cycles",
    ),
    "twin": Listed(
        "hil.emulator.twin.backend",
        parts=("STM32L031", "STM32L053", "nRF51822"),
        serial_pins={"STM32L031": ("PA2", "PA15"), "STM32L053": ("PA2", "PA3")},
        links=("uart", "spi"),
    ),
}


def known_backend(name: str) -> str:
    """The name of a backend of this version, as it is.

    Raises:
        ValueError: it is none.
    """
    known = [f"'{each}'" for each, line in LISTED.items() if line.module]
    if f"'{name}'" not in known:
        raise ValueError(f"there is no backend '{name}', known are {', '.join(known)}")
    return name


def backend_options() -> tuple[str, ...]:
    """What can be asked for by name: whatever is there (auto), an attached board, or an emulator."""
    return ("auto", HARDWARE, *(name for name, line in LISTED.items() if line.supervised))


def is_supervised(name: str) -> bool:
    """Whether a name is that of a backend that a supervisor can power a board with."""
    return name in LISTED and LISTED[name].supervised
