"""Where a device first differs from what it should have given, with the steps around it: pure, ready for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hil.compare import compare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from hil.case import CaseFile, PromiseName
    from hil.compare import Mismatch
    from hil.result import RunResult

AROUND: Final = 30
"""Steps before and behind the first one that differs."""


def first_difference(promise: PromiseName, says: CaseFile | None, result: RunResult) -> dict[str, Any] | None:
    """What a broken promise about numbers looks like where it breaks first.

    Args:
        promise: ``bits``, ``outputs`` or ``states``; of others there is none.
        says: the case; it says how much is allowed.
        result: the run.

    Returns:
        ``array``, ``unit`` (``LSB`` or ``model``), ``sequence``, ``step``, ``element``, ``allowed`` in that unit, and
        of the steps around: the ``first`` of them, what the device gave (``obtained``) and what was ``expected``.
        None where nothing differs.
    """
    for name, obtained, expected, allowed in _pairs(promise, says, result):
        mismatch = compare(name, obtained, expected, atol=allowed)
        if mismatch is not None:
            return _around(mismatch, obtained, expected, "LSB" if promise == "bits" else "model")
    return None


def _pairs(
    promise: PromiseName, says: CaseFile | None, result: RunResult
) -> Iterator[tuple[str, NDArray[Any], NDArray[Any], float]]:
    """Arrays (S, T, E) that are held against each other, and by how much they may differ."""
    expected = result.vectors
    if promise == "bits":
        yield "states", result.states_lsb, result.golden_states_lsb, 0.0
        yield "outputs", result.outputs_lsb, result.golden_outputs_lsb, 0.0
    elif promise == "outputs" and says is not None and says.outputs is not None and expected.outputs is not None:
        yield "outputs", result.outputs, expected.outputs, says.outputs.atol
    elif promise == "states" and says is not None and says.states is not None and expected.states is not None:
        yield "states", result.states, expected.states, says.states.max_error * result.state_bound


def _around(mismatch: Mismatch, obtained: NDArray[Any], expected: NDArray[Any], unit: str) -> dict[str, Any]:
    sequence, step, element = mismatch.first
    near = slice(max(0, step - AROUND), step + AROUND + 1)
    return {
        "array": mismatch.name,
        "unit": unit,
        "sequence": None if obtained.shape[0] == 1 else sequence,
        "step": step,
        "element": element,
        "allowed": mismatch.allowed,
        "first": near.start,
        "obtained": obtained[sequence, near, element].tolist(),
        "expected": expected[sequence, near, element].tolist(),
    }
