"""``hil harvest``: how many steps a board makes on harvested power, over all its power cuts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from intelhex import IntelHex  # type: ignore[import-untyped] # has no annotations
from pydantic import ValidationError
from rich.progress import Progress

from hil.board import load_board
from hil.case import Harvest
from hil.dut.board_check import check_board
from hil.errors import HarvestError, InputError
from hil.harvest.outcome import check_harvest
from hil.harvest.run import make_program, run_harvest, why_not
from hil.harvest.words import json_of, lines_of
from hil.model import load_model
from hil.report.json_file import prepare_json, write_json
from hil.vectors import load_vectors
from hil.work import solve_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from hil.harvest.outcome import HarvestRun
    from hil.harvest.program import Program
    from hil.solver import Solver


@dataclass(frozen=True)
class HarvestRequest:
    """What ``hil harvest`` was asked for.

    Attributes:
        model: the network's file.
        vectors: its recordings.
        board: the board's name.
        json: where the result goes, if anywhere.
        hex: where the content of the board's flash goes, if anywhere.
        power: the keys of a case's ``harvest``.
        solver: instead of the model's own.
    """

    model: Path
    vectors: Path
    board: str
    json: Path | None
    hex: Path | None
    power: Mapping[str, Any]
    solver: Solver | None = None


def harvest(request: HarvestRequest, console: Console) -> int:
    """Simulate and judge; returns the exit code: 0, or that of a broken promise.

    Raises:
        HilError: where there is no result to judge.
    """
    promised = _promised(request.power)
    reads = (request.model, request.vectors, Path(request.board))
    if request.json is not None:
        prepare_json(request.json, reads=reads)
    if request.hex is not None:
        _check_hex(request.hex, reads)
    board = load_board(request.board)
    check_board(board)
    reason = why_not(board)
    if reason is not None:
        raise InputError(reason, hint="take another board: --board nucleo-l031")
    model = load_model(request.model)
    model, vectors = solve_with(request.solver, model, load_vectors(request.vectors, model))
    program = make_program(model, vectors, board, promised.checkpoint_steps)
    if request.hex is not None:
        _write_hex(program, request.hex)
    run = _with_progress(lambda told: run_harvest(program, promised, progress=told), console)
    if request.json is not None:
        write_json(request.json, json_of(run))
    for line in lines_of(run):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    try:
        check_harvest(run)
    except HarvestError as error:
        console.print(str(error), soft_wrap=True, highlight=False, markup=False, style="red")
        return error.exit_code
    return 0


def _check_hex(path: Path, reads: Iterable[Path]) -> None:
    if path.exists() and any(each.exists() and each.samefile(path) for each in reads):
        raise InputError(f"--hex {path} is a file that the simulation reads", hint="name another file")


def _write_hex(program: Program, path: Path) -> None:
    """Program and slot, without what is erased between them."""
    content = IntelHex()
    content.puts(program.board.memory.flash.origin, program.flash[: program.firmware_bytes])
    content.puts(program.board.image_slot.origin, program.plan.slot)
    try:
        content.write_hex_file(str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be written", cause=str(error)) from error


def _promised(power: Mapping[str, Any]) -> Harvest:
    try:
        return Harvest.model_validate(power)
    except ValidationError as error:
        first = error.errors()[0]
        option = f"--{str(first['loc'][0]).replace('_', '-').lower()}: " if first["loc"] else ""
        raise InputError(f"{option}{first['msg'].removeprefix('Value error, ')}") from error


def _with_progress(work: Callable[[Callable[[float], None]], HarvestRun], console: Console) -> HarvestRun:
    if not console.is_terminal:
        return work(lambda _share: None)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("harvesting", total=1.0)
        return work(lambda share: progress.update(task, completed=share))
