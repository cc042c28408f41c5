"""Power cuts at every instruction of a step and of its checkpoint, and what a board finds at the boot that follows.

RAM is lost in a cut, so that what it leaves is the content of flash and data EEPROM. Where two cuts leave the same in
every byte, the boots that follow are the same, and one stands for both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from hil.board import load_board
from hil.build import build
from hil.errors import TargetFault
from hil.harvest.chip import HarvestChip
from hil.harvest.plan import make_plan
from hil.harvest.program import Program
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.build import Artefact
    from hil.harvest.plan import HarvestPlan

NETWORKS = examples_dir() / "networks"
BOARD = load_board("nucleo-l031")
LONG = Fraction(2)  # s, for a boot, a step and a checkpoint


def planned(network: str, vectors: str = "", every: int = 1) -> HarvestPlan:
    model = load_model(NETWORKS / f"{network}.model.npz")
    return make_plan(model, load_vectors(NETWORKS / f"{vectors or network}.vectors.npz", model), BOARD, every)


@cache
def programmed(network: str, vectors: str = "", every: int = 1) -> Program:
    return Program.of(BOARD, build(BOARD, link="none"), planned(network, vectors, every))


def with_firmware(program: Program, firmware: Artefact) -> Program:
    return Program.of(program.board, firmware, program.plan)


def run_to(chip: HarvestChip, *, marker: bool) -> None:
    """Up to the next edge of the marker of that kind."""
    end = chip.seconds() + LONG
    while True:
        before = chip.marker
        chip.advance(end)
        if chip.marker is marker and before is not marker:
            return
        if chip.seconds() >= end:
            raise chip.refuse("the marker stays as it is")


@dataclass
class Cuts:
    """What the cuts of one step leave.

    Attributes:
        steps: made when the step begins; its checkpoint has one more.
        instructions: visited.
        moments: at which the power goes: one an instruction, and several within each wait for the memories.
        contents: of the data EEPROM, each once, and whether the new checkpoint is whole in it.
    """

    steps: int
    instructions: int = 0
    moments: int = 0
    contents: dict[bytes, bool] = field(default_factory=dict)


def visit(program: Program, step: int, *, within: int, seeds: int) -> Cuts:
    """Go through one step and its checkpoint, instruction by instruction.

    Args:
        program: which network.
        step: which one, from 0 on.
        within: moments in each wait for the memories.
        seeds: of what a cut within an operation leaves.
    """
    with HarvestChip(program, b"", seed=1) as chip:
        for _ in range(step + 1):
            run_to(chip, marker=True)
        cuts = Cuts(step)
        flash, left = bytes(chip.flash_content), set()
        ended = False
        while not ended:
            busy = chip.flash.nvm.busy
            times = [chip.seconds()]
            if busy:
                length = Fraction(chip.flash.nvm.busy_until() - chip.now(), chip.clock_hz)
                times += [times[0] + length * n / within for n in range(1, within)]
            for second in times:
                left |= {_eeprom(chip, second, seed) for seed in (range(seeds) if busy else [0])}
            cuts.moments += len(times)
            cuts.instructions += 1
            was_high = chip.marker
            chip.step(mask_interrupts=False)
            ended = chip.marker and not was_high
        assert bytes(chip.flash_content) == flash, "the firmware does not write its flash"
        whole = chip.eeprom
        cuts.contents = {each: each == whole for each in sorted(left)}
        return cuts


def _eeprom(chip: HarvestChip, second: Fraction, seed: int) -> bytes:
    content = bytearray(chip.eeprom_content)
    for operation, words in chip.flash.nvm.left(seed, second):
        content[operation.at : operation.at + len(words)] = words
    return bytes(content)


@dataclass
class Verdicts:
    """Of boots after cuts.

    Attributes:
        resumed: went on from the last whole checkpoint, or the one being written, equal in every bit.
        corrupt: went on from states or with a number that no step had.
        lost: went on from an older checkpoint, or began anew where there was one.
        first: what was wrong with the first that was.
    """

    resumed: int = 0
    corrupt: int = 0
    lost: int = 0
    first: str = ""

    @property
    def all_resumed(self) -> bool:
        return not self.corrupt and not self.lost

    def take(self, kind: str, words: str) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        self.first = self.first or words


def boot_each(program: Program, cuts: Cuts, progress: Callable[[int], None] = lambda _n: None) -> Verdicts:
    """Boot from each content, look what it resumes from, and make the step that follows."""
    verdicts = Verdicts()
    for n, (content, whole) in enumerate(cuts.contents.items()):
        try:
            kind, words = _boot(program, content, cuts.steps, whole=whole)
        except TargetFault as fault:
            kind, words = "corrupt", fault.message
        if kind == "resumed":
            verdicts.resumed += 1
        else:
            verdicts.take(kind, words)
        progress(n)
    return verdicts


def _boot(program: Program, content: bytes, steps: int, *, whole: bool) -> tuple[str, str]:
    with HarvestChip(program, content, seed=2) as chip:
        run_to(chip, marker=True)
        seen = chip.seen
        resumed = seen.resumed or 0
        told = f"after a cut in step {steps}, resumed after {seen.resumed} steps"
        if resumed > steps + 1:
            return "corrupt", f"{told}, which were never made"
        if resumed and not np.array_equal(seen.states, program.plan.after(resumed)[0]):
            return "corrupt", f"{told}, with other states than after them"
        if resumed < steps or (whole and resumed == steps):
            return "lost", told
        run_to(chip, marker=True)
        seen = chip.seen
        states, outputs = program.plan.after(resumed + 1)
        right = np.array_equal(seen.states, states) and np.array_equal(seen.outputs, outputs)
        if seen.steps != resumed + 1 or not right:
            return "corrupt", f"{told}, and the next step differs"
        return "resumed", ""
