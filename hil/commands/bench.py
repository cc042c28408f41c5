"""``hil bench``: the runtime beside other programs for the same network, on one board, in one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from hil.bench.contestants import CONTESTANTS
from hil.bench.measure import measure
from hil.board import load_board
from hil.commands.output import progress_bar
from hil.errors import InputError
from hil.model import LtcModel, load_model
from hil.report.bars import draw_bars
from hil.report.figure import check_picture
from hil.report.json_file import prepare_json, write_json
from hil.resources import examples_dir
from hil.vectors import load_vectors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from hil.bench.measure import Row

DEFAULT_NETWORK = "ncp19_lane"


@dataclass(frozen=True)
class BenchRequest:
    """What ``hil bench`` was asked for.

    Attributes:
        files: a model and its vectors, or nothing for the lane-keeping network of the examples.
        board: the board's name.
        json: where the rows go, if anywhere.
        picture: where the picture goes, if anywhere; its ending is the kind.
    """

    files: Sequence[Path]
    board: str
    json: Path | None
    picture: Path | None


def bench(request: BenchRequest, console: Console) -> None:
    """Measure every contestant and print the table.

    Raises:
        HilError: files that cannot be used, a build that fails, a board that counts no cycles.
    """
    if request.picture is not None:
        check_picture(request.picture)
    model_file, vectors_file = _files(request.files)
    board = load_board(request.board)
    model = load_model(model_file)
    if not isinstance(model, LtcModel):
        raise InputError(
            f"{model_file} is a CfC, and the programs that are compared compute LTC networks alone",
            hint="'hil profile' says where its cycles go",
        )
    vectors = load_vectors(vectors_file, model)
    if request.json is not None:
        prepare_json(request.json, reads=(model_file, vectors_file, Path(request.board)))
    rows: list[Row] = []
    with progress_bar(console, "contestants", len(CONTESTANTS)) as advance:
        for row in measure(board, vectors.name, model, vectors, CONTESTANTS):
            rows.append(row)
            advance()
    console.print(f"{vectors.name} on {board.name}, {rows[0].where}; cycles by {rows[0].source}")
    console.print(_table(rows))
    for each in CONTESTANTS:
        console.print(f"  {each.name}: {each.about}")
    console.print("recurrent: of the cycles, the unfolds' part; RAM: without the stack; error: a state's, of its bound")
    console.print(f"energy: {rows[0].energy_source}")
    if request.json is not None:
        write_json(request.json, [asdict(row) for row in rows])
    if request.picture is not None:
        title = f"{vectors.name}: core cycles of a step, recurrent part"
        draw_bars(request.picture, title, {row.name: row.recurrent_cycles_per_step for row in rows})
        console.print(f"{request.picture}: the recurrent part's cycles")


def _files(files: Sequence[Path]) -> tuple[Path, Path]:
    if not files:
        folder = examples_dir() / "networks"
        return folder / f"{DEFAULT_NETWORK}.model.npz", folder / f"{DEFAULT_NETWORK}.vectors.npz"
    if len(files) != len(("model", "vectors")):
        raise InputError(
            "'hil bench' takes a model and its vectors, or nothing", hint="hil bench MODEL.npz VECTORS.npz"
        )
    return files[0], files[1]


def _table(rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("program", no_wrap=True)
    for heading in ("cycles/step", "recurrent", "times ours", "flash", "RAM", "error", "uJ"):
        table.add_column(heading, justify="right", no_wrap=True)
    ours = rows[0].recurrent_cycles_per_step
    for row in rows:
        table.add_row(
            row.name,
            f"{row.cycles_per_step:.0f}",
            f"{row.recurrent_cycles_per_step:.0f}",
            f"{row.recurrent_cycles_per_step / ours:.1f}",
            f"{row.text_bytes}",
            f"{row.ram_bytes}",
            f"{row.max_error:.1e}",
            "?" if row.energy_uJ_per_step is None else f"{row.energy_uJ_per_step:.3g}",
        )
    return table
