"""What the emulator of a powered board knows of its firmware, told when a command ends."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hil.emulator.machine import MachineError
from hil.result import noticed_sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.emulator.power import PoweredBoard


@contextmanager
def noticed_told(powered: PoweredBoard, say: Callable[[str], object]) -> Iterator[None]:
    """Tell it at the end, however that comes; where the emulator has gone, its own end is told by others."""
    try:
        yield
    finally:
        tell_noticed(powered, say)
        with suppress(MachineError):
            if why := powered.why_stopped(powered.machine.status()):
                say(f"stopped: {why}")


def tell_noticed(powered: PoweredBoard, say: Callable[[str], object]) -> None:
    """Tell it now; of a board that has lost its power nothing is known any more."""
    with suppress(MachineError):
        if sentence := noticed_sentence(powered.machine.status().noticed):
            say(sentence)
