"""Board descriptions: what a board *is*, read from YAML and validated before anything else runs.

A description never says where a board is plugged in (serial number, /dev/tty*): that is the rig's business.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from hil.errors import InputError
from hil.resources import boards_dir
from hil.yaml_file import load_yaml

if TYPE_CHECKING:
    from pathlib import Path

Backend = Literal["qemu", "native"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Memory(_Strict):
    """A contiguous memory: first address, size in bytes, and for flash its erase page in bytes."""

    origin: int = Field(ge=0, lt=2**32)
    bytes: int = Field(gt=0, le=2**32)
    page_bytes: int = Field(default=1, gt=0)


class MemoryMap(_Strict):
    """The memories that firmware is linked for."""

    flash: Memory
    ram: Memory


class Uart(_Strict):
    """The serial link: baud rate in bit/s and the DUT's pins by their data-sheet names."""

    baud: int = Field(ge=0)
    tx: str = ""
    rx: str = ""


class Links(_Strict):
    """The links that reach the firmware on this board."""

    uart: Uart | None = None


class EmulatorSpec(_Strict):
    """An emulator that can stand in for the board: the backend and, for QEMU, its machine name."""

    backend: Backend
    machine: str = ""


class Board(_Strict):
    """One board: part, core, memories, links and emulators. Addresses and sizes in bytes, clock in Hz."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    part: str
    core: Literal["cortex-m0", "cortex-m0plus", "host"]
    clock_hz: int = Field(gt=0)
    port: str
    pyocd_target: str | None = None
    memory: MemoryMap
    image_slot: Memory
    links: Links
    emulators: tuple[EmulatorSpec, ...] = ()

    def emulator(self, backend: str) -> EmulatorSpec | None:
        """The emulator of this backend, or None."""
        return next((e for e in self.emulators if e.backend == backend), None)


def load_board_file(path: Path) -> Board:
    """Read and validate one board description.

    Raises:
        InputError: naming the file, the line and the key.
    """
    return load_yaml(path, Board, "board file")


def board_names() -> list[str]:
    """Names of the boards that ship with hil."""
    return sorted(path.stem for path in boards_dir().glob("*.yaml"))


def load_board(name: str) -> Board:
    """The shipped board of this name.

    Raises:
        InputError: for an unknown name, offering the nearest one.
    """
    names = board_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise InputError(f"there is no board '{name}'", hint=f"{hint}known boards: {', '.join(names)} ('hil boards')")
    return load_board_file(boards_dir() / f"{name}.yaml")
