"""The entry point through which pyOCD finds emulated boards."""

from __future__ import annotations

# pyOCD has annotations but no py.typed: to mypy it is untyped, and subclassing what it offers is an error of its own.
from pyocd.core.plugin import Plugin  # type: ignore[import-untyped]

import hil
from hil.backends import EMULATED
from hil.probe.emulated import EmulatedProbe


class EmulatedProbePlugin(Plugin):  # type: ignore[misc]
    """Offers `EmulatedProbe` to pyOCD under the name ``emulated``."""

    def load(self) -> type[EmulatedProbe]:
        """The probe class."""
        return EmulatedProbe

    @property
    def name(self) -> str:
        """What stands before the colon in ``-u emulated:microbit``."""
        return EMULATED

    @property
    def description(self) -> str:
        """Shown by ``pyocd list --plugins``."""
        return "Emulated boards of hil"

    @property
    def version(self) -> str:
        """Version of hil."""
        return hil.__version__
