"""A board's file held against its part, its port and its emulators, before anything is built or powered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.backends import LISTED, Listed
from hil.nearest import offer
from hil.port import check_port
from hil.probe.part import check_part
from hil.resources import firmware_dir

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board, EmulatorSpec


def check_board(board: Board, firmware_root: Path | None = None) -> None:
    """Check that a board can be what its file says.

    Args:
        board: the board.
        firmware_root: folder of C sources instead of those that ship with hil.

    Raises:
        InputError: naming the file, the line and the key.
    """
    check_part(board)
    check_port(board, firmware_root or firmware_dir())
    for number, emulator in enumerate(board.emulators):
        _check_emulator(board, f"emulators.{number}", emulator)


def _check_emulator(board: Board, key: str, emulator: EmulatorSpec) -> None:
    name = emulator.backend
    line = LISTED.get(name, Listed())
    if line.parts and not any(_is(board, part) for part in line.parts):
        parts = " or ".join(line.parts)
        raise board.mistake(
            f"{key}.backend",
            f"backend '{name}' emulates the {parts}, not the {board.part} that 'part' names",
            "leave it out, or name the part as its data sheet does",
        )
    if line.machines and emulator.machine not in line.machines:
        what = f"backend '{name}' has no machine '{emulator.machine}'" if emulator.machine else "missing"
        raise board.mistake(f"{key}.machine", what, offer(emulator.machine, line.machines, "machines"))
    pins = next((pins for part, pins in line.serial_pins.items() if _is(board, part)), None)
    uart = board.links.uart
    if uart is not None and pins is not None:
        for direction, pin, wanted in zip(("tx", "rx"), (uart.tx, uart.rx), pins, strict=True):
            if pin != wanted:
                raise board.mistake(
                    f"links.uart.{direction}",
                    f"backend '{name}' has its serial port's {direction} on {wanted} alone, not on '{pin}'",
                    f"write {direction}: {wanted}; or leave the emulator out, for a board that has it elsewhere",
                )


def _is(board: Board, part: str) -> bool:
    return board.part.casefold().startswith(part.casefold())
