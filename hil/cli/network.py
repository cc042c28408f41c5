"""Commands about a network: convert it, find its solver, hold the runtime against others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hil.board import DEFAULT_BOARD
from hil.cli.options import (
    Backend,
    BoardOption,
    ErrorBound,
    ModelFile,
    PictureFile,
    Port,
    Probe,
    RigFile,
    RowsFile,
    SolverOption,
    Unfolds,
    Wait,
)
from hil.commands.console import make_console
from hil.dut.options import DutOptions
from hil.interrupt import importing

commands = typer.Typer()


@commands.command()
def convert(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="the file to write")],
    *,
    c_array: Annotated[bool, typer.Option("--c-array", help="write C source, for a program without hil")] = False,
    state_bound: Annotated[float | None, typer.Option(help="largest start state that will be set")] = None,
    solver: SolverOption = None,
    unfolds: Unfolds = None,
    error_bound: ErrorBound = None,
) -> None:
    """Convert a network into the image that the C runtime reads."""
    with importing():
        from hil.commands.convert import convert_model
        from hil.commands.solver import chosen_solver

    chosen = chosen_solver(solver, unfolds, error_bound)
    convert_model(model, output, make_console(), c_array=c_array, state_bound=state_bound, solver=chosen)


@commands.command(name="tune")
def tune_solver(
    model: ModelFile,
    vectors: Annotated[list[Path], typer.Argument(metavar="VECTORS.npz...", help="inputs, expected outputs, labels")],
    *,
    board: BoardOption = DEFAULT_BOARD,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    rig: RigFile = None,
    wait: Wait = None,
    atol: Annotated[
        float | None, typer.Option(help="largest error of an expected output that is kept; default: decisions alone")
    ] = None,
    json: RowsFile = None,
    picture: PictureFile = None,
) -> None:
    """Find the solver that keeps a network's decisions with the fewest cycles."""
    with importing():
        from hil.commands.tune import TuneRequest, tune

    options = DutOptions(backend, probe, port, rig=rig, wait_s=wait)
    tune(TuneRequest(model, vectors, board, atol, json, picture), options, make_console())


@commands.command(name="bench")
def bench_runtime(
    files: Annotated[list[Path] | None, typer.Argument(metavar="MODEL.npz VECTORS.npz", help="a network")] = None,
    *,
    board: BoardOption = "microbit",
    json: RowsFile = None,
    picture: PictureFile = None,
) -> None:
    """Hold the runtime against other programs for the same network: cycles, flash, RAM, error."""
    with importing():
        from hil.commands.bench import BenchRequest, bench

    bench(BenchRequest(files or [], board, json, picture), make_console())
