"""What a case promises about harvested power, tried out: the same for pytest and for ``hil harvest``."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Final

from hil.errors import RigError
from hil.harvest.outcome import Conditions
from hil.harvest.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hil.board import Board
    from hil.case import Harvest
    from hil.harvest.outcome import HarvestRun
    from hil.harvest.program import Program
    from hil.model import Model
    from hil.vectors import Vectors

_BACKENDS: Final = ("auto", "twin")
_PORT: Final = "stm32l0"  # which can be built without a link
_HOUR_S: Final = 3600


def why_not(board: Board, backend: str = "auto") -> str | None:
    """Why a board cannot be simulated on harvested power, or None where it can.

    Args:
        board: which.
        backend: what was asked for to realise it: a life is simulated in the twin, whatever else is attached.
    """
    if backend not in _BACKENDS:
        reason = f"it is simulated in the twin alone, and asked for was '{backend}'"
    elif board.port != _PORT or board.emulator("twin") is None:
        reason = f"only a board of port '{_PORT}' that has a twin can be"
    elif board.memory.eeprom is None:
        reason = "it has no memory for checkpoints (key 'memory.eeprom')"
    elif not board.marker:
        reason = "its file names no pin that is high during steps (key 'marker')"
    elif importlib.util.find_spec("unicorn") is None:
        reason = "the twin needs the package unicorn: pip install 'hil-ltc[twin]'"
    else:
        return None
    return f"harvest not measured: board '{board.name}' cannot be simulated on harvested power: {reason}"


def make_program(
    model: Model, vectors: Vectors, board: Board, checkpoint_steps: int, *, firmware_root: Path | None = None
) -> Program:
    """Build the firmware that runs by itself, and lay out its slot.

    Args:
        model: the network, with the solver that it shall have.
        vectors: its recordings.
        board: that `why_not` has no objection to.
        checkpoint_steps: steps between two checkpoints.
        firmware_root: another folder of sources, laid out as firmware/.

    Raises:
        HilError: `why_not` objects; as `make_plan` and `build`.
    """
    reason = why_not(board)
    if reason is not None:
        raise RigError(reason)
    from hil.build import build  # noqa: PLC0415 # brings tools that a run without such a promise need not wait for
    from hil.harvest.program import Program  # noqa: PLC0415 # likewise

    plan = make_plan(model, vectors, board, checkpoint_steps)
    return Program.of(board, build(board, link="none", firmware_root=firmware_root), plan)


def run_harvest(
    program: Program, promised: Harvest, *, progress: Callable[[float], None] = lambda _share: None
) -> HarvestRun:
    """Simulate a network on a board that lives on harvested power.

    Args:
        program: of `make_program`.
        promised: its power, and what is promised.
        progress: told the share of the time that is over.

    Raises:
        HilError: as `simulate`.
    """
    from hil.harvest.simulate import simulate  # noqa: PLC0415 # imports unicorn, which may be missing

    conditions = Conditions(
        promised.power_uW, promised.capacitor_uF, promised.v_on, promised.v_off, promised.hours * _HOUR_S
    )
    return simulate(program, conditions, promised=promised.inferences_per_hour, progress=progress)
