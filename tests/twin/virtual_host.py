"""The agent on the twin and a host in the twin's own time: no pty, no process, no clock on the wall.

The host answers at once: within a quarter of a byte's time. So what a run takes in virtual time is the board's and the
protocol's doing alone, and the same each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hil.board import load_board
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.part import Stm32l031
from hil.link.agent import Agent
from hil.link.session import Session
from tests.twin.counted import counted

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from fractions import Fraction
    from pathlib import Path

    from hil.cycles.counter import CycleCounter
    from hil.emulator.twin.part import Serial

BOARD = load_board("nucleo-l031")
assert BOARD.links.uart is not None
assert BOARD.links.spi is not None
WIRING = SpiWiring.of(BOARD.links.spi)
FAST = BOARD.model_copy(update={"clock_hz": 32_000_000})
"""The board as fast as its part goes: from the PLL, with a wait state on the flash."""

BAUD = BOARD.links.uart.baud
BITS = 10  # of a byte on the wire
EPOCH = 0x1234  # where another session's would be random


class AgentChip(Stm32l031):
    """The chip with a firmware, on the board's wires, reset.

    Attributes:
        sent: all bytes that have left its transmitter, and when.
        slept: cycles that the core has slept.
    """

    def __init__(self, firmware: Path, eeprom: bytes = b"") -> None:
        super().__init__(BAUD)
        self.connect_spi(WIRING)
        self.eeprom_content[: len(eeprom)] = eeprom
        image = firmware.read_bytes()
        self.flash_content[: len(image)] = image
        self.sent: list[tuple[Fraction, int]] = []
        self.slept = 0
        deliver = self.usart2.sent

        def sent(byte: int | None) -> None:
            deliver(byte)
            if byte is not None:
                self.sent.append((self.seconds(), byte))

        self.usart2.sent = sent  # type: ignore[method-assign]
        self.reset()

    def go(self, cycles: int) -> Stop:
        """Run on, as the machine does in each of its slices."""
        stop = self.run(self.core.shared.clock + cycles)
        assert stop in {Stop.DUE, Stop.ASLEEP}, (stop, self.fault_words())
        assert not self.trouble
        assert not self.notes, self.notes
        return stop

    def _sleep(self, horizon: int) -> bool:
        since = self.now()
        goes_on = super()._sleep(horizon)
        self.slept += self.now() - since
        return goes_on

    def counted(self, counter: CycleCounter) -> AbstractContextManager[None]:
        """Count into a counter's file meanwhile; booked at the end, and the core is gone then."""
        return counted(self.core, counter)


class Runs(Protocol):
    def go(self, cycles: int) -> Stop: ...


class ChipWire:
    """A `hil.link.session.Wire`: to wait is to let the chip run.

    Args:
        chip: its `go` runs it.
        line: of its serial port.
        slice_cycles: how long it runs before the host looks what has come.
    """

    def __init__(self, chip: Runs, line: Serial, slice_cycles: int, address: str) -> None:
        self._chip = chip
        self._line = line
        self.slice_cycles = slice_cycles
        self.address = address

    def write(self, data: bytes) -> None:
        self._line.send(data)

    def diagnosis(self) -> str:
        """See Wire."""
        return ""

    def read(self) -> bytes:
        heard = self._line.to_host
        while not heard:
            stop = self._chip.go(self.slice_cycles)
            assert heard or stop is not Stop.ASLEEP, "the host and the board both wait"
        data = bytes(heard)
        del heard[:]
        return data


class VirtualWire(ChipWire):
    """To the agent's chip: the host looks each quarter of a byte's time.

    Attributes:
        written: what the host has sent, and when.
    """

    def __init__(self, chip: AgentChip) -> None:
        super().__init__(chip, chip.usart2.wire, BITS * chip.clock_hz // BAUD // 4, "the twin")
        self.written: list[tuple[Fraction, bytes]] = []
        self._seconds = chip.seconds

    def write(self, data: bytes) -> None:
        self.written.append((self._seconds(), data))
        super().write(data)


def connect(chip: AgentChip) -> tuple[Agent, VirtualWire]:
    """An agent's client on the chip, once the firmware has started and sleeps."""
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        pass
    wire = VirtualWire(chip)
    agent = Agent(BOARD.name)
    agent.attach(
        Session(
            wire,
            BOARD.name,
            baud=BAUD,
            timeout_s=2.0,
            clock=lambda: float(chip.seconds()),
            random_bits=lambda bits: EPOCH & ((1 << bits) - 1),
        )
    )
    return agent, wire
