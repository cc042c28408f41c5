"""The twin's SPI pins as a bus: a transfer runs the chip, for as long as its bits take and no longer."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError
from hil.emulator.spi_bus import FASTEST_HZ, LONGEST_BYTES, LONGEST_HOLD_S, SLOWEST_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.spi_bus import SpiWiring
    from hil.emulator.twin.part import Part

_MODES: Final = range(4)
_BETWEEN: Final = Fraction(400, 10**6)
"""What the board has of its time between two transactions, in s, or until it sleeps. What a master waits for passes by
the clock on the wall; a busy core may have been given nothing of that."""


class TwinBus:
    """A `hil.emulator.spi_bus.SpiBus`. Used from one thread.

    Args:
        wiring: pins of the chip.
        running: the chip while its core runs; None otherwise.
        run: runs it up to a cycle of its clock; false when that has ended before, for good or for a debugger.
        wake: has the chip go on by itself, as it may have something to do.

    Attributes:
        selected: chip select is low.
    """

    def __init__(
        self,
        wiring: SpiWiring,
        running: Callable[[], Part | None],
        run: Callable[[Part, int], bool],
        wake: Callable[[], None],
    ) -> None:
        self._wiring = wiring
        self._running = running
        self._run = run
        self._wake = wake
        self._released = Fraction(0)  # in s of the chip's time
        self._chip: Part | None = None
        self.selected = False

    def connect(self, chip: Part | None) -> None:
        """Put the chip that has power now on the bus, or none.

        Raises:
            MachineError: the wires end where it does not have its SPI, or no pin.
        """
        self._chip = None
        self._released = Fraction(0)
        if chip is not None:
            try:
                chip.connect_spi(self._wiring)
            except ValueError as error:
                raise MachineError("the twin's SPI bus cannot be connected", cause=str(error)) from error
            chip.spi_master.select(on=self.selected)
            self._chip = chip

    def select(self, *, on: bool) -> None:
        """See `SpiBus`; a core that is halted takes note of the edge when it goes on."""
        if on and not self.selected:
            self._pause()
        self.selected = on
        if self._chip is not None:
            self._chip.spi_master.select(on=on)
            self._released = self._chip.seconds()
            self._wake()

    def _pause(self) -> None:
        chip = self._running()
        if chip is not None and (left := self._released + _BETWEEN - chip.seconds()) > 0:
            self._run(chip, chip.now() + chip.cycles(left))

    def transfer(self, data: bytes, clock_hz: int, mode: int, *, held_s: float | None = None) -> bytes:
        """See `SpiBus`."""
        if mode not in _MODES or not SLOWEST_HZ <= clock_hz <= FASTEST_HZ or len(data) > LONGEST_BYTES:
            raise MachineError(
                f"the emulated SPI bus has no transfer of {len(data)} bytes at {clock_hz} Hz in mode {mode}",
                hint=f"up to {LONGEST_BYTES} bytes, {SLOWEST_HZ} to {FASTEST_HZ} Hz, mode 0 to 3",
            )
        if held_s is not None and not 0 <= held_s <= LONGEST_HOLD_S:
            raise MachineError(
                f"the emulated SPI bus is not selected for {held_s} s before it is clocked",
                hint=f"from 0 to {LONGEST_HOLD_S} s",
            )
        chip = self._running()
        if chip is None:
            return b"\xff" * len(data)
        master = chip.spi_master
        master.mode = mode
        clocking = master.begin_clock(data, clock_hz, lead=None if held_s is None else Fraction(held_s))
        while not clocking.done:
            if not self._run(chip, master.end(clocking)):
                master.abort(clocking)
        return bytes(clocking.heard)

    def data_ready(self) -> bool:
        """See `SpiBus`."""
        chip = self._running()
        return chip is not None and bool(self._wiring.data_ready) and chip.spi_master.level(self._wiring.data_ready)
