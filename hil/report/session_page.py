"""The page of one pytest run, beside its results.json."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from hil.report.json_file import PAGE_FILE
from hil.report.page import Page, render
from hil.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def write_session_page(folder: Path, results: dict[str, Any], *, code: int, said: Sequence[str]) -> None:
    """Write report.html.

    Args:
        folder: where to.
        results: contents of results.json.
        code: the run's exit code.
        said: sentences for the top of the page.

    Raises:
        InputError: it cannot be written.
    """
    now = dt.datetime.now(tz=dt.UTC)
    boards = ", ".join(dict.fromkeys(test["board"] for test in results["tests"] if test.get("board"))) or "no board"
    page = Page(
        title=f"hardware in the loop, {boards}",
        when=now.strftime("%Y-%m-%d %H:%M UTC"),
        code=code,
        sessions=[results],
        said=said,
    )
    write_page(folder / PAGE_FILE, page)


def write_page(path: Path, page: Page) -> None:
    """Render a page into a file.

    Raises:
        InputError: it cannot be written.
    """
    # What is no text, as a file's name that is not UTF-8, is shown by its numbers.
    write_whole(path, render(page).encode("utf-8", "backslashreplace"))
