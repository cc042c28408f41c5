"""What a case promises, judged against a result: pure, and the same for pytest and for ``hil run``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.compare import compare, decisions
from hil.errors import InputError, NumericError
from hil.verdict import who_ran

if TYPE_CHECKING:
    from hil.case import CaseFile, Decisions, Outputs, PromiseName, States
    from hil.result import RunResult

SHOWN_DECISIONS = 6


def judge(promise: PromiseName, says: CaseFile, result: RunResult) -> None:
    """Return if the promise holds.

    Args:
        promise: which; cycles are :mod:`hil.cycle_promise`'s, current and energy :mod:`hil.energy_promise`'s.
        says: the case file.
        result: the run.

    Raises:
        NumericError: saying how it is broken, with the first differing elements.
        InputError: if the vectors lack what the promise needs, or nothing could break it.
    """
    if promise == "bits":
        check_bits(result)
    elif promise == "outputs" and says.outputs is not None:
        check_outputs(result, says.outputs)
    elif promise == "states" and says.states is not None:
        check_states(result, says.states)
    elif promise == "decisions" and says.decisions is not None:
        check_decisions(result, says.decisions)
    else:
        raise InputError(f"the case promises nothing about {promise}")


def check_bits(result: RunResult) -> None:
    """Device and exact integer model agree in every bit of every state and output."""
    single = result.vectors.single
    pairs = (
        ("states", result.states_lsb, result.golden_states_lsb),
        ("outputs", result.outputs_lsb, result.golden_outputs_lsb),
    )
    found = [compare(name, obtained, golden, lsb=1, single=single) for name, obtained, golden in pairs]
    wrong = [str(mismatch) for mismatch in found if mismatch is not None]
    if wrong:
        raise NumericError("\n".join([f"{who_ran(result)}: the device and the exact integer model differ", *wrong]))


def check_outputs(result: RunResult, promised: Outputs) -> None:
    """Outputs are within ``atol`` of the vectors' expected outputs."""
    expected = result.vectors.outputs
    if expected is None:
        raise _lacking(result, "outputs", "outputs")
    furthest = float((2.0**31 * result.output_lsb + np.abs(expected).reshape(-1, expected.shape[-1]).max(axis=0)).max())
    if promised.atol >= furthest:
        raise InputError(
            f"outputs within {promised.atol:g} of {result.vectors.path.name} is no promise: in its format no output of "
            f"{result.model_name} can be further than {furthest:.3g} from what is expected",
            hint="give a smaller atol",
        )
    mismatch = compare(
        "outputs",
        result.outputs,
        expected,
        atol=promised.atol,
        lsb=result.output_lsb,
        single=result.vectors.single,
    )
    if mismatch is not None:
        raise NumericError(f"{who_ran(result)}: other outputs than {result.vectors.path.name} expects\n{mismatch}")


def check_states(result: RunResult, promised: States) -> None:
    """States are within a share of the state bound of the vectors' float64 states."""
    expected = result.vectors.states
    if expected is None:
        raise _lacking(result, "states", "states")
    atol = promised.max_error * result.state_bound
    mismatch = compare("states", result.states, expected, atol=atol, lsb=result.state_lsb, single=result.vectors.single)
    if mismatch is not None:
        share = mismatch.worst_absolute / result.state_bound
        raise NumericError(
            f"{who_ran(result)}: off the float64 states by {share:.3g} of the state bound {result.state_bound:.4g}, "
            f"promised {promised.max_error:.3g}\n{mismatch}"
        )


def check_decisions(result: RunResult, promised: Decisions) -> None:
    """Every labelled decision is the reference's own."""
    labels = result.vectors.labels
    if labels is None:
        raise _lacking(result, "decisions", "labels")
    if promised.from_step >= result.vectors.steps:
        raise InputError(
            f"decisions from step {promised.from_step} need longer sequences: "
            f"{result.vectors.path} has {result.vectors.steps} steps"
        )
    obtained = decisions(result.outputs, promised.from_step)
    expected = decisions(result.reference_outputs, promised.from_step)
    wrong = np.flatnonzero(obtained != expected)
    if not len(wrong):
        return
    names = result.vectors.label_names
    lines = [
        f"sequence {i}: decided {_name(names, obtained[i])}, reference {_name(names, expected[i])}, "
        f"label {_name(names, labels[i])}"
        for i in wrong[:SHOWN_DECISIONS]
    ]
    hidden = len(wrong) - SHOWN_DECISIONS
    more = [f"... and {hidden} more"] if hidden > 0 else []
    raise NumericError(
        "\n".join(
            [f"{who_ran(result)}: {len(wrong)} of {len(labels)} decisions differ from the reference", *lines, *more]
        )
    )


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if index < len(names) else str(index)


def _lacking(result: RunResult, promise: str, key: str) -> InputError:
    return InputError(
        f"vectors {result.vectors.path}, key '{key}': missing, but the case makes a promise about its {promise}",
        hint=f"add '{key}' to the vectors, or take '{promise}' out of the case",
    )
