"""The twin's nRF51822 with a small program, or with a build of the agent, and its registers within reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.board import load_board
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.core import Stop
from hil.emulator.twin.nrf51.part import Nrf51822
from tests.twin.snippets import SLEEPER, assemble

if TYPE_CHECKING:
    from hil.emulator.twin.registers import Peripheral

BOARD: Final = load_board("microbit")
assert BOARD.links.uart is not None
assert BOARD.links.spi is not None
BAUD: Final = BOARD.links.uart.baud
PINS: Final = (BOARD.links.uart.tx, BOARD.links.uart.rx)
WIRING: Final = SpiWiring.of(BOARD.links.spi)
ERASED: Final = b"\xff"


class Chip51(Nrf51822):
    """The board's chip with some content of its flash, on the board's wires, reset."""

    def __init__(self, image: bytes) -> None:
        super().__init__(BAUD, PINS)
        self.connect_spi(WIRING)
        self.flash_content[:] = list(image.ljust(len(self.flash_content), ERASED))
        self.reset()

    def wait(self, cycles: int) -> None:
        """Let so many cycles pass."""
        until = self.now() + cycles
        while self.now() < until:
            self.events.at(until, lambda _cycle: None)  # a core that sleeps has something to sleep to
            assert self.run(until) in {Stop.DUE, Stop.ASLEEP}, self.fault_words()
            assert not self.trouble, self.trouble

    def word(self, at: int = 0) -> int:
        """A word of what the program has left in RAM."""
        return int.from_bytes(bytes(self.ram_content[at : at + 4]), "little")


class Bench51(Chip51):
    """With a program in assembly, running. Vectors and code as `snippets.assemble` has them, from 0 on."""

    def __init__(self, code: str = SLEEPER) -> None:
        super().__init__(assemble(code, origin=0))
        self.by_name = {each.name: each for each in self.peripherals}

    def _place(self, register: str) -> tuple[Peripheral, int]:
        name, _, rest = register.partition("_")
        peripheral = self.by_name["POWER_CLOCK" if name in {"POWER", "CLOCK"} else name]
        return peripheral, next(each.offset for each in peripheral.REGISTERS if each.name == rest)

    def write(self, register: str, value: int, *, size: int = 4) -> None:
        peripheral, offset = self._place(register)
        peripheral.write(offset, size, value)

    def read(self, register: str) -> int:
        peripheral, offset = self._place(register)
        return peripheral.read(offset, 4)
