"""The twin as a backend: which version of Unicorn is installed, and its machine."""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Final

from hil.emulator.backend import Backend
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec, OwnedMachine


def _version() -> str:
    try:
        return f"Unicorn {importlib.metadata.version('unicorn')}"
    except importlib.metadata.PackageNotFoundError as error:
        raise RigError("the twin needs the package unicorn", hint="pip install 'hil-ltc[twin]'") from error


def _counts_cycles() -> bool:
    return bool(_version())


def _machine(spec: MachineSpec, on_kept: Callable[[bytes], None]) -> OwnedMachine:
    from hil.emulator.twin.machine import TwinMachine  # noqa: PLC0415 # imports unicorn, which may be missing

    return TwinMachine(spec, on_kept)


BACKEND: Final = Backend(
    machine=_machine, version=_version, counts_cycles=_counts_cycles, counter_name="twin", site_packages=True
)
