"""Commands about more than one run: a swarm, a day on harvested power, a night."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hil.board import DEFAULT_BOARD
from hil.cli.options import BoardOption, ErrorBound, Link, ModelFile, ResultFile, SolverOption, Unfolds
from hil.commands.console import make_console
from hil.interrupt import importing

commands = typer.Typer()


@commands.command(name="swarm")
def run_swarm(
    nodes: Annotated[Path, typer.Argument(metavar="NODES.yaml", help="the nodes: networks, recordings, anomalies")],
    *,
    json: ResultFile = None,
) -> None:
    """Run a hub and many nodes that tell of anomalies alone; exit code 1 where one is missed or false."""
    with importing():
        from hil.commands.swarm import SwarmRequest, swarm

    raise typer.Exit(swarm(SwarmRequest(nodes, json), make_console()))


@commands.command(name="harvest")
def harvest_power(
    model: ModelFile,
    vectors: Annotated[Path, typer.Argument(metavar="VECTORS.npz", help="recordings that the board goes through")],
    *,
    power_uw: Annotated[float, typer.Option(help="power that charges the capacitor, in microwatts")],
    capacitor_uf: Annotated[float, typer.Option(help="the capacitor, in microfarads")],
    v_on: Annotated[float, typer.Option(help="volts at which the board gets its power")] = 2.2,
    v_off: Annotated[float, typer.Option(help="volts at which it loses it")] = 1.8,
    checkpoint_steps: Annotated[int, typer.Option(metavar="N", help="a checkpoint every so many steps")] = 1,
    hours: Annotated[float, typer.Option(help="time that is simulated")] = 0.25,
    inferences_per_hour: Annotated[
        float | None, typer.Option(metavar="N", help="promised; default: one for each elapsed time of the recordings")
    ] = None,
    board: BoardOption = DEFAULT_BOARD,
    json: ResultFile = None,
    hex_file: Annotated[
        Path | None, typer.Option("--hex", metavar="FILE", help="write program and slot, to be flashed")
    ] = None,
    solver: SolverOption = None,
    unfolds: Unfolds = None,
    error_bound: ErrorBound = None,
) -> None:
    """Simulate a board on harvested power, over all its power cuts: steps an hour, and every bit of them."""
    with importing():
        from hil.commands.harvest import HarvestRequest, harvest
        from hil.commands.solver import chosen_solver

    power = {
        "power_uW": power_uw,
        "capacitor_uF": capacitor_uf,
        "v_on": v_on,
        "v_off": v_off,
        "checkpoint_steps": checkpoint_steps,
        "hours": hours,
        "inferences_per_hour": inferences_per_hour,
    }
    request = HarvestRequest(model, vectors, board, json, hex_file, power, chosen_solver(solver, unfolds, error_bound))
    raise typer.Exit(harvest(request, make_console()))


@commands.command(name="nightly")
def run_night(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- PYTEST...]", help="more for pytest")] = None,
    *,
    board: Annotated[list[str], typer.Option("--board", metavar="NAME", help="a board, or its file; repeatable")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="what the night leaves")] = Path(
        "night"
    ),
    history: Annotated[
        Path | None, typer.Option(metavar="FILE", help="nights so far (default: history.jsonl in that folder)")
    ] = None,
    quarantine: Annotated[
        Path | None, typer.Option(metavar="FILE", help="boards and cases whose failures do not count")
    ] = None,
    add_flaky: Annotated[bool, typer.Option("--add-flaky", help="put flaky boards into that file")] = False,
    minutes: Annotated[float, typer.Option(metavar="N", min=0.01, help="bound on the time of each board")] = 120.0,
    link: Link = "uart",
) -> None:
    """Run the tests on each board, compare with the nights before, and write a report."""
    with importing():
        from hil.commands.nightly import NightlyRequest, nightly

    request = NightlyRequest(board, output, history, quarantine, add_flaky, minutes, link, arguments or [])
    raise typer.Exit(nightly(request, make_console()))
