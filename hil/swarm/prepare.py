"""What goes into a node's flash, and what it must find there by the exact integer model."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from hil.errors import InputError
from hil.frame import RuleKind
from hil.golden import run_integer, run_reference
from hil.link.watch import SHIFT_MOST, DeviceRule, WatchPlan
from hil.model import load_model
from hil.swarm.rule import find_anomalies, find_runs, holds_in_units
from hil.vectors import load_vectors
from hil.work import convert_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hil.board import Board
    from hil.convert import Converted
    from hil.model import Model
    from hil.swarm.nodes_file import Node, Swarm
    from hil.vectors import Vectors

_LAST_OUTPUT: Final = 255  # WATCH names it by a byte


@dataclass(frozen=True)
class Reference:
    """What a node must tell: the exact integer model's.

    Attributes:
        anomalies: sequence, step and outputs of each.
        float64: sequence and step of each that ncps' equations in float64 have with the same rule; to be told, as a
            value near the threshold may lie on the other side of it.
        crc: of all outputs and last states, as the firmware takes it.
        sample_crc: of all samples.
    """

    anomalies: tuple[tuple[int, int, tuple[int, ...]], ...]
    float64: tuple[tuple[int, int], ...]
    crc: int
    sample_crc: int


@dataclass(frozen=True)
class PreparedNode:
    """A node, ready to be powered.

    Attributes:
        node: as the file has it.
        model_name: of its network.
        slot: content of its image slot: the image, the start state, the rule's shifts, the samples.
        image: the first part of it.
        samples: 32-bit words (S * T, 1 + I), the last part: elapsed time and inputs of each step.
        plan: what it is told to do.
        inputs: of its network, and ``outputs``.
        reference: what it must find.
    """

    node: Node
    model_name: str
    slot: bytes
    image: bytes
    samples: NDArray[np.uint32]
    plan: WatchPlan
    inputs: int
    outputs: int
    reference: Reference

    @property
    def steps(self) -> int:
        """Of all sequences together."""
        return self.plan.sequences * self.plan.steps

    @property
    def sample_plan(self) -> WatchPlan:
        """The baseline's: each sample is sent."""
        return replace(self.plan, samples=True)


@dataclass(frozen=True)
class _Recording:
    """A network and what it is given, in the device's numbers: shared by all nodes that have the same."""

    model: Model
    vectors: Vectors
    converted: Converted
    start: NDArray[np.int32]
    samples: NDArray[np.uint32]
    sample_crc: int
    outputs: NDArray[np.int32]
    float64: NDArray[np.float64]
    crc: int


