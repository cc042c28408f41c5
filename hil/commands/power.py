"""``hil power``: the current of a run and the energy of its steps, as tables, in the terminal, and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.commands.output import open_bench, progress_bar
from hil.commands.subject import subjects_of
from hil.errors import InputError, RigError
from hil.report.current_lines import current_lines
from hil.report.current_of import waveform_of
from hil.report.current_picture import draw_current
from hil.report.energy import energy_sentences
from hil.report.figure import check_picture
from hil.report.quantity import joules, spread
from hil.report.terminal import table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from hil.commands.subject import Subject
    from hil.dut.options import DutOptions
    from hil.errors import HilError
    from hil.result import RunResult
    from hil.solver import Solver
    from hil.step_energy import StepEnergy

_ROWS: Final = 8
"""Steps that the table has; the others are in its quantiles and in the picture."""


@dataclass(frozen=True)
class PowerRequest:
    """What ``hil power`` was asked for.

    Attributes:
        files: a case file, or a model and its vectors.
        board: the board's name.
        vectors: which of the case's vectors files, from 1 on.
        picture: where the picture goes; None for none.
        solver: instead of the case's or the model's own.
    """

    files: Sequence[Path]
    board: str
    vectors: int = 1
    picture: Path | None = None
    solver: Solver | None = None


def power(request: PowerRequest, options: DutOptions, console: Console) -> None:
    """Run the vectors, and show what the board draws.

    Raises:
        HilError: the run failed, its bits are not the integer model's, or nothing tells its current.
    """
    if request.picture is not None:
        check_picture(request.picture)
    subject = _chosen(request)
    with open_bench(options, console) as bench:
        options.check(bench.board(request.board))
        model, vectors = subject.load(request.solver)
        dut = bench.dut(request.board)
        with progress_bar(console, "on the device", vectors.sequences) as advance:
            result = dut.run(model, vectors, count_cycles=True, energy_runs=1, on_sequence=lambda _: advance())
        console.print(str(result.provenance))
        console.print(f"{subject.name}: {result.steps} steps")
        found = result.energy.found
        if found is None:
            raise _not_measured(subject, result)
        for line in energy_sentences(result.energy):
            console.print(line)
        if result.energy.reason:
            console.print(f"note: {result.energy.reason}")
        for line in _step_lines(found):
            console.print(line)
        if dut.last_current is None:
            console.print("no current over time: it is not known when what was drawn")
            return
        waveform = waveform_of(dut.last_current, found, dut.marker_channel)
    if console.is_terminal:
        for line in current_lines(waveform, console.width):
            console.print(line, highlight=False)
    if request.picture is not None:
        where = f"{result.provenance.board}, {result.provenance.where}, {result.provenance.compiler}"
        draw_current(request.picture, f"{subject.name} on {where}", waveform, found)
        console.print(f"{request.picture}: the current over time, and the energy of each step")


def _chosen(request: PowerRequest) -> Subject:
    subjects = subjects_of(request.files, "power")
    if not 1 <= request.vectors <= len(subjects):
        names = ", ".join(f"{number} {each.vectors.name}" for number, each in enumerate(subjects, 1))
        raise InputError(f"there are no vectors {request.vectors}", hint=f"--vectors takes: {names}")
    return subjects[request.vectors - 1]


def _not_measured(subject: Subject, result: RunResult) -> HilError:
    if result.energy.failure is not None:
        return result.energy.failure
    return RigError(
        f"current of {subject.name} not measured: {result.energy.reason}",
        hint="an emulated board's current is modelled; name an analyzer for an attached one with --meter: "
        "ppk2:/dev/ttyACM0?voltage=3.0&marker=D0",
    )


def _step_lines(energy: StepEnergy) -> list[str]:
    """The quantiles, and the first steps one by one."""
    values = energy.per_step_uJ.ravel() * 1e-6
    batch = f", means of batches of {energy.batch} at most" if energy.batch > 1 else ""
    lines = [f"energy a step (min-median-max): {spread(values, 'J')}{batch}"]
    if energy.maximum_uJ is not None:
        lines.append(f"by the data sheet's maxima: {spread(energy.maximum_uJ.ravel() * 1e-6, 'J')}")
    headings = ["sequence", "step", "energy"]
    columns = [[joules(float(each)) for each in values[:_ROWS]]]
    if energy.uncertainty_uJ.any():
        headings.append("off by at most")
        columns.append([joules(float(each) * 1e-6) for each in energy.uncertainty_uJ.ravel()[:_ROWS]])
    if energy.maximum_uJ is not None:
        headings.append("maximum")
        columns.append([joules(float(each) * 1e-6) for each in energy.maximum_uJ.ravel()[:_ROWS]])
    steps = energy.per_step_uJ.shape[1]
    rows = [
        (str(number // steps), str(number % steps), *cells) for number, cells in enumerate(zip(*columns, strict=True))
    ]
    lines += table(headings, rows, frozenset(headings))
    if len(values) > _ROWS:
        lines.append(f"and {len(values) - _ROWS} more")
    return lines
