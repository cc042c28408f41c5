"""``hil emulate`` in a process of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def printed_when_powered(process: subprocess.Popen[str]) -> str:
    """What it has printed up to the line which says that the board has power."""
    assert process.stdout is not None
    printed = ""
    while "Ctrl-C" not in printed:
        line = process.stdout.readline()
        assert line, printed
        printed += line
    return printed
