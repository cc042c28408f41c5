"""The ``hil`` command: arguments in, exit code out; the work is in :mod:`hil.commands`.

Each command imports its own module: most bring pyOCD or NumPy, for which those that need neither should not wait.
"""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from hil import __version__
from hil.cli import desk, network, on_board, trials
from hil.commands.console import make_console, print_error
from hil.errors import HilError
from hil.interrupt import INTERRUPTED, was_interrupted

app = typer.Typer(
    name="hil",
    help="Hardware-in-the-loop tests and flashing for Liquid Time-constant networks on Cortex-M0/M0+.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _group in (on_board, network, trials, desk):
    app.add_typer(_group.commands)


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
