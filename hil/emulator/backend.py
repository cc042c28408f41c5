"""What a backend's module offers under the name ``BACKEND``, and the way from a backend's name to it.

The module imports nothing beyond the standard library and hil: what its emulator needs is imported by ``machine``,
so that naming a backend, or asking for its version, works where that is not installed.

What the machine of a new backend need not write again: `flash_image` (the flash over resets and power cuts), `guards`
(refusals without power, or of a running core), `uart` (the stream to its UART) and `machine` (address ranges).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.backends import LISTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec, OwnedMachine

    OnKept = Callable[[bytes], None]


def _no_version() -> str:
    return ""


def _counts_nothing() -> bool:
    return False


@dataclass(frozen=True)
class Backend:
    """One way to realise a board.

    Attributes:
        machine: makes a board without power, from its facts and what to call with all that it keeps when that was
            found changed; None for a backend that is not supervised. Called in the supervisor's process.
        version: version of the emulator, e.g. ``7.2.22``, empty for one without; RigError where it is not installed.
        counts_cycles: whether the emulator can be started with a cycle counter; RigError where it is not installed.
        counter_name: what counts, as reports call it.
        why_not_counted: what follows its name where `counts_cycles` says no.
        counter_plugin: the emulator counts by a plugin of its own, `hil.cycles.library.plugin_path`.
        site_packages: the machine needs packages beside the standard library, at the price of a slower start.
    """

    machine: Callable[[MachineSpec, OnKept], OwnedMachine] | None = None
    version: Callable[[], str] = _no_version
    counts_cycles: Callable[[], bool] = _counts_nothing
    counter_name: str = ""
    why_not_counted: str = "takes no plugins"
    counter_plugin: bool = False
    site_packages: bool = False


def find_backend(name: str) -> Backend:
    """The backend of a name that `hil.backends.LISTED` has a module for.

    Raises:
        KeyError: it has none.
    """
    module = LISTED[name].module
    if not module:
        raise KeyError(name)
    found: Backend = importlib.import_module(module).BACKEND
    return found


def emulator_version(name: str) -> str:
    """Version of the emulator behind a backend; empty for one that has none of its own, as hardware.

    Raises:
        RigError: it is not installed, or does not run.
    """
    return find_backend(name).version() if name in LISTED else ""


def counts_cycles(name: str) -> bool:
    """Whether the emulator behind a backend was built with what a cycle counter needs.

    Raises:
        RigError: it is not installed, or does not run.
    """
    return name in LISTED and find_backend(name).counts_cycles()
