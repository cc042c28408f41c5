"""``nodes.yaml``: the nodes of a swarm, each with its network, its recordings, and what is an anomaly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from hil.board import DEFAULT_BOARD
from hil.emulator.spi_bus import SLOWEST_HZ
from hil.errors import InputError
from hil.yaml_file import load_yaml, place_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KIND: Final = "nodes file"

_Text = Annotated[str, Field(min_length=1)]
_Index = Annotated[int, Field(strict=True, ge=0, lt=2**16 - 1)]
_Count = Annotated[int, Field(strict=True, ge=1, lt=2**16)]
_Period = Annotated[int, Field(strict=True, ge=1, lt=2**32)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Anomaly(_Strict):
    """When a node tells: an output is above a threshold, or the largest, for some steps in a row."""

    output: _Index | _Text
    """Its index, or its name where the recordings have label_names."""
    above: Annotated[float, Field(strict=True, allow_inf_nan=False)] | None = None
    """The threshold, in the output's own unit."""
    largest: bool = False
    """Instead of a threshold: no other output is larger."""
    steps: Annotated[int, Field(strict=True, ge=1, le=255)] = 1
    """For how many steps in a row that must hold."""

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if self.largest == (self.above is not None):
            raise ValueError("needs either 'above' with a threshold, or 'largest: true'")
        return self


class Node(_Strict):
    """A node: a network on a board, and recordings that stand in for its sensor."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """What the table calls it."""
    model: _Text
    """The network's file, relative to this one's folder."""
    recordings: _Text
    """The file of vectors whose inputs it takes for its samples."""
    sequences: tuple[_Index, ...] | None = Field(default=None, min_length=1)
    """Which of the recordings, in this order; without it all."""
    steps: _Count | None = None
    """Only so many steps of each."""
    anomaly: Anomaly
    period_ms: _Period | None = None
    """A sample each so many milliseconds; without it as the file says for all nodes."""
    board: _Text | None = None
    """What it is; without it as the file says for all nodes."""
    probe: _Text | None = None
    """Uid of its debug probe, where it is a board on the desk: then with 'bridge'."""
    bridge: _Text | None = None
    """Address of the bridge to its SPI pins, where it is a board on the desk: then with 'probe'."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.probe is None) != (self.bridge is None):
            raise ValueError("a board on the desk needs both 'probe' and 'bridge'; a twin neither")
        return self

    @property
    def attached(self) -> bool:
        """Whether it is a board on the desk, and no twin."""
        return self.bridge is not None


class NodesFile(_Strict):
    """What a nodes file says."""

    board: _Text = DEFAULT_BOARD
    """What the nodes are, and the hub is modelled as: a board's name, or its file."""
    clock_hz: Annotated[int, Field(strict=True, ge=SLOWEST_HZ, le=100_000_000)] | None = None
    """SCK of the bus, in Hz; without it the fastest that all boards take."""
    period_ms: _Period = 100
    """A sample each so many milliseconds, where a node says nothing else."""
    nodes: tuple[Node, ...] = Field(min_length=1)

    @field_validator("nodes")
    @classmethod
    def _names(cls, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        names = [node.name for node in nodes]
        doubled = next((name for name in names if names.count(name) > 1), None)
        if doubled is not None:
            raise ValueError(f"two nodes are called '{doubled}'")
        return nodes


@dataclass(frozen=True)
class Swarm:
    """A nodes file that was read.

    Attributes:
        path: where it is; the names in it are relative to its folder.
        says: its contents.
    """

    path: Path
    says: NodesFile

    def board_name(self, node: Node) -> str:
        """What a node is: a board's name, or the path of its file."""
        return self._board_name(node.board or self.says.board)

    @property
    def hub_board_name(self) -> str:
        """What the hub is modelled as, likewise."""
        return self._board_name(self.says.board)

    def _board_name(self, given: str) -> str:
        return str(self.path.parent / given) if given.endswith(".yaml") else given

    def period_ms(self, node: Node) -> int:
        """How often it takes a sample."""
        return node.period_ms or self.says.period_ms

    def mistake(
        self, node: Node, key: str, what: str, *, cause: str | None = None, hint: str | None = None
    ) -> InputError:
        """The error for a node's key that shows to be wrong beside something else; else for the file's own."""
        own = key not in NodesFile.model_fields or getattr(node, key) is not None
        keys: tuple[int | str, ...] = ("nodes", self.says.nodes.index(node), *key.split(".")) if own else (key,)
        place = place_of(self.path, KIND, keys)
        return InputError(f"{place}: {what}", cause=cause, hint=hint)


def load_swarm(path: Path) -> Swarm:
    """Read and check a nodes file; the files that it names are read by `hil.swarm.prepare`.

    Raises:
        InputError: naming the file, the line and the key.
    """
    swarm = Swarm(path, load_yaml(path, NodesFile, KIND))
    _check_shared(swarm, "probe", str.casefold)
    _check_shared(swarm, "bridge", lambda address: address.partition("?")[0])
    return swarm


def _check_shared(swarm: Swarm, key: str, means: Callable[[str], str]) -> None:
    """Refuse two nodes on the desk that have the same of something that each has one of."""
    owners: dict[str, str] = {}
    for node in swarm.says.nodes:
        given = getattr(node, key)
        if given is None:
            continue
        owner = owners.setdefault(means(given), node.name)
        if owner != node.name:
            raise swarm.mistake(
                node,
                key,
                f"'{given}' is the {key} of node '{owner}' already",
                hint=f"each board on the desk has its own {key}",
            )
