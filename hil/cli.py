"""The ``hil`` command: arguments in, exit code out; the work is in :mod:`hil.commands`.

Each command imports its own module: most bring pyOCD or NumPy, for which those that need neither should not wait.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from hil import __version__
from hil.board import DEFAULT_BOARD
from hil.commands.console import make_console, print_error
from hil.dut.options import DutOptions
from hil.errors import HilError
from hil.flash_mode import FlashMode
from hil.interrupt import INTERRUPTED, importing, was_interrupted

DEFAULT_MAX_ERROR = 2.0**-10

app = typer.Typer(
    name="hil",
    help="Hardware-in-the-loop tests and flashing for Liquid Time-constant networks on Cortex-M0/M0+.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Board = Annotated[str, typer.Argument(metavar="BOARD", help="a board that 'hil boards' lists, or its YAML file")]
BoardOption = Annotated[str, typer.Option("--board", metavar="NAME", help="a board, or its YAML file")]
Backend = Annotated[str, typer.Option(metavar="NAME", help="auto, hardware, or an emulator of the board")]
Probe = Annotated[str | None, typer.Option(metavar="UID", help="debug probe of an attached board")]
Port = Annotated[str | None, typer.Option(metavar="DEV", help="serial port of an attached board, or its SPI bridge")]
Link = Annotated[str, typer.Option(metavar="NAME", help="link to the firmware: uart or spi")]
Meter = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="current analyzer, e.g. ppk2:/dev/ttyACM0?marker=D0")
]
SolverOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="fused, euler, rk4, adaptive or exponential; else the model's own"),
]
Unfolds = Annotated[int | None, typer.Option(metavar="N", help="sub-steps a step; for adaptive at most")]
ErrorBound = Annotated[float | None, typer.Option(metavar="X", help="of the adaptive solver, in a state's unit")]
RigFile = Annotated[Path | None, typer.Option("--rig", metavar="FILE", help="what is plugged in on this bench")]
Farm = Annotated[
    str | None,
    typer.Option(metavar="HOST[:PORT][/PLACE]", help="labgrid coordinator whose places have the board"),
]
Wait = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="for a probe or a place that another run has; 0 fails at once")
]
AllowErase = Annotated[
    bool, typer.Option("--allow-erase", help="all flash may be erased where nothing else makes the board reachable")
]
Flash = Annotated[FlashMode, typer.Option("--flash", help="when to write firmware")]


def main() -> None:
    """Run a command; a HilError is told by its sentence and ends in its exit code."""
    try:
        app()
    except HilError as error:
        if was_interrupted(error):
            sys.exit(INTERRUPTED)
        print_error(make_console(stderr=True), error)
        sys.exit(error.exit_code)
    except Exception as error:  # noqa: BLE001 - a bug in hil: the trace is for whoever mends it, the code says: no verdict
        if was_interrupted(error):
            sys.exit(INTERRUPTED)
        traceback.print_exc()
        print_error(make_console(stderr=True), HilError("this is a bug in hil, not in the firmware"))
        sys.exit(HilError.exit_code)


@app.callback(invoke_without_command=True)
def _version(
    *, version: Annotated[bool, typer.Option("--version", help="print the version and leave")] = False
) -> None:
    if version:
        make_console().print(f"hil {__version__}")
        raise typer.Exit


@app.command()
def boards(
    *, schema: Annotated[bool, typer.Option("--schema", help="print the JSON schema of a board's file instead")] = False
) -> None:
    """List the boards: part, core, memories, links and emulators."""
    with importing():
        from hil.commands.boards import list_boards, print_schema

    if schema:
        print_schema()
    else:
        list_boards(make_console())


@app.command()
def build(board: Board, link: Link = "uart") -> None:
    """Build a board's firmware; an unchanged one comes from the cache."""
    with importing():
        from hil.commands.build import build_board

    build_board(board, link, make_console())


@app.command()
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


@app.command()
def run(
    model: Annotated[Path, typer.Argument(metavar="MODEL.npz", help="parameters, named as in ncps")],
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
    meter: Meter = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the result as JSON")] = None,
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

    options = DutOptions(backend, probe, port, link, when, farm=farm, rig=rig, wait_s=wait, meter=meter)
    chosen = chosen_solver(solver, unfolds, error_bound)
    request = RunRequest(model, vectors, board, json, max_error, atol, chosen)
    raise typer.Exit(run_model(request, options, make_console()))


@app.command(name="profile")
def profile_cycles(
    files: Annotated[list[Path], typer.Argument(metavar="CASE.hil.yaml|MODEL.npz VECTORS.npz", help="what to run")],
    *,
    board: BoardOption,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    when: Flash = "auto",
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

    options = DutOptions(backend=backend, probe=probe, port=port, flash=when)
    chosen = chosen_solver(solver, unfolds, error_bound)
    profile(ProfileRequest(files, board, output, picture, chosen), options, make_console())


@app.command(name="power")
def show_power(
    files: Annotated[list[Path], typer.Argument(metavar="CASE.hil.yaml|MODEL.npz VECTORS.npz", help="what to run")],
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
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="draw it: NAME.svg or NAME.png")] = None,
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


@app.command(name="tune")
def tune_solver(
    model: Annotated[Path, typer.Argument(metavar="MODEL.npz", help="parameters, named as in ncps")],
    vectors: Annotated[list[Path], typer.Argument(metavar="VECTORS.npz...", help="inputs, expected outputs, labels")],
    *,
    board: BoardOption = DEFAULT_BOARD,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    atol: Annotated[
        float | None, typer.Option(help="largest error of an expected output that is kept; default: decisions alone")
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the rows as JSON")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="draw them: NAME.svg or NAME.png")] = None,
) -> None:
    """Find the solver that keeps a network's decisions with the fewest cycles."""
    with importing():
        from hil.commands.tune import TuneRequest, tune

    options = DutOptions(backend=backend, probe=probe, port=port)
    tune(TuneRequest(model, vectors, board, atol, json, picture), options, make_console())


@app.command(name="bench")
def bench_runtime(
    files: Annotated[list[Path] | None, typer.Argument(metavar="MODEL.npz VECTORS.npz", help="a network")] = None,
    *,
    board: BoardOption = "microbit",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the rows as JSON")] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE", help="draw them: NAME.svg or NAME.png")] = None,
) -> None:
    """Hold the runtime against other programs for the same network: cycles, flash, RAM, error."""
    with importing():
        from hil.commands.bench import BenchRequest, bench

    bench(BenchRequest(files or [], board, json, picture), make_console())


