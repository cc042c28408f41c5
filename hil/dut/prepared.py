"""What a DUT will be opened with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.board import Board
    from hil.build import Artefact
    from hil.dut.options import DutOptions
    from hil.dut.selection import Selection
    from hil.result import Provenance


@dataclass(frozen=True)
class Prepared:
    """What a DUT will be opened with: nothing is powered yet, the firmware is built."""

    board: Board
    options: DutOptions
    selection: Selection
    artefact: Artefact
    provenance: Provenance
