"""What a DUT is given for one run, and what it should make of it: model and vectors in its own numbers. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hil.convert import convert
from hil.errors import InputError
from hil.golden import run_integer, run_reference
from hil.result import RunResult
from hil.step_energy import NOT_ASKED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.convert import Converted
    from hil.model import Model
    from hil.result import Provenance
    from hil.solver import Solver
    from hil.step_cycles import RunCycles
    from hil.step_energy import RunEnergy
    from hil.vectors import Vectors

_DIGEST_DIGITS = 12


def solve_with(solver: Solver | None, model: Model, vectors: Vectors) -> tuple[Model, Vectors]:
    """A network with another solver than its own, and vectors whose states are that solver's in float64.

    Expected outputs and labels stay: they say what the network is for, whatever solves it.

    Raises:
        InputError: the network is a closed form.
    """
    if solver is None:
        return model, vectors
    solved = model.solved_by(solver)
    if vectors.outputs is None and vectors.labels is not None:
        _, outputs = run_reference(model, vectors.inputs, vectors.elapsed, vectors.state0)
        vectors = replace(vectors, outputs=outputs)
    if vectors.states is not None:
        states, _ = run_reference(solved, vectors.inputs, vectors.elapsed, vectors.state0)
        vectors = replace(vectors, states=states)
    return solved, vectors


def convert_for(model: Model, vectors: Vectors) -> Converted:
    """The network as its vectors need it: their start state must fit into the formats."""
    return convert(model, state_bound=float(np.abs(vectors.state0).max()))


def digest_of(image: bytes) -> str:
    """First digits of an image's SHA-256: which network ran."""
    return hashlib.sha256(image).hexdigest()[:_DIGEST_DIGITS]


@dataclass(frozen=True)
class SequenceDone:
    """One sequence that the device has computed.

    Attributes:
        sequence: its index.
        sequences: how many there are.
        outputs: (T, O) the device's outputs, in the model's unit.
        bits_equal: states and outputs agree with the exact integer model in every bit.
    """

    sequence: int
    sequences: int
    outputs: NDArray[np.float64]
    bits_equal: bool


@dataclass(frozen=True)
class Work:
    """A network and its vectors in the device's numbers, with both goldens.

    Shapes: S sequences, T steps, I inputs, N neurons, O outputs.

    Attributes:
        model: the network.
        vectors: what is streamed to it.
        converted: its image and formats.
        inputs: (S, T, I) in the image's formats.
        elapsed: (S, T) in the runtime's format.
        state0: (N,) start state of every sequence.
        golden_states: (S, T, N) of the exact integer model.
        golden_outputs: (S, T, O) of the exact integer model.
        reference_states: (S, T, N) float64: the vectors' own, or of hil's reference where they have none.
        reference_outputs: (S, T, O) float64, likewise.
    """

    model: Model
    vectors: Vectors
    converted: Converted
    inputs: NDArray[np.int32]
    elapsed: NDArray[np.uint32]
    state0: NDArray[np.int32]
    golden_states: NDArray[np.int32]
    golden_outputs: NDArray[np.int32]
    reference_states: NDArray[np.float64]
    reference_outputs: NDArray[np.float64]

    @classmethod
    def make(cls, model: Model, vectors: Vectors) -> Work:
        """Convert the network, quantise its vectors and compute the goldens.

        Raises:
            InputError: for values that the device's formats cannot hold, naming the vectors' file.
        """
        try:
            converted = convert_for(model, vectors)
            inputs = converted.quantise_inputs(vectors.inputs)
            elapsed = converted.quantise_elapsed(vectors.elapsed)
            state0 = converted.quantise_state(vectors.state0)
            golden_states, golden_outputs = run_integer(converted.image, inputs, elapsed, state0)
        except InputError as error:
            raise InputError(
                f"vectors {vectors.path} for model '{model.name}': {error.message}", cause=error.cause, hint=error.hint
            ) from error
        reference_states, reference_outputs = vectors.states, vectors.outputs
        if reference_states is None or reference_outputs is None:
            states, outputs = run_reference(model, vectors.inputs, vectors.elapsed, vectors.state0)
            reference_states = states if reference_states is None else reference_states
            reference_outputs = outputs if reference_outputs is None else reference_outputs
        return cls(
            model=model,
            vectors=vectors,
            converted=converted,
            inputs=inputs,
            elapsed=elapsed,
            state0=state0,
            golden_states=golden_states,
            golden_outputs=golden_outputs,
            reference_states=reference_states,
            reference_outputs=reference_outputs,
        )

    def done(self, sequence: int, states: NDArray[np.int32], outputs: NDArray[np.int32]) -> SequenceDone:
        """What the device gave for one sequence, (T, N) and (T, O), beside the golden."""
        return SequenceDone(
            sequence=sequence,
            sequences=self.vectors.sequences,
            outputs=self.converted.output_to_float(outputs),
            bits_equal=np.array_equal(states, self.golden_states[sequence])
            and np.array_equal(outputs, self.golden_outputs[sequence]),
        )

    def result(
        self,
        provenance: Provenance,
        place: str,
        states: NDArray[np.int32],
        outputs: NDArray[np.int32],
        *,
        device_s: float,
        retries: int,
        cycles: RunCycles,
        energy: RunEnergy = NOT_ASKED,
    ) -> RunResult:
        """The result of all sequences, from the device's (S, T, N) states and (S, T, O) outputs."""
        converted = self.converted
        return RunResult(
            provenance=provenance,
            vectors=self.vectors,
            model_name=self.model.name,
            solver=self.model.solution,
            image_digest=digest_of(converted.image),
            image_place=place,
            q_formats=converted.q_formats,
            state_bound=converted.state_bound,
            state_lsb=float(converted.state_to_float(np.ones(1, np.int32))[0]),
            output_lsb=converted.output_to_float(np.ones(self.model.outputs, np.int32)),
            states_lsb=states,
            outputs_lsb=outputs,
            golden_states_lsb=self.golden_states,
            golden_outputs_lsb=self.golden_outputs,
            states=converted.state_to_float(states),
            outputs=converted.output_to_float(outputs),
            reference_states=self.reference_states,
            reference_outputs=self.reference_outputs,
            device_s=device_s,
            retries=retries,
            cycles=cycles,
            energy=energy,
            notes=converted.notes,
        )
