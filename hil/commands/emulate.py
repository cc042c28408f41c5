"""``hil emulate NAME``: keep an emulated board powered in the foreground, like one that is plugged in."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from hil.board import load_instance
from hil.commands.noticed import tell_noticed
from hil.dut.board_check import check_board
from hil.emulator import registry
from hil.emulator.machine import MachineError
from hil.emulator.power import power
from hil.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from hil.emulator.power import PoweredBoard

_LOOK_S: Final = 0.25
_STATE: Final = "set HIL_STATE_DIR to a folder that can be written"


class _StopRequest(BaseException):
    """SIGTERM or SIGHUP arrived; not an Exception, so that nothing on the way takes it for an error."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _StopRequest


def _say(line: str) -> None:
    """Print at once: whoever waits for a line on a pipe must not wait for a full buffer."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _keep(powered: PoweredBoard) -> None:
    """Until the board ends by itself: tell at once whatever stops its firmware."""
    told = ""
    while not powered.wait(_LOOK_S):
        with _signals_held(), suppress(MachineError):  # where it has ended, `wait` says so next
            why = powered.why_stopped(powered.machine.status())
            if why and why != told:
                _say(f"stopped: {why}")
            told = why


@contextmanager
def _signals_held() -> Iterator[None]:
    """A request to the board is not cut off half-way: there would be no further one."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def emulate(name: str, backend: str | None = None, *, paced: bool = False) -> None:
    """Power a board and keep it until Ctrl-C, SIGTERM or SIGHUP.

    Args:
        name: a board, or one of several of its kind: ``microbit``, ``microbit.2``; or the path of a board's file.
        paced: hold its time to the clock on the wall, where the emulator can.
        backend: the emulator; by default the first that the board has.

    Raises:
        InputError: there is no such board, or its file does not fit its port or its part.
        RigError: it cannot be powered, or its emulator ended by itself.
    """
    board, instance = load_instance(name)
    check_board(board)
    previous = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with power(board, backend, instance, announced=True, paced=paced) as powered:
            if board.file is not None:
                write_whole(registry.description_file(powered.name), os.fsencode(board.file.absolute()), hint=_STATE)
            _say(f"{board.title} is powered ({powered.backend}), its flash is kept")
            _say(f"  serial port  {powered.serial_path}")
            if powered.spi_path:
                _say(f"  SPI          simulated SPIDriver on {powered.spi_path}")
                _say(f"               or its pins, data-ready too: --port pins:{powered.spi_pins}")
            target = f" -t {board.pyocd_target}" if board.pyocd_target else ""
            _say(f"  probe        {powered.probe_uid}   (pyocd reset -u {powered.probe_uid}{target})")
            _say("  stop         Ctrl-C")
            try:
                _keep(powered)
            except (KeyboardInterrupt, _StopRequest):
                tell_noticed(powered, _say)
                raise
            raise powered.why_ended()
    except (KeyboardInterrupt, _StopRequest):
        _say(f"{board.title} is off")
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
