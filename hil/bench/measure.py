"""One contestant on one network: built, flashed and run as the runtime is, and what that took."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hil.bench.contestants import HIL, NOTHING, Contestant, make_firmware
from hil.bench.energy import run_energy
from hil.convert import convert
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import BuildError, CyclesError, InputError
from hil.image import ModelImage
from hil.solver import MAX_UNFOLDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hil.board import Board
    from hil.build import Artefact
    from hil.model import LtcModel
    from hil.result import RunResult
    from hil.vectors import Vectors

_STEPS = 50  # of the first sequence
_NO_LIBRARY = ("math.h", "cannot find -lm", "cannot find -lc")


@dataclass(frozen=True)
class Row:
    """What one contestant took for one network.

    Attributes:
        name: the contestant's.
        case: the network's.
        cycles_per_step: the median.
        recurrent_cycles_per_step: of that, what the network's unfolds take: what twice as many take more.
        text_bytes: flash that it adds to a firmware whose step does nothing: code, tables, library functions, network.
        ram_bytes: RAM that it adds, without its stack.
        max_error: worst error of a state to the float64 reference, as a share of the state's bound.
        energy_uJ_per_step: as the board's currents model it, typical, in microjoules; None where they do not.
        energy_source: what models it, or why nothing does.
        where: what computed, and that it was emulated where it was.
        source: what counted the cycles.
    """

    name: str
    case: str
    cycles_per_step: float
    recurrent_cycles_per_step: float
    text_bytes: int
    ram_bytes: int
    max_error: float
    energy_uJ_per_step: float | None  # noqa: N815 - the unit
    energy_source: str
    where: str
    source: str


def measure(
    board: Board, name: str, model: LtcModel, vectors: Vectors, contestants: Sequence[Contestant]
) -> Iterator[Row]:
    """Run the first steps of a network on every contestant.

    Args:
        board: on what; it must have something that counts cycles.
        name: of the network, for the rows.
        model: the network.
        vectors: what it is fed; 50 steps of the first sequence are used.
        contestants: who takes part.

    Raises:
        CyclesError: nothing counts cycles on this board.
        InputError: the network has more than half of the unfolds that there can be.
        HilError: as they come from build and board.
    """
    if model.solver != "fused":
        raise InputError(
            f"model '{model.name}' has the solver {model.solver}, and its peers compute the fused solver alone",
            hint="'hil tune' compares solvers",
        )
    short = first_steps(vectors, _STEPS)
    if 2 * model.unfolds > MAX_UNFOLDS:
        raise InputError(
            f"model '{model.name}' has {model.unfolds} unfolds: what they take is measured with twice as many, and the "
            f"runtime has {MAX_UNFOLDS} at most"
        )
    twice, unasked = replace(model, unfolds=2 * model.unfolds), replace(short, states=None)
    empty, _ = _run(board, NOTHING, model, short)
    for contestant in contestants:
        artefact, result = _run(board, contestant, model, short)
        _, longer = _run(board, contestant, twice, unasked)
        cycles, source = _cycles(result)
        network, working = _apart(model) if contestant is HIL else (0, 0)
        energy, energy_source = run_energy(board, cycles)
        yield Row(
            name=contestant.name,
            case=name,
            cycles_per_step=cycles,
            recurrent_cycles_per_step=_cycles(longer)[0] - cycles,
            text_bytes=artefact.flash_bytes - empty.flash_bytes + network,
            ram_bytes=_data(artefact) - _data(empty) + working,
            max_error=result.max_error,
            energy_uJ_per_step=energy,
            energy_source=energy_source,
            where=result.provenance.where,
            source=source,
        )


def first_steps(vectors: Vectors, steps: int) -> Vectors:
    """The first steps of the first sequence."""
    return replace(
        vectors,
        inputs=vectors.inputs[:1, :steps],
        elapsed=vectors.elapsed[:1, :steps],
        states=None if vectors.states is None else vectors.states[:1, :steps],
        outputs=None,
        labels=None,
        label_names=(),
    )


def _run(board: Board, contestant: Contestant, model: LtcModel, vectors: Vectors) -> tuple[Artefact, RunResult]:
    with tempfile.TemporaryDirectory() as folder:
        root = make_firmware(Path(folder, "firmware"), contestant, model, convert(model))
        try:
            with open_dut(board, DutOptions(firmware_root=root)) as dut:
                return dut.artefact, dut.measure(model, vectors)
        except BuildError as error:
            if any(word in error.message + (error.cause or "") for word in _NO_LIBRARY):
                error.hint = "the others need the C library: apt-get install libnewlib-arm-none-eabi"
            raise


def _cycles(result: RunResult) -> tuple[float, str]:
    """Median of a step, and what counted."""
    measured = result.cycles.measured
    if measured is None:
        board = result.provenance.board
        raise CyclesError(f"nothing counts cycles on board '{board}': {result.cycles.reason}")
    return float(measured.spread.median), measured.source


def _apart(model: LtcModel) -> tuple[int, int]:
    """Bytes of the runtime's network, which others have compiled in, and of its working memory."""
    image = convert(model).image
    return len(image), ModelImage.from_bytes(image).memory_bytes


def _data(artefact: Artefact) -> int:
    return artefact.ram_bytes - artefact.stack_limit
