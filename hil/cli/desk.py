"""Commands about what there is: boards, what is plugged in, emulated boards that are kept powered."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hil.cli.options import Board, Link, RigFile
from hil.commands.console import make_console
from hil.interrupt import importing

commands = typer.Typer()


@commands.command()
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


@commands.command()
def build(board: Board, link: Link = "uart") -> None:
    """Build a board's firmware; an unchanged one comes from the cache."""
    with importing():
        from hil.commands.build import build_board

    build_board(board, link, make_console())


@commands.command()
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


@commands.command(name="emulate")
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


@commands.command(name="serve")
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


rig_app = typer.Typer(name="rig", help="The rig file: what is plugged in on this bench.", no_args_is_help=True)
commands.add_typer(rig_app)


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