@app.command()
def convert(
    model: Annotated[Path, typer.Argument(metavar="MODEL.npz", help="parameters, named as in ncps")],
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


@app.command(name="swarm")
def run_swarm(
    nodes: Annotated[Path, typer.Argument(metavar="NODES.yaml", help="the nodes: networks, recordings, anomalies")],
    *,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the result as JSON")] = None,
) -> None:
    """Run a hub and many nodes that tell of anomalies alone; exit code 1 where one is missed or false."""
    with importing():
        from hil.commands.swarm import SwarmRequest, swarm

    raise typer.Exit(swarm(SwarmRequest(nodes, json), make_console()))


@app.command(name="harvest")
def harvest_power(
    model: Annotated[Path, typer.Argument(metavar="MODEL.npz", help="parameters, named as in ncps")],
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
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="write the result as JSON")] = None,
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


@app.command(name="nightly")
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


@app.command()
def demo(
    *,
    board: BoardOption = DEFAULT_BOARD,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    farm: Farm = None,
    wait: Wait = None,
    when: Flash = "auto",
) -> None:
    """Classify 40 smartwatch recordings on a board, each output checked against Python."""
    with importing():
        from hil.commands.demo import run_demo

    options = DutOptions(backend=backend, probe=probe, port=port, farm=farm, wait_s=wait, flash=when)
    raise typer.Exit(run_demo(board, options, make_console()))


@app.command(name="monitor")
def monitor_board(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="a board, or its YAML file")],
    *,
    backend: Backend = "auto",
    probe: Probe = None,
    port: Port = None,
    seconds: Annotated[float | None, typer.Option(metavar="N", help="leave after so many seconds")] = None,
) -> None:
    """Show what a board sends over its serial port, and send what is typed."""
    with importing():
        from hil.commands.monitor import monitor

    monitor(board, DutOptions(backend=backend, probe=probe, port=port), seconds, make_console(stderr=True))


@app.command()
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


@app.command()
def doctor(
    *, udev: Annotated[bool, typer.Option("--udev", help="print the udev rules that open probes to users")] = False
) -> None:
    """Say what this computer has of what hil needs, and what to type where something is missing."""
    with importing():
        from hil.commands.doctor import examine
        from hil.find.udev import rules

    if udev:
        sys.stdout.write(rules())
    else:
        raise typer.Exit(examine(make_console()))


rig_app = typer.Typer(name="rig", help="The rig file: what is plugged in on this bench.", no_args_is_help=True)
app.add_typer(rig_app)


@rig_app.command(name="scan")
def rig_scan(file: RigFile = None) -> None:
    """Write the boards that are plugged in into the rig file; what a person wrote there stays."""
    with importing():
        from hil.commands.rig import scan_rig

    scan_rig(file, make_console())


@rig_app.command(name="show")
def rig_show(file: RigFile = None) -> None:
    """Print the rig file, and what of it is plugged in."""
    with importing():
        from hil.commands.rig import show_rig

    show_rig(file, make_console())


@app.command(name="emulate")
def emulate_board(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a board, or one of several: microbit, microbit.2")],
    backend: Annotated[str | None, typer.Option(metavar="NAME", help="the emulator, by default the board's")] = None,
    *,
    paced: Annotated[bool, typer.Option("--paced", help="no faster than real time, where the emulator can")] = False,
) -> None:
    """Keep an emulated board powered, like one that is plugged in, until Ctrl-C."""
    with importing():
        from hil.commands.emulate import emulate

    emulate(name, backend, paced=paced)


@app.command(name="serve")
def serve_probe(
    uid: Annotated[str, typer.Argument(metavar="UID", help="a debug probe, as 'pyocd list' shows it")],
    *,
    tcp: Annotated[int, typer.Option("--tcp", metavar="N", help="TCP port")] = 5555,
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="listen there; 0.0.0.0 for all")] = "localhost",
) -> None:
    """Serve a debug probe on the network, for a farm, until Ctrl-C."""
    with importing():
        from hil.commands.serve import serve

    serve(uid, host, tcp, make_console())
