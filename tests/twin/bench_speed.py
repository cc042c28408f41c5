"""The twin's speed while it computes, and the demo's: ``python -m tests.twin.bench_speed``.

The agent steps a network on the STM32L031, counted as in every run. The ratio to real time is virtual seconds by
seconds of the clock on the wall. While it computes: over those slices of the run in which no interrupt was taken and
the core did not sleep. In all: with its bytes on the wire, and a host in Python, around the same steps. The first must
be at least 4 at 32 MHz, the fastest that the part goes. The best of some runs, as other programs may run beside it.
Seconds are told, and are no bar.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hil.build import build
from hil.convert import convert
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from hil.golden import run_integer
from hil.image import FULL_SCALE
from tests.networks import random_model
from tests.twin.streaming import open_image
from tests.twin.virtual_host import BOARD, FAST, AgentChip, connect

if TYPE_CHECKING:
    from hil.board import Board
    from hil.emulator.twin.core import Stop

NEURONS, UNFOLDS, STEPS = 26, 32, 40  # dense: a step of many cycles and few bytes
SLICE_CYCLES = 50_000
RUNS = 5
FLOOR = 4.0


@dataclass
class Speed:
    """Virtual seconds, seconds of the wall, and instructions of some stretches of a run."""

    virtual_s: float = 0
    wall_s: float = 0
    instructions: int = 0

    def add(self, virtual_s: float, wall_s: float, instructions: int) -> None:
        self.virtual_s += virtual_s
        self.wall_s += wall_s
        self.instructions += instructions

    @property
    def ratio(self) -> float:
        """How many times as fast as the chip."""
        return self.virtual_s / self.wall_s

    def __str__(self) -> str:
        mips = self.instructions / self.wall_s / 1e6
        return f"{self.virtual_s:.2f} s in {self.wall_s:.2f} s, {self.ratio:.1f} times real time, {mips:.0f} MIPS"


class TimedChip(AgentChip):
    """Takes the time of each slice in which it does nothing but compute."""

    computing: Speed | None = None

    def go(self, cycles: int) -> Stop:
        shared = self.core.shared
        taken, slept, second, instructions = sum(shared.taken), self.slept, self.seconds(), shared.instructions
        began = time.perf_counter()
        stop = super().go(cycles)
        wall = time.perf_counter() - began
        if self.computing is not None and sum(shared.taken) == taken and self.slept == slept:
            self.computing.add(float(self.seconds() - second), wall, shared.instructions - instructions)
        return stop


def measure(board: Board) -> tuple[Speed, Speed]:
    """Step the network: while it computes, and in all."""
    rng = np.random.default_rng(1)
    converted = convert(replace(random_model(rng, NEURONS, 1, 1.0, 0.0), unfolds=UNFOLDS))
    inputs = rng.integers(-FULL_SCALE, FULL_SCALE, (1, STEPS, 1)).astype(np.int32)
    elapsed, state0 = np.full((1, STEPS), 1 << 22, np.uint32), np.zeros(NEURONS, np.int32)
    _, outputs = run_integer(converted.image, inputs, elapsed, state0)
    artefact, model = build(board), timing_model(board)
    assert artefact.bin is not None
    assert model is not None
    chip = TimedChip(artefact.bin)
    with CycleCounter(artefact.elf, model, plugin=False) as counter, chip.counted(counter):
        agent, wire = connect(chip)
        assert chip.clock_hz == board.clock_hz
        wire.slice_cycles = SLICE_CYCLES
        open_image(agent, chip, converted.image)
        chip.computing, whole = Speed(), Speed()
        began, second, instructions = time.perf_counter(), chip.seconds(), chip.core.shared.instructions
        result = agent.run(inputs[0], elapsed[0], state=state0, want_states=False)
        wall = time.perf_counter() - began
        whole.add(float(chip.seconds() - second), wall, chip.core.shared.instructions - instructions)
        assert np.array_equal(result.outputs, outputs[0])
        return chip.computing, whole


def demo() -> tuple[float, float]:
    """Seconds of the whole demo, and of what comes behind 'built, flashed and started'."""
    build(BOARD)
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "hil", "demo"], capture_output=True, text=True, check=False)
    wall = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    started = re.search(r"built, flashed and started in ([\d.]+) s", done.stdout)
    assert started is not None
    assert "in 40 of 40 recordings" in done.stdout
    return wall, wall - float(started[1])


def main() -> int:
    ratios = {}
    for board in (FAST, BOARD):
        runs = [measure(board) for _ in range(RUNS)]
        computing = max((each for each, _ in runs), key=lambda speed: speed.ratio)
        whole = max((each for _, each in runs), key=lambda speed: speed.ratio)
        ratios[board.clock_hz] = computing.ratio
        print(f"{board.clock_hz // 10**6} MHz, while computing: {computing}")  # noqa: T201
        print(f"{board.clock_hz // 10**6} MHz, in all: {whole}")  # noqa: T201
    taken, running = demo()
    print(f"hil demo: {taken:.1f} s, firmware built before; {running:.1f} s of them for its 40 recordings")  # noqa: T201
    slow = ratios[FAST.clock_hz] < FLOOR
    print(f"{'below' if slow else 'at least'} {FLOOR:g} times real time at {FAST.clock_hz // 10**6} MHz")  # noqa: T201
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
