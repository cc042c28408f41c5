"""A step's energy on the STM32L031, by the model and by hand: ``python -m tests.energy.bench_hand_calculation``.

By hand, as docs/energy.md has it: cycles, times the current per MHz of the data sheet's first page, times the supply of
its page 56. Nothing of that comes from the model or the board's file: the two figures are read out of the document, the
cycles of a step are the counter's, and what its marker pin is high for besides comes from the cycles of the pin's edges
at the first step. The model has the spans that the twin recorded. Both must be equal at every step, to one in 10^9:
the spans are in seconds, as 64-bit floats.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

import numpy as np

from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.dut.counting import timing_model
from hil.energy.model import CurrentModel
from hil.energy.steps import step_energy
from hil.resources import examples_dir
from tests.twin.activity import recorded
from tests.twin.streaming import load_work, open_image
from tests.twin.virtual_host import BOARD, AgentChip, connect

NETWORK, STEPS = "ncp19_lane", 8
EQUAL = 1e-9
DOCUMENT = examples_dir().parent / "docs" / "energy.md"


@dataclass(frozen=True)
class Calculation:
    """(T,) by step.

    Attributes:
        cycles: of the step, by the counter.
        marker_cycles: what the marker is high for besides: the first step's.
        by_hand_uJ: in microjoules.
        modelled_uJ: likewise.
    """

    cycles: np.ndarray
    marker_cycles: int
    by_hand_uJ: np.ndarray
    modelled_uJ: np.ndarray

    @property
    def equal(self) -> bool:
        return bool(np.allclose(self.modelled_uJ, self.by_hand_uJ, rtol=EQUAL, atol=0))

    @property
    def lines(self) -> list[str]:
        """The table."""
        return [
            "step  cycles  marker  by hand  model",
            *(
                f"{step:4}  {self.cycles[step]:6}  {self.marker_cycles:6}  {self.by_hand_uJ[step]:7.4f}  "
                f"{self.modelled_uJ[step]:.4f}"
                for step in range(len(self.cycles))
            ),
        ]


def read_document() -> tuple[float, float]:
    """Current in uA/MHz and supply in V, as the hand calculation of the document has them."""
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.search(r"([\d.]+) µA/MHz \(DS10668 Rev 6, p\. 1\).*?([\d.]+) V \(p\. 56:", text, re.DOTALL)
    assert found is not None, "docs/energy.md has no hand calculation any more"
    return float(found[1]), float(found[2])


def calculate(model: CurrentModel) -> Calculation:
    """Run the steps, and calculate both ways."""
    work, artefact, timing = load_work(NETWORK), build(BOARD), timing_model(BOARD)
    assert artefact.bin is not None
    assert timing is not None
    chip = AgentChip(artefact.bin)
    port, pin = chip.pins.port(BOARD.marker)
    edges: list[int] = []
    port.on_output.append(lambda cycle, old, new: edges.append(cycle) if (old ^ new) >> pin & 1 else None)
    with CycleCounter(artefact.elf, timing, plugin=False) as counter, chip.counted(counter):
        agent, _ = connect(chip)
        open_image(agent, chip, work.converted.image)
        log = recorded(chip, BOARD.marker)
        inputs, elapsed = work.inputs[0, :STEPS], work.elapsed[0, :STEPS]
        agent.run(inputs, elapsed, state=work.state0, count_cycles=True)
        spans = log.end()
        chip.core.book()
        cycles = np.array([call.cycles for call in counter.counts().of("ltc_step")])
    marker_cycles = edges[1] - edges[0] - int(cycles[0])
    current_uA_per_MHz, supply_V = read_document()
    # uA/MHz is pC a cycle; times V is pJ.
    by_hand = (cycles + marker_cycles) * current_uA_per_MHz * supply_V * 1e-6
    energy = step_energy(model, spans, 1, STEPS)
    assert energy.found is not None, energy.reason
    return Calculation(cycles, marker_cycles, by_hand, energy.found.per_step_uJ[0])


def main() -> int:
    calculation = calculate(CurrentModel.of(BOARD))
    print(*calculation.lines, sep="\n")  # noqa: T201
    print(f"uJ of {NETWORK}'s first steps: {'equal' if calculation.equal else 'NOT EQUAL'}")  # noqa: T201
    return int(not calculation.equal)


if __name__ == "__main__":
    sys.exit(main())
