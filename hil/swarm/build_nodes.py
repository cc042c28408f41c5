"""The nodes of a file with their boards and firmware; what cannot be a node is refused by the file's line and key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.build import build
from hil.dut.board_check import check_board
from hil.port import load_port
from hil.resources import firmware_dir
from hil.swarm.prepare import Preparer

if TYPE_CHECKING:
    from hil.board import Board
    from hil.build import Artefact
    from hil.swarm.nodes_file import Node, Swarm
    from hil.swarm.prepare import PreparedNode


@dataclass(frozen=True)
class BuiltNode:
    """A node and what it runs on.

    Attributes:
        prepared: what it has to do.
        board: what it is.
        firmware: built for it, over SPI.
    """

    prepared: PreparedNode
    board: Board
    firmware: Artefact

    @property
    def name(self) -> str:
        """Of the node."""
        return self.prepared.node.name


def build_nodes(swarm: Swarm) -> list[BuiltNode]:
    """Prepare and build all nodes of a file; what they share is made once.

    Raises:
        HilError: as `Preparer.prepare`, `check_board` and `build`.
        InputError: a board that cannot be a node, or not with this period: the nodes file's line and key.
    """
    preparer = Preparer(swarm)
    kinds: dict[str, _Kind] = {}
    built: dict[str, Artefact] = {}
    nodes = []
    for node in swarm.says.nodes:
        given = swarm.board_name(node)
        if given not in kinds:
            kinds[given] = _Kind.load(given)
        board = kinds[given].board
        _check(swarm, node, kinds[given])
        prepared = preparer.prepare(node, board)
        if given not in built:
            built[given] = build(board, link="spi")
        nodes.append(BuiltNode(prepared, board, built[given]))
    return nodes


@dataclass(frozen=True)
class _Kind:
    """A board, and the longest period of its port's timer in ms: 0 without one, None where its C code alone knows."""

    board: Board
    tick_most_ms: int | None

    @classmethod
    def load(cls, given: str) -> _Kind:
        board = load_board(given)
        check_board(board)
        port = load_port(board, firmware_dir())
        return cls(board, None if port is None else port.tick_most_ms)


def _check(swarm: Swarm, node: Node, kind: _Kind) -> None:
    """That such a board can be this node."""
    board, most_ms = kind.board, kind.tick_most_ms
    cannot = f"board '{board.name}' cannot be a node"
    if board.links.spi is None or not board.links.spi.data_ready:
        raise swarm.mistake(
            node,
            "board",
            f"{cannot}: its file names no SPI with a data-ready line",
            hint="name one in links.spi of its file, or take another board",
        )
    if most_ms == 0:
        raise swarm.mistake(
            node,
            "board",
            f"{cannot}: its port '{board.port}' has no timer that wakes a stopped core up",
            hint=f"take another board; tick_most_ms in firmware/port/{board.port}/port.yaml is 0",
        )
    if not node.attached and board.emulator("twin") is None:
        raise swarm.mistake(
            node,
            "board",
            f"{cannot} without 'probe' and 'bridge': it has no twin",
            hint="give the node both, or name the emulator in the board's file: emulators: [{backend: twin}]",
        )
    period_ms = swarm.period_ms(node)
    if most_ms is not None and period_ms > most_ms:
        raise swarm.mistake(
            node,
            "period_ms",
            f"{period_ms} ms are more than the {most_ms} that the timer of port '{board.port}' counts",
            hint=f"write period_ms: {most_ms} or less",
        )
