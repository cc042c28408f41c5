"""What must be read while a test still runs: that a board is waited for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def tell_now(config: pytest.Config, sentence: str) -> None:
    """Write a sentence to standard error at once, past the capture of a test's output; in a worker of xdist as well."""
    capture = config.pluginmanager.getplugin("capturemanager")
    line = f"\nhil: {sentence}\n"
    if capture is None:
        sys.stderr.write(line)
        return
    with capture.global_and_fixture_disabled():
        sys.stderr.write(line)
        sys.stderr.flush()
