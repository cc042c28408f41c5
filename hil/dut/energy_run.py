"""A run of vectors in batches, of which the current is looked at; and whether it computed what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hil.errors import NumericError
from hil.step_energy import RunEnergy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.link.agent import Agent
    from hil.link.batch_job import BatchResult
    from hil.work import Work


def run_in_batches(
    agent: Agent,
    work: Work,
    sizes: Sequence[int],
    *,
    sequences: int | None = None,
    on_batch: Callable[[int], None] | None = None,
) -> BatchResult:
    """Run the first sequences, each as far as its batches go.

    Args:
        agent: on which the network is open.
        work: the vectors.
        sizes: steps of each batch of a sequence.
        sequences: how many; None for all.
        on_batch: called after each batch with how many are done.

    Raises:
        LinkError, TargetFault: as they come from the board.
    """
    steps = sum(sizes)
    elapsed = work.elapsed[:sequences, :steps]
    inputs = work.inputs[:sequences, :steps].reshape(elapsed.size, -1)
    return agent.run_batches(inputs, elapsed.reshape(-1), work.state0, sizes, on_batch=on_batch)


def refused(result: BatchResult, work: Work, sizes: Sequence[int], board: str) -> RunEnergy | None:
    """What such a run says of its steps' energy where it is none of the steps promised; None where it is.

    A bit that differs is a failure, and no reason to leave the energy out: another run's bits may be equal.
    """
    wrong = why_wrong(result, work, sizes)
    if not wrong:
        return None
    failure = None if result.retries else NumericError(f"board '{board}': {wrong}")
    return RunEnergy(missing=(wrong,), failure=failure)


def why_wrong(result: BatchResult, work: Work, sizes: Sequence[int]) -> str:
    """Why the current of such a run is not that of the steps promised; empty where it is."""
    if result.retries:
        return f"the link needed {result.retries} repairs, so a batch may have been executed twice"
    ends = np.cumsum(sizes) - 1
    sequences = len(result.states) // len(sizes)
    states = work.golden_states[:sequences, ends].reshape(result.states.shape)
    outputs = work.golden_outputs[:sequences, ends].reshape(result.outputs.shape)
    wrong = (states != result.states).any(axis=1) | (outputs != result.outputs).any(axis=1)
    if not wrong.any():
        return ""
    sequence, batch = divmod(int(wrong.argmax()), len(sizes))
    return (
        f"while the current was looked at, the device and the exact integer model differed in {int(wrong.sum())} of "
        f"{len(wrong)} batches, first in batch {batch} of sequence {sequence}"
    )
