"""A node's chip on the twin: runs in its own time until a moment, or until its data-ready line rises."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.part import Stm32l031
from hil.errors import InputError, TargetFault
from hil.swarm.spent import Spent

if TYPE_CHECKING:
    from hil.board import Board
    from hil.build import Artefact

_NO_BAUD: Final = 115200  # nobody listens to its UART


class NodeChip(Stm32l031):
    """The chip with a firmware and what lies in its image slot; powered at second 0.

    Args:
        board: for pins and memories.
        firmware: built for it.
        slot: content of the image slot.

    Attributes:
        rose_at: when the data-ready line rose last, in s; None while it is low.
    """

    def __init__(self, board: Board, firmware: Artefact, slot: bytes) -> None:
        super().__init__(_NO_BAUD)
        spi = board.links.spi
        if spi is None or not spi.data_ready:
            raise InputError(f"board '{board.name}' has no SPI with a data-ready line, so that it cannot be a node")
        program = firmware.bin.read_bytes() if firmware.bin is not None else b""
        memoryview(self.flash_content).cast("B")[: len(program)] = program
        at = board.image_slot.origin - board.memory.flash.origin
        memoryview(self.flash_content).cast("B")[at : at + len(slot)] = slot
        self.rose_at: Fraction | None = None
        self._asleep_s = Fraction(0)
        self._waking_s = Fraction(0)
        self._moment: Fraction | None = None
        self._until_ready = False
        self.spi_master.connect(SpiWiring.of(spi))
        self.spi_master.mode = spi.mode
        port, self._ready_pin = self.pins.port(spi.data_ready)
        port.on_output.append(self._output)
        self.reset()

    @property
    def spent(self) -> Spent:
        """Since power-up."""
        stopped = self.stood_still - self._waking_s
        awake = self.seconds() - self._asleep_s - stopped
        return Spent(float(awake), float(self._asleep_s), float(stopped))

    def run_to(self, second: Fraction, *, until_ready: bool = False) -> None:
        """Run up to a moment, or with ``until_ready`` until the data-ready line is high, if that is sooner.

        Raises:
            TargetFault: the core is locked up, or the firmware uses what the twin does not model.
        """
        if second <= self.seconds():
            return
        self._moment, self._until_ready = second, until_ready
        timer = self.at_second(second, lambda: None, lasting=True)  # so that there always is something due
        try:
            while self.seconds() < second and not (until_ready and self.rose_at is not None):
                stop = self.run(self.now() + max(1, self.cycles(second - self.seconds())))
                if self.trouble or stop not in {Stop.DUE, Stop.ASLEEP}:
                    raise TargetFault(self.trouble or f"its core has stopped ({stop.name}): {self.fault_words()}")
        finally:
            self.cancel(timer)
            self._moment, self._until_ready = None, False

    def reset(self) -> None:
        """See `Chip`."""
        super().reset()
        self.rose_at = None

    def _output(self, _cycle: int, old: int, new: int) -> None:
        if (old ^ new) >> self._ready_pin & 1:
            rises = bool(new >> self._ready_pin & 1)
            self.rose_at = self.seconds() if rises else None
            if rises and self._until_ready:
                self._come_back_by(0)

    def _goes_on(self, stop: Stop, horizon: int) -> bool:
        if self._until_ready and self.rose_at is not None:
            return False
        # The horizon is a cycle, and of those none has gone by while the clock stood still.
        return super()._goes_on(stop, horizon) and not (self._moment is not None and self.seconds() >= self._moment)

    def _sleep(self, horizon: int) -> bool:
        since = self.seconds()
        stood_still = self.standing_still
        goes_on = super()._sleep(horizon)
        if not stood_still and not self.standing_still:
            self._asleep_s += self.seconds() - since
        return goes_on

    def start_clock(self) -> None:
        """See `Chip`."""
        since = self.seconds()
        super().start_clock()
        self._waking_s += self.seconds() - since
