"""Sentences that somebody who waits should read now, while pytest keeps what tests print to itself."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from hil.report.spelling import as_in_pytest

if TYPE_CHECKING:
    import pytest


def tell_now(config: pytest.Config, sentence: str) -> None:
    """Show a sentence on the terminal at once; also from a worker of xdist, whose errors go there."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    line = f"hil: {as_in_pytest(sentence)}"
    with capture.global_and_fixture_disabled() if capture is not None else nullcontext():
        if terminal is not None and not hasattr(config, "workerinput"):
            terminal.ensure_newline()
            terminal.write_line(line)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201 # there is no other way to the terminal
