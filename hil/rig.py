"""The rig file: which board of this bench hangs on which debug probe, serial port, SPI bridge and current analyzer.

It says where boards are plugged in, which a board's file never does, and is never committed. Where everything can be
found by itself none is needed: it tells equal boards apart, and names what nothing on USB tells.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_config_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from hil.errors import InputError
from hil.yaml_file import load_yaml

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*(\.[1-9][0-9]*)?")
Text = Annotated[str, Field(min_length=1)]


def _board_key(value: str) -> str:
    if not _KEY.fullmatch(value):
        raise ValueError(f"'{value}' is no name of a board, nor that of a further one of its kind, as in nucleo-l031.2")
    return value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RigBoard(_Strict):
    """Where one board is plugged in."""

    probe: Text | None = None
    """Uid of its debug probe, as 'hil doctor' lists it."""
    port: Text | None = None
    """Its serial port, where that is not its probe's own; best a path in /dev/serial/by-id."""
    bridge: Text | None = None
    """The SPI bridge to it, as --port takes it for --link spi."""
    analyzer: Text | None = None
    """The current analyzer that measures it, by its address."""


class Rig(_Strict):
    """What is plugged in on one bench."""

    bench: str = ""
    """What the bench is called, for people."""
    boards: dict[Annotated[str, AfterValidator(_board_key)], RigBoard] = Field(default_factory=dict)
    """By the board's name; a further board of the same kind is NAME.2, NAME.3 and so on, and asked for by its probe."""

    _file: Path | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Remember the file that it came from."""
        self._file = (context or {}).get("file")

    @property
    def file(self) -> Path | None:
        """The file that it came from; None where there is none."""
        return self._file

    def of(self, board: str, probe: str | None = None) -> RigBoard:
        """Where a board is plugged in; an empty entry where nothing is said of it.

        Args:
            board: its name.
            probe: uid of the probe that was asked for or found, or a part: then the board of that kind that hangs on
                it; where the file says of none that it does, the one that it names without a probe.
        """
        kind = [entry for name, entry in self.boards.items() if name.partition(".")[0] == board]
        plain = self.boards.get(board, RigBoard())
        if probe is None:
            return plain
        hanging = [entry for entry in kind if entry.probe and probe.casefold() in entry.probe.casefold()]
        if hanging:
            return hanging[0] if len(hanging) == 1 else RigBoard()
        return plain if plain.probe is None else RigBoard()


def rig_path() -> Path:
    """The rig file where none is named: $HIL_RIG, else ``hil/rig.yaml`` in the user's configuration folder."""
    chosen = os.environ.get("HIL_RIG")
    return Path(chosen) if chosen else user_config_path("hil") / "rig.yaml"


def load_rig(path: Path | None = None) -> Rig:
    """Read a rig file.

    Args:
        path: the file; by default that of `rig_path`, which need not be there unless $HIL_RIG names it.

    Raises:
        InputError: naming the file, the line and the key.
    """
    file = path or rig_path()
    if path is None and not os.environ.get("HIL_RIG") and not file.exists():
        return Rig()
    if not file.exists():
        raise InputError(f"there is no rig file {file}", hint="'hil rig scan' writes one")
    return load_yaml(file, Rig, "rig file")
