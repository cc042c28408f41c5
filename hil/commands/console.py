"""What the commands print to: a console that never folds lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from hil.errors import HilError


def make_console(*, stderr: bool = False) -> Console:
    """A console for plain sentences and tables; colour and movement only on a terminal."""
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False)


def print_error(console: Console, error: HilError) -> None:
    """An error as its class, sentence, cause and hint."""
    console.print(f"error ({error.verdict}): {error}", style="red")
