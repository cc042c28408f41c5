"""The firmware that runs by itself on an emulated board, flashed through pyOCD: it goes on over power cycles."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from hil.commands.harvest import _write_hex
from hil.emulator.power import power
from tests.harvest.power_cuts import BOARD, programmed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from hil.emulator.power import PoweredBoard
    from hil.harvest.program import Program


def look(powered: PoweredBoard, program: Program, least: int) -> tuple[int, int]:
    """Steps that it resumed after, and steps made, once those are so many; its states and outputs are right."""
    machine, plan = powered.machine, program.plan
    end = time.monotonic() + 60
    while time.monotonic() < end:
        machine.halt()
        status, _, resumed, _, steps, states, outputs = struct.unpack("<7I", machine.read_memory(program.seen_at, 28))
        if status == 0 and least <= steps < 1 << 30:
            right = plan.after(steps)
            shown = (
                np.frombuffer(machine.read_memory(address, values.nbytes), "<i4")
                for address, values in zip((states, outputs), right, strict=True)
            )
            # In the middle of a step its outputs, or the copy of its states, may be the next one's in part.
            if all(np.array_equal(found, values) for found, values in zip(shown, right, strict=True)):
                return resumed, steps
        machine.resume()
    raise AssertionError(f"no {least} steps")


def test_it_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    program = programmed("tiny_dense")
    _write_hex(program, tmp_path / "harvest.hex")
    flash = [sys.executable, "-m", "pyocd", "flash", "-u", f"emulated:{BOARD.name}", "-t", str(BOARD.pyocd_target)]
    done = subprocess.run([*flash, tmp_path / "harvest.hex"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    before = 0
    for life in range(3):
        with power(BOARD) as powered:
            resumed, steps = look(powered, program, before + 3)
        assert life == 0 or before - 1 <= resumed < steps  # pyOCD lets it run, behind the flashing
        assert steps > before
        before = steps
