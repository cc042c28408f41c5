"""``hil profile``: which functions the cycles of a network's steps go to, as a table, a flame graph and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from hil.backends import HARDWARE
from hil.board import board_names, load_board
from hil.commands.output import open_bench, progress_bar
from hil.commands.subject import subjects_of
from hil.errors import CyclesError, InputError, RigError
from hil.report.cycles_picture import draw_cycles
from hil.report.figure import check_picture
from hil.report.profile import folded, functions_of
from hil.report.terminal import cycles_sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from hil.board import Board
    from hil.commands.subject import Subject
    from hil.dut.bench import Bench
    from hil.dut.options import DutOptions
    from hil.errors import HilError
    from hil.result import RunResult
    from hil.solver import Solver
    from hil.step_cycles import StepCycles


@dataclass(frozen=True)
class ProfileRequest:
    """What ``hil profile`` was asked for.

    Attributes:
        files: a case file, or a model and its vectors.
        board: the board's name.
        folder: where the files go.
        picture: ending of the picture: ``svg`` or ``png``.
        solver: instead of the case's or the model's own.
    """

    files: Sequence[Path]
    board: str
    folder: Path
    picture: str
    solver: Solver | None = None


def profile(request: ProfileRequest, options: DutOptions, console: Console) -> None:
    """Run every vectors file and show where its cycles went.

    Raises:
        HilError: the run failed, or its cycles were not measured.
    """
    subjects = subjects_of(request.files, "profile")
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {request.folder} cannot be made", cause=error.strerror) from error
    for subject in subjects:
        check_picture(_picture_file(subject, request), wanted=False)
    with open_bench(options, console) as bench:
        board = bench.board(request.board)
        options.check(board)
        _check_source(board)
        for subject in subjects:
            _profile(subject, request, bench, console)


def _profile(subject: Subject, request: ProfileRequest, bench: Bench, console: Console) -> None:
    model, vectors = subject.load(request.solver)
    dut = bench.dut(request.board)
    with progress_bar(console, "on the device", vectors.sequences) as advance:
        result = dut.run(model, vectors, count_cycles=True, on_sequence=lambda _: advance())
    measured = result.cycles.measured
    if measured is None:
        raise _not_measured(subject, result, bench.options)
    console.print(str(result.provenance))
    console.print(f"{subject.name}: {result.steps} steps")
    for line in cycles_sentences(result.cycles):
        console.print(line)
    if result.cycles.paths:
        console.print(_table(result))
        place = request.folder / f"{subject.name}.folded"
        try:
            place.write_text(folded(result.cycles.paths), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{place} cannot be written", cause=error.strerror) from error
        console.print(f"{place}: call paths, for speedscope or flamegraph.pl")
    else:
        console.print(f"no functions: {result.cycles.no_paths}")
    _picture(subject, request, result, measured, console)


def _not_measured(subject: Subject, result: RunResult, options: DutOptions) -> HilError:
    """Nothing here is about the firmware's cycles, but where they were counted and the count is in doubt."""
    sentence = f"cycles of {subject.name} not measured: {result.cycles.reason}"
    if result.cycles.doubtful:
        return CyclesError(sentence)
    given = [f"--{name}" for name in ("probe", "port") if getattr(options, name)]
    given += ["--backend"] if options.backend == HARDWARE else []
    hint = f"an emulated board that hil powers itself has a counter: leave {' and '.join(given)} out" if given else None
    return RigError(sentence, hint=hint)


def _check_source(board: Board) -> None:
    if board.timing is None:
        known = [name for name in board_names() if load_board(name).timing is not None]
        raise InputError(
            f"board '{board.name}' has no cycles to profile: nothing counts them",
            hint=f"take a board with a 'timing' in its description: {', '.join(known)}",
        )


def _table(result: RunResult) -> Table:
    table = Table(show_footer=True, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    rows = functions_of(result.cycles.paths)
    total = sum(row.exclusive for row in rows)
    table.add_column("function", footer="all", min_width=max(len(row.name) for row in rows))
    for heading, footer in (
        ("calls/step", ""),
        ("exclusive/step", f"{total / result.steps:.1f}"),
        ("share", "100.0 %"),
        ("inclusive/step", ""),
        ("exclusive", str(total)),
    ):
        table.add_column(heading, footer=footer, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            f"{row.calls / result.steps:.1f}",
            f"{row.exclusive / result.steps:.1f}",
            f"{row.share:.1%}".replace("%", " %"),
            f"{row.inclusive / result.steps:.1f}",
            str(row.exclusive),
        )
    return table


def _picture_file(subject: Subject, request: ProfileRequest) -> Path:
    return request.folder / f"{subject.name}.{request.picture}"


def _picture(
    subject: Subject, request: ProfileRequest, result: RunResult, measured: StepCycles, console: Console
) -> None:
    place = _picture_file(subject, request)
    title = f"{subject.name} on {result.provenance.board}, {result.provenance.where}, {result.provenance.compiler}"
    try:
        draw_cycles(place, title, measured, budget=subject.cycles_budget)
    except InputError as error:
        console.print(f"no picture: {error.message}; {error.hint or error.cause}")
    else:
        console.print(f"{place}: cycles of each step")
