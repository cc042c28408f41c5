"""``hil demo``: a trained network classifies 40 smartwatch recordings on a board, checked against Python."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.commands.output import open_bench, progress_bar
from hil.compare import decisions
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors

if TYPE_CHECKING:
    from rich.console import Console

    from hil.dut.options import DutOptions
    from hil.result import RunResult
    from hil.vectors import Vectors
    from hil.work import SequenceDone

_FROM_STEP = 10
_HEADINGS = ("recording", "label", "device decides", "reference decides", "bits")


@dataclass(frozen=True)
class Line:
    """One recording: its label, both decisions, and whether every bit agrees."""

    number: int
    label: str
    device: str
    reference: str
    bits_equal: bool

    @property
    def holds(self) -> bool:
        """Bits and decision agree."""
        return self.bits_equal and self.device == self.reference

    @property
    def cells(self) -> tuple[str, ...]:
        """As text, in the order of the headings."""
        return str(self.number), self.label, self.device, self.reference, "equal" if self.bits_equal else "DIFFER"


def run_demo(board: str, options: DutOptions, console: Console) -> int:
    """Run the recordings; returns the exit code: 0, or 1 where any bit or decision differs.

    Raises:
        HilError: where there is no result.
    """
    begun = time.perf_counter()
    networks = examples_dir() / "networks"
    with open_bench(options, console) as bench:
        options.check(bench.board(board))
        model = load_model(networks / "basicmotions.model.npz")
        vectors = load_vectors(networks / "basicmotions_test.vectors.npz", model)
        dut = bench.dut(board)
        console.print(f"{len(vectors.inputs)} smartwatch recordings, {model.neurons} liquid time-constant neurons")
        console.print(str(dut.provenance))
        console.print(f"built, flashed and started in {time.perf_counter() - begun:.1f} s")
        console.print(_plain(_HEADINGS), style="bold")
        lines: list[Line] = []
        with progress_bar(console, "on the device", vectors.sequences) as advance:

            def done(sequence: SequenceDone) -> None:
                line = _line(vectors, sequence)
                console.print(_plain(line.cells), style="" if line.holds else "bold red")
                lines.append(line)
                advance()

            result = dut.run(model, vectors, check=False, on_sequence=done)
    _conclude(result, lines, console)
    return 0 if all(line.holds for line in lines) else 1


def _line(vectors: Vectors, done: SequenceDone) -> Line:
    if vectors.labels is None or vectors.outputs is None:
        raise AssertionError("the demo's vectors have labels and outputs")
    names, number = vectors.label_names, done.sequence
    reference = vectors.outputs[number : number + 1]
    return Line(
        number=number + 1,
        label=names[vectors.labels[number]],
        device=names[decisions(done.outputs[None], _FROM_STEP)[0]],
        reference=names[decisions(reference, _FROM_STEP)[0]],
        bits_equal=done.bits_equal,
    )


def _conclude(result: RunResult, lines: list[Line], console: Console) -> None:
    right = sum(line.device == line.label for line in lines)
    same = sum(line.device == line.reference for line in lines)
    equal = sum(line.bits_equal for line in lines)
    console.print(
        f"bits equal to the exact integer model in {equal} of {len(lines)} recordings ({result.bits_compared} bits)"
    )
    console.print(f"decisions equal to the float64 reference in {same} of {len(lines)}; equal to the label in {right}")
    console.print(
        f"worst error of a state {result.max_error:.1e} of its bound; {result.steps} steps, "
        f"{result.vectors_per_second:.0f} a second, {result.retries} retries"
    )


def _plain(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, (9, 9, 14, 17, 6), strict=True)).rstrip()
