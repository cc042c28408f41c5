"""What the commands print to: a console that never folds lines, and a bench whose builds show their progress."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from hil.dut.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hil.dut.options import DutOptions
    from hil.errors import HilError


def make_console(*, stderr: bool = False) -> Console:
    """A console for plain sentences and tables; colour and movement only on a terminal."""
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False)


def print_error(console: Console, error: HilError) -> None:
    """An error as its class, sentence, cause and hint."""
    console.print(f"error ({error.verdict}): {error}", style="red")


@contextmanager
def open_bench(options: DutOptions, console: Console) -> Iterator[Bench]:
    """A bench that is closed at the end; on a terminal a build's last line is shown while it runs."""
    if not console.is_terminal:
        bench = Bench(options)
    else:
        status = console.status("")

        def show(line: str) -> None:
            status.update(f"building: {escape(line[: max(20, console.width - 14)])}")
            status.start()

        bench = Bench(options, progress=show, prepared=status.stop)
    try:
        yield bench
    finally:
        bench.close()


@contextmanager
def progress_bar(console: Console, what: str, total: int) -> Iterator[Callable[[], None]]:
    """A bar at the bottom of a terminal while the context lasts, and nothing elsewhere; each call moves it by one."""
    if not console.is_terminal:
        yield lambda: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
