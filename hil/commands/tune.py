"""``hil tune``: error against cycles of every solver on one network, and the cheapest that keeps its answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from hil.commands.output import open_bench, progress_bar
from hil.errors import InputError
from hil.model import LtcModel, load_model
from hil.report.figure import check_picture
from hil.report.json_file import prepare_json, write_json
from hil.report.scatter import Point, draw_scatter
from hil.tune.candidates import candidates
from hil.tune.measure import Row, check_measurable, measure
from hil.vectors import load_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from hil.dut.options import DutOptions


@dataclass(frozen=True)
class TuneRequest:
    """What ``hil tune`` was asked for.

    Attributes:
        model: the network's file.
        vectors: the vectors' files.
        board: the board's name.
        atol: how far an expected output may be off; None to ask for the decisions alone.
        json: where the rows go, if anywhere.
        picture: where the picture goes, if anywhere; its ending is the kind.
    """

    model: Path
    vectors: Sequence[Path]
    board: str
    atol: float | None
    json: Path | None
    picture: Path | None


def tune(request: TuneRequest, options: DutOptions, console: Console) -> None:
    """Measure every candidate, print the table and the cheapest that keeps the answers.

    Raises:
        HilError: files that cannot be used, or a board that counts no cycles.
    """
    if request.picture is not None:
        check_picture(request.picture)
    if request.atol is not None and not request.atol > 0:
        raise InputError(f"--atol is {request.atol:g}, wanted a difference above 0")
    model = load_model(request.model)
    if not isinstance(model, LtcModel):
        raise InputError(f"{request.model} is a CfC, a closed form, and has no solver to choose")
    vectors = [load_vectors(path, model) for path in request.vectors]
    check_measurable(vectors, request.atol)
    tried = candidates(model, max(float(np.max(each.elapsed)) for each in vectors))
    rows: list[Row] = []
    with open_bench(options, console) as bench:
        options.check(bench.board(request.board))
        if request.json is not None:
            prepare_json(request.json, reads=(request.model, *request.vectors, Path(request.board)))
        dut = bench.dut(request.board)
        with progress_bar(console, "solvers", len(tried)) as advance:
            for each in tried:
                refused = Row(str(each.solver), refused=each.refused)
                rows.append(refused if each.refused else measure(dut, model, vectors, each.solver, request.atol))
                advance()
        console.print(str(dut.provenance))
    own = rows[0]
    rows.sort(key=lambda row: row.cycles_per_step or float("inf"))
    console.print(_table(rows, own))
    console.print(
        f"* the network's own; cycles: of a step, mean and longest, {own.source}; "
        "fewer: how many times; error: worst of an output"
    )
    for row in rows:
        if row.refused:
            console.print(f"{row.solver} was not run: {row.refused}")
    console.print(_conclusion(rows, own))
    if request.json is not None:
        write_json(request.json, [asdict(row) for row in rows])
    if request.picture is not None:
        _draw(request.picture, f"{model.name} on {request.board}", rows)
        console.print(f"{request.picture}: error of an output against cycles of a step")


def _table(rows: Sequence[Row], own: Row) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("solver", no_wrap=True)
    for heading in ("cycles", "longest", "fewer", "error", "decisions", "keeps"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        if row.cycles_per_step is None or own.cycles_per_step is None:
            continue
        table.add_row(
            row.solver + (" *" if row is own else ""),
            f"{row.cycles_per_step:.0f}",
            f"{row.longest_step}",
            f"{own.cycles_per_step / row.cycles_per_step:.2f}",
            "" if row.max_output_error is None else f"{row.max_output_error:.2g}",
            f"{row.decisions_kept} of {row.decisions}" if row.decisions else "",
            "yes" if row.keeps else "no",
        )
    return table


def _conclusion(rows: Sequence[Row], own: Row) -> str:
    best = next((row for row in rows if row.keeps), None)
    if best is None or best.cycles_per_step is None or own.cycles_per_step is None:
        return "no solver keeps what was asked for, the network's own included"
    kept = f"all {best.decisions} decisions" if best.decisions else "every output as near as was asked for"
    if best is own:
        return f"none that is cheaper keeps {kept}: leave the solver as it is"
    factor = own.cycles_per_step / best.cycles_per_step
    return (
        f"{best.solver} keeps {kept} of these vectors with {factor:.2f} times fewer cycles; nothing is said of others. "
        "Take it with the key 'solver' of the case, or --solver"
    )


def _draw(path: Path, title: str, rows: Sequence[Row]) -> None:
    points = [
        Point(row.solver, row.cycles_per_step, row.max_output_error, row.keeps)
        for row in rows
        if row.cycles_per_step is not None and row.max_output_error is not None
    ]
    draw_scatter(path, f"{title}; filled: keeps what was asked for", points)
