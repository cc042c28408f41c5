"""What commands show on a terminal while they work: builds on a bench, and how far they are."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.progress import Progress

import hil.dut.opening  # noqa: F401 - brings pyOCD, now: while modules are imported Ctrl-C is held back
from hil.commands.console import make_console
from hil.dut.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from hil.dut.options import DutOptions


@contextmanager
def open_bench(options: DutOptions, console: Console) -> Iterator[Bench]:
    """A bench that is closed at the end; on a terminal a build's last line is shown while it runs."""
    tell = make_console(stderr=True).print
    if not console.is_terminal:
        bench = Bench(options, tell=tell)
    else:
        status = console.status("")

        def show(line: str) -> None:
            status.update(f"building: {escape(line[: max(20, console.width - 14)])}")
            status.start()

        bench = Bench(options, progress=show, prepared=status.stop, tell=tell)
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
