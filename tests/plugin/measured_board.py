"""An emulated board that stands for one on the desk: kept powered, and measured by a simulated PPK2."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.dut import analyzer
from hil.emulator.power import power
from hil.energy.model import CurrentModel
from hil.power.opening import open_meter
from tests.power.instruments.live import LiveBoard
from tests.power.instruments.ppk2 import RATE_HZ, Ppk2
from tests.power.instruments.source import constant
from tests.power.instruments.streaming_pty import StreamingPty

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

_START = 0x06
BOARD = load_board("nucleo-l031")


class LivePpk2(Ppk2):
    """A PPK2 that measures a board at work."""

    def _do(self, command: bytes) -> bytes:
        if command[0] == _START and isinstance(self.source, LiveBoard):
            self.source.begin(self._number / RATE_HZ)
        return super()._do(command)


@dataclass(frozen=True)
class Desk:
    """What is on it.

    Attributes:
        ppk2: the instrument.
        path: its port.
        probe: uid of the board's probe.
        port: the board's serial port.
    """

    ppk2: Ppk2
    path: str
    probe: str
    port: str

    def meter(self, options: str = "voltage=3.0&marker=D0&simulated=yes") -> str:
        return f"ppk2:{self.path}?{options}"

    def arguments(self, options: str = "voltage=3.0&marker=D0&simulated=yes") -> list[str]:
        """For pytest."""
        named = ["--board=nucleo-l031", f"--hil-probe={self.probe}", f"--hil-port={self.port}"]
        return [*named, f"--hil-meter={self.meter(options)}"]


@contextmanager
def desk(monkeypatch: pytest.MonkeyPatch, ppk2: LivePpk2 | None = None) -> Iterator[Desk]:
    """The board under power and the instrument on a pty, whose time is the board's."""
    ppk2 = ppk2 or LivePpk2(constant(0.0))
    with power(BOARD, "twin") as powered, StreamingPty(ppk2) as port:
        live = LiveBoard(powered.machine, CurrentModel.of(BOARD), ppk2.time)
        ppk2.source = live
        monkeypatch.setattr(analyzer, "open_meter", partial(open_meter, clock=live))
        yield Desk(ppk2, port.path, powered.probe_uid, powered.serial_path)