class Preparer:
    """Prepares the nodes of one file; what two of them share is worked out once.

    Args:
        swarm: the file.
    """

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm
        self._recordings: dict[object, _Recording] = {}

    def prepare(self, node: Node, board: Board) -> PreparedNode:
        """Read a node's files, and compute what it must find.

        Raises:
            InputError: naming the node's line and key.
        """
        key = (node.model, node.recordings, node.sequences, node.steps)
        recording = self._recordings.get(key)
        if recording is None:
            recording = self._recordings[key] = self._record(node)
        rule = self._rule(node, recording)
        image = recording.converted.image
        offset = -(-len(image) // 4) * 4
        start = recording.start.astype("<i4").tobytes() + np.array(rule.shifts, "<u4").tobytes()
        slot = image.ljust(offset, b"\0") + start + recording.samples.tobytes()
        if len(slot) > board.image_slot.bytes:
            room = board.image_slot.bytes - offset - len(start)
            record_bytes = 4 * (1 + recording.model.inputs)
            raise self._swarm.mistake(
                node,
                "recordings",
                f"image and recordings take {len(slot)} bytes, and the slot of board '{board.name}' has "
                f"{board.image_slot.bytes}",
                hint=f"there is room for {max(0, room // record_bytes)} steps: choose with 'sequences' and 'steps'",
            )
        sequences, steps, outputs = recording.outputs.shape
        anomalies = tuple(
            (sequence, step, tuple(map(int, recording.outputs[sequence, step])))
            for sequence, step in find_anomalies(rule, recording.outputs)
        )
        float64 = find_runs(holds_in_units(rule, recording.float64, node.anomaly.above), rule.steps)
        return PreparedNode(
            node=node,
            model_name=recording.model.name,
            slot=slot,
            image=image,
            samples=recording.samples,
            plan=WatchPlan(self._swarm.period_ms(node), offset, sequences, steps, rule),
            inputs=recording.model.inputs,
            outputs=outputs,
            reference=Reference(anomalies, tuple(float64), recording.crc, recording.sample_crc),
        )

    def _record(self, node: Node) -> _Recording:
        model, vectors = self._load(node)
        vectors = self._chosen(node, vectors)
        try:
            converted = convert_for(model, vectors)
            inputs = converted.quantise_inputs(vectors.inputs)
            elapsed = converted.quantise_elapsed(vectors.elapsed)
            state0 = converted.quantise_state(vectors.state0)
            states, outputs = run_integer(converted.image, inputs, elapsed, state0)
        except InputError as error:
            raise self._swarm.mistake(node, "recordings", error.message, cause=error.cause, hint=error.hint) from error
        samples = np.concatenate([elapsed[..., None].astype("<u4"), inputs.astype("<i4").view("<u4")], axis=-1)
        return _Recording(
            model=model,
            vectors=vectors,
            converted=converted,
            start=state0,
            samples=samples.reshape(-1, samples.shape[-1]),
            sample_crc=zlib.crc32(samples.tobytes()),
            outputs=outputs,
            float64=run_reference(model, vectors.inputs, vectors.elapsed, vectors.state0)[1],
            crc=_crc(states, outputs),
        )

    def _load(self, node: Node) -> tuple[Model, Vectors]:
        folder = self._swarm.path.parent
        key = "model"
        try:
            model = load_model(folder / node.model)
            key = "recordings"
            return model, load_vectors(folder / node.recordings, model)
        except InputError as error:
            raise self._swarm.mistake(
                node,
                key,
                error.message,
                cause=error.cause,
                hint=error.hint or "the names of files are relative to the folder of the nodes file",
            ) from error

    def _chosen(self, node: Node, vectors: Vectors) -> Vectors:
        """The sequences and steps that the node takes."""
        rows = list(range(vectors.sequences)) if node.sequences is None else list(node.sequences)
        beyond = next((row for row in rows if row >= vectors.sequences), None)
        if beyond is not None:
            raise self._swarm.mistake(
                node,
                "sequences",
                f"there is no sequence {beyond}: {vectors.path.name} has {vectors.sequences}, from 0 on",
            )
        steps = node.steps or vectors.steps
        if steps > vectors.steps:
            raise self._swarm.mistake(
                node, "steps", f"{steps} are more than the {vectors.steps} of {vectors.path.name}"
            )
        return replace(
            vectors,
            inputs=vectors.inputs[rows, :steps],
            elapsed=vectors.elapsed[rows, :steps],
            states=None,
            outputs=None,
            labels=None,
        )

    def _rule(self, node: Node, recording: _Recording) -> DeviceRule:
        anomaly, names = node.anomaly, recording.vectors.label_names
        output = anomaly.output
        if isinstance(output, str):
            if output not in names:
                there = ", ".join(names) or "none"
                raise self._swarm.mistake(
                    node, "anomaly", f"the recordings name no output '{output}'", hint=f"label_names there: {there}"
                )
            output = names.index(output)
        _, steps, outputs = recording.outputs.shape
        if anomaly.steps > steps:
            raise self._swarm.mistake(
                node,
                "anomaly.steps",
                f"{anomaly.steps} steps in a row cannot be: a sequence of the recordings has {steps}",
                hint=f"write steps: {steps} or less",
            )
        if output >= outputs:
            raise self._swarm.mistake(node, "anomaly", f"there is no output {output}: the network has {outputs}")
        if output > _LAST_OUTPUT:
            raise self._swarm.mistake(
                node, "anomaly", f"a node can look at outputs 0 to {_LAST_OUTPUT} alone, not at output {output}"
            )
        if anomaly.above is None:
            shifts = recording.converted.output_frac.max() - recording.converted.output_frac
            if shifts.max() > SHIFT_MOST:
                raise self._swarm.mistake(
                    node,
                    "anomaly",
                    f"the formats of the outputs are {shifts.max()} bits apart, and a node compares up to {SHIFT_MOST}",
                    hint="take 'above' with a threshold",
                )
            return DeviceRule(RuleKind.LARGEST, output, anomaly.steps, shifts=tuple(map(int, shifts)))
        frac = recording.converted.output_frac[output]
        # An output is a whole number of these; so it is above the threshold where it is above the one next below.
        threshold = int(np.floor(np.ldexp(anomaly.above, int(frac))))
        if not -(1 << 31) <= threshold < 1 << 31:
            raise self._swarm.mistake(
                node, "anomaly", f"the threshold {anomaly.above:g} is beyond what output {output} can be"
            )
        return DeviceRule(RuleKind.ABOVE, output, anomaly.steps, threshold)


def _crc(states: NDArray[np.int32], outputs: NDArray[np.int32]) -> int:
    """Over the outputs of each step, and behind each sequence its last state."""
    crc = 0
    for each_states, each_outputs in zip(states, outputs, strict=True):
        crc = zlib.crc32(each_outputs.astype("<i4").tobytes(), crc)
        crc = zlib.crc32(each_states[-1].astype("<i4").tobytes(), crc)
    return crc
