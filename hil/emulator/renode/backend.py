"""Renode as a backend: which version is installed, and its machine."""

from __future__ import annotations

from typing import Final

from hil.backends import LISTED
from hil.emulator.backend import Backend
from hil.emulator.renode.launch import version
from hil.emulator.renode.machine import RenodeMachine

BACKEND: Final = Backend(
    machine=RenodeMachine,
    version=version,
    why_not_counted=LISTED["renode"].counter_unusable.removeprefix("Renode "),
)
