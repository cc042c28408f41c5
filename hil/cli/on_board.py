"""Commands about a board: flash it, run a network on it, look at what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hil.board import DEFAULT_BOARD
from hil.cli.options import (
    AllowErase,
    Backend,
    Board,
    BoardOption,
    CaseFiles,
    ErrorBound,
    Farm,
    Flash,
    Link,
    Meter,
    ModelFile,
    PictureFile,
    Port,
    Probe,
    ResultFile,
    RigFile,
    SolverOption,
    Unfolds,
    Wait,
)
from hil.commands.console import make_console
from hil.dut.options import DutOptions
from hil.interrupt import importing

DEFAULT_MAX_ERROR = 2.0**-10

commands = typer.Typer()


@commands.command()
def flash(
    board: Board,
    *,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    farm: Farm = None,
    link: Link = "uart",
    when: Flash = "auto",
    rig: RigFile = None,
    wait: Wait = None,
    allow_erase: AllowErase = False,
) -> None:
    """Build a board's firmware, flash it through pyOCD and hear it answer."""
    with importing():
        from hil.commands.flash import flash_board

    options = DutOptions(backend, probe, port, link, when, farm=farm, rig=rig, wait_s=wait, may_erase=allow_erase)
    flash_board(board, options, make_console())


@commands.command()
def run(
    model: ModelFile,
    vectors: Annotated[Path, typer.Argument(metavar="VECTORS.npz", help="inputs and what is expected of them")],
    *,
    board: BoardOption,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    farm: Farm = None,
    link: Link = "uart",
    when: Flash = "auto",
    rig: RigFile = None,
    wait: Wait = None,
    allow_erase: AllowErase = False,
    meter: Meter = None,
    json: ResultFile = None,
    max_error: Annotated[
        float, typer.Option(help="largest error of a state promised, as a share of its bound")
    ] = DEFAULT_MAX_ERROR,
    atol: Annotated[
        float | None, typer.Option(help="largest error of an expected output promised; default: from --max-error")
    ] = None,
    solver: SolverOption = None,
    unfolds: Unfolds = None,
    error_bound: ErrorBound = None,
) -> None:
    """Run a network and its vectors on a board; exit code 1 where a promise is broken."""
    with importing():
        from hil.commands.run import RunRequest, run_model
        from hil.commands.solver import chosen_solver

    options = DutOptions(
        backend, probe, port, link, when, farm=farm, rig=rig, wait_s=wait, may_erase=allow_erase, meter=meter
    )
    chosen = chosen_solver(solver, unfolds, error_bound)
    request = RunRequest(model, vectors, board, json, max_error, atol, chosen)
    raise typer.Exit(run_model(request, options, make_console()))


@commands.command(name="profile")
def profile_cycles(
    files: CaseFiles,
    *,
    board: BoardOption,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    when: Flash = "auto",
    rig: RigFile = None,
    wait: Wait = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="where the files go")] = Path(),
    picture: Annotated[str, typer.Option(metavar="KIND", help="svg or png")] = "svg",
    solver: SolverOption = None,
    unfolds: Unfolds = None,
    error_bound: ErrorBound = None,
) -> None:
    """Show which functions the cycles of a network's steps go to."""
    with importing():
        from hil.commands.profile import ProfileRequest, profile
        from hil.commands.solver import chosen_solver

    options = DutOptions(backend, probe, port, flash=when, rig=rig, wait_s=wait)
    chosen = chosen_solver(solver, unfolds, error_bound)
    profile(ProfileRequest(files, board, output, picture, chosen), options, make_console())


@commands.command(name="power")
def show_power(
    files: CaseFiles,
    *,
    board: BoardOption,
    vectors: Annotated[int, typer.Option(metavar="N", help="which of the case's vectors files, from 1 on")] = 1,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    link: Link = "uart",
    when: Flash = "auto",
    rig: RigFile = None,
    wait: Wait = None,
    meter: Meter = None,
    picture: PictureFile = None,
    solver: SolverOption = None,
    unfolds: Unfolds = None,
    error_bound: ErrorBound = None,
) -> None:
    """Show what a board draws while it runs a network: current over time, energy of each step."""
    with importing():
        from hil.commands.power import PowerRequest, power
        from hil.commands.solver import chosen_solver

    options = DutOptions(backend, probe, port, link, when, rig=rig, wait_s=wait, meter=meter)
    chosen = chosen_solver(solver, unfolds, error_bound)
    power(PowerRequest(files, board, vectors, picture, chosen), options, make_console())


@commands.command()
def demo(
    *,
    board: BoardOption = DEFAULT_BOARD,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    farm: Farm = None,
    when: Flash = "auto",
    rig: RigFile = None,
    wait: Wait = None,
) -> None:
    """Classify 40 smartwatch recordings on a board, each output checked against Python."""
    with importing():
        from hil.commands.demo import run_demo

    options = DutOptions(backend, probe, port, flash=when, farm=farm, rig=rig, wait_s=wait)
    raise typer.Exit(run_demo(board, options, make_console()))


@commands.command(name="monitor")
def monitor_board(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="a board, or its YAML file")],
    *,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    rig: RigFile = None,
    seconds: Annotated[float | None, typer.Option(metavar="N", help="leave after so many seconds")] = None,
) -> None:
    """Show what a board sends over its serial port, and send what is typed."""
    with importing():
        from hil.commands.monitor import monitor

    monitor(board, DutOptions(backend, probe, port, rig=rig), seconds, make_console(stderr=True))


@commands.command()
def gdb(
    board: Board,
    *,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    when: Flash = "auto",
    server_port: Annotated[int, typer.Option(metavar="N", help="TCP port of the gdb server")] = 3333,
    rig: RigFile = None,
    wait: Wait = None,
) -> None:
    """Serve gdb on a board through pyOCD, and say what to type or paste to connect."""
    with importing():
        from hil.commands.gdb import serve_gdb

    options = DutOptions(backend, probe, port, flash=when, rig=rig, wait_s=wait)
    serve_gdb(board, options, server_port, make_console())
