"""The agent on the twin's nRF51822, and a host in its own time, over either link; as `tests.twin.virtual_host`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Self

from hil.emulator.twin.core import Stop
from hil.link.agent import Agent
from hil.link.session import Session
from hil.link.spi.wire import SpiWire
from tests.twin.nrf51.bench import BAUD, BOARD, WIRING, Chip51

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from hil.link.session import Wire

EPOCH = 0x1234  # where another session's would be random
SPI_HZ = 2_000_000


class AgentChip51(Chip51):
    """The chip with a firmware that has started and sleeps."""

    def __init__(self, firmware: Path | None) -> None:
        assert firmware is not None
        super().__init__(firmware.read_bytes())
        while self.go(self.clock_hz // 100) is not Stop.ASLEEP:
            pass

    def go(self, cycles: int) -> Stop:
        """Run on, as the machine does in each of its slices."""
        stop = self.run(self.now() + max(1, cycles))
        assert stop in {Stop.DUE, Stop.ASLEEP}, (stop, self.fault_words())
        assert not self.trouble, self.trouble
        assert not self.notes, self.notes
        return stop

    def clock(self) -> float:
        return float(self.seconds())


class UartWire:
    """A `hil.link.session.Wire`: to wait is to let the chip run."""

    address = "the twin's UART"

    def __init__(self, chip: AgentChip51) -> None:
        self._chip = chip

    def write(self, data: bytes) -> None:
        self._chip.serial.send(data)

    def diagnosis(self) -> str:
        return ""

    def read(self) -> bytes:
        heard = self._chip.serial.to_host
        while not heard:
            stop = self._chip.go(10 * self._chip.clock_hz // BAUD // 4)
            assert heard or stop is not Stop.ASLEEP, "the host and the board both wait"
        data = bytes(heard)
        del heard[:]
        return data


class Bridge51:
    """A `hil.link.spi.bridge.Bridge` to the chip, which takes no time of its own."""

    address = "the twin's SPI pins"
    clock_hz = SPI_HZ

    def __init__(self, chip: AgentChip51, *, ready: bool = True) -> None:
        self._chip = chip
        self._ready = ready

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        pass

    def close(self) -> None:
        """Nothing is open."""

    def wait(self, seconds: float) -> None:
        """Let the time pass, also where the chip has nothing to do."""
        self._chip.wait(max(1, self._chip.cycles(Fraction(seconds))))
        assert not self._chip.notes, self._chip.notes

    def data_ready(self) -> bool | None:
        return self._chip.spi_master.level(WIRING.data_ready) if self._ready else None

    def exchange(self, data: bytes) -> bytes:
        return self._chip.spi_master.transfer(data, self.clock_hz)


def over(chip: AgentChip51, wire: Wire) -> Agent:
    """An agent's client."""
    agent = Agent(BOARD.name)
    agent.attach(
        Session(
            wire,
            BOARD.name,
            baud=BAUD,
            timeout_s=2.0,
            clock=chip.clock,
            random_bits=lambda bits: EPOCH & ((1 << bits) - 1),
        )
    )
    return agent


def over_uart(chip: AgentChip51) -> Agent:
    return over(chip, UartWire(chip))


def over_spi(chip: AgentChip51, *, ready: bool = True) -> Agent:
    bridge = Bridge51(chip, ready=ready)
    wire = SpiWire(bridge, BOARD.name, board_hz=chip.clock_hz, clock=chip.clock, wait=bridge.wait)
    return over(chip, wire)
