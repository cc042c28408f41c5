"""``hil run``: a network and its vectors on a board, judged, with the result as JSON for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from hil.case import Decisions, Outputs, States
from hil.commands.output import open_bench, progress_bar
from hil.compare import largest_error
from hil.errors import InputError, NumericError
from hil.model import load_model
from hil.promise import check_bits, check_decisions, check_outputs, check_states
from hil.report.energy import energy_sentences
from hil.report.json_file import prepare_json, run_json, write_json
from hil.report.terminal import cycles_sentences
from hil.vectors import load_vectors
from hil.work import solve_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from hil.dut.options import DutOptions
    from hil.result import RunResult
    from hil.solver import Solver


Promise = TypeVar("Promise", States, Outputs)


@dataclass(frozen=True)
class RunRequest:
    """What ``hil run`` was asked for.

    Attributes:
        model: the network's file.
        vectors: the vectors' file.
        board: the board's name.
        json_file: where to write the result, or None.
        max_error: largest error of a state promised, as a share of the state bound.
        atol: largest error of an expected output promised; None for what max_error makes of the output map, and for no
            promise with a solver that is not the model's own.
        solver: instead of the model's own.
    """

    model: Path
    vectors: Path
    board: str
    json_file: Path | None
    max_error: float
    atol: float | None = None
    solver: Solver | None = None


def run_model(request: RunRequest, options: DutOptions, console: Console) -> int:
    """Run and judge; returns the exit code: 0, or 1 where a promise is broken.

    Promised are equality with the exact integer model; where the vectors have states, an error of at most
    ``max_error``, to the solver's own where another was chosen; where they have expected outputs, an error of at most
    ``atol``; where they have labels, the reference's own decisions.

    Raises:
        HilError: where there is no result to judge, or an analyzer that was named has not measured.
    """
    if request.json_file is not None:
        prepare_json(request.json_file, reads=(request.model, request.vectors, Path(request.board)))
    promised = _promised(States, "--max-error", max_error=request.max_error)
    atol = None if request.atol is None else _promised(Outputs, "--atol", atol=request.atol)
    with open_bench(options, console) as bench:
        options.check(bench.board(request.board))
        model = load_model(request.model)
        model, vectors = solve_with(request.solver, model, load_vectors(request.vectors, model))
        dut = bench.dut(request.board)
        with progress_bar(console, "on the device", vectors.sequences) as advance:
            result = dut.run(
                model,
                vectors,
                check=False,
                count_cycles=True,
                energy_runs=1 if request.json_file is not None or options.meter is not None else 0,
                on_sequence=lambda _: advance(),
            )
    if request.json_file is not None:
        write_json(request.json_file, run_json(result))
    console.print(str(result.provenance))
    console.print(
        f"{result.model_name}, {vectors.name}: {result.steps} steps, image {result.image_digest} in "
        f"{result.image_place}, solver {result.solver}, {result.vectors_per_second:.0f} vectors/s, "
        f"{result.retries} retries"
    )
    for note in result.notes:
        console.print(f"note: {note}")
    for line in (*cycles_sentences(result.cycles), *energy_sentences(result.energy)):
        console.print(line)
    if atol is None and request.solver is not None and vectors.outputs is not None:
        worst = largest_error(result.outputs, vectors.outputs)
        console.print(f"worst error {worst:.2e} of an expected output; not promised with another solver without --atol")
    elif atol is None:
        reach = request.max_error * result.state_bound * model.output_reach
        atol = Outputs(atol=max(reach, float(result.output_lsb.max())))
    if vectors.states is None:
        console.print(f"{_worst(result)}, to float64; not promised, as {vectors.name} has no states")
    broken = [_say(console, held, check) for held, check in _promises(result, promised, atol)].count(False)
    if result.energy.failure is not None:
        raise result.energy.failure
    return 1 if broken else 0


def _promised(kind: type[Promise], option: str, **value: float) -> Promise:
    """A promise from the command line, checked like one from a case file."""
    try:
        return kind(**value)
    except ValidationError as error:
        given = next(iter(value.values()))
        raise InputError(f"{option} is {given:g}: {error.errors()[0]['msg'].lower()}") from error


def _worst(result: RunResult) -> str:
    """How far the device is off, in words."""
    return f"worst error {result.max_error:.2e} of the state bound {result.state_bound:.4g}"


def _promises(result: RunResult, limit: States, outputs: Outputs | None) -> list[tuple[str, Callable[[], None]]]:
    """What holds in words, and the check that raises where it does not."""
    promises: list[tuple[str, Callable[[], None]]] = [
        (f"{result.bits_compared} bits equal to the exact integer model", lambda: check_bits(result))
    ]
    if result.vectors.states is not None:
        promises.append((f"{_worst(result)}, at most {limit.max_error:.2e}", lambda: check_states(result, limit)))
    if result.vectors.outputs is not None and outputs is not None:
        worst = largest_error(result.outputs, result.vectors.outputs)
        held = f"worst error {worst:.2e} of an expected output, at most {outputs.atol:.2e}"
        promises.append((held, lambda: check_outputs(result, outputs)))
    if result.vectors.decides(Decisions().from_step):
        held = f"{result.vectors.sequences} decisions are the reference's own"
        promises.append((held, lambda: check_decisions(result, Decisions())))
    return promises


def _say(console: Console, held: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except NumericError as error:
        console.print(f"broken ({error.verdict}): {error}", style="red")
        return False
    console.print(f"holds: {held}", style="green")
    return True
