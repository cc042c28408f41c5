"""From parameters to a model image: every Q-format is chosen here, from bounds that hold for every input.

What is proved, and where (docs/numbers.md has the derivations):

* a state stays within +-``state_bound`` (arXiv 2006.04439, theorem 2), the full scale is the next power of two;
* a sigmoid's argument is scaled so that no state or input can overflow it; an input's format reaches to where every
  sigmoid it feeds is exactly saturated, so that saturating the input changes nothing;
* a neuron's sums have a scale at which everything that could ever be added to them stays below 2^31.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hil import encode
from hil.channels import LOG2E, Channel, arguments, reading
from hil.convert_cfc import cfc_formats
from hil.errors import InputError
from hil.image import ELAPSED_FRAC, FULL_SCALE, MAP, NEURON, SOLVERS, SYNAPSE, ModelImage, Records
from hil.model import LtcModel
from hil.model_arrays import ELAPSED_MAX, ELAPSED_MIN, LARGEST
from hil.model_cfc import CfcModel
from hil.ncps import model_from_ncps
from hil.solver import EXPLICIT

if TYPE_CHECKING:
    import numpy.typing as npt

_SCALE_BITS = 30  # a state or an input at its full scale is 2^30
_SMALLEST_BOUND = 1e-6


@dataclass(frozen=True)
class Converted:
    """A model image with the formats of what goes into it and comes out of it.

    Attributes:
        image: the bytes that the runtime reads.
        state_bound: largest potential that a state can reach.
        state_frac: fractional bits of a state.
        input_frac: (I,) fractional bits of each input.
        input_limit: (I,) largest magnitude that an input may have; infinite where it saturates without effect.
        output_frac: (O,) fractional bits of each output.
        notes: sentences about parameters that could not be represented as they are.
        elapsed_min: least time between two steps that the formats are for.
        input_bounded: inputs end at the model's input bound, said or default, not at what its parameters allow.
    """

    image: bytes
    state_bound: float
    state_frac: int
    input_frac: npt.NDArray[np.int64]
    input_limit: npt.NDArray[np.float64]
    output_frac: npt.NDArray[np.int64]
    notes: tuple[str, ...]
    elapsed_min: float = ELAPSED_MIN
    input_bounded: bool = False

    @property
    def q_formats(self) -> dict[str, object]:
        """Formats as fractional bits of 32-bit integers, ready for JSON."""
        return {
            "state": {"bits": 32, "frac": self.state_frac},
            "inputs": [{"bits": 32, "frac": int(f)} for f in self.input_frac],
            "outputs": [{"bits": 32, "frac": int(f)} for f in self.output_frac],
            "elapsed": {"bits": 32, "frac": ELAPSED_FRAC, "signed": False},
        }

    def quantise_inputs(self, inputs: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Inputs (..., I) as the device's integers.

        Raises:
            InputError: for a value beyond an input's limit.
        """
        beyond = np.abs(inputs) > self.input_limit
        if beyond.any():
            *step, column = np.argwhere(beyond)[0]
            place = f" in step {', '.join(map(str, step))}" if step else ""
            if self.input_bounded:
                raise InputError(
                    f"input {column}{place} is {inputs[beyond][0]:g}, beyond the model's input bound of "
                    f"{self.input_limit[column]:g}",
                    hint="say how far inputs go, 'input_bound' in the model, or scale the input",
                )
            raise InputError(
                f"input {column}{place} is {inputs[beyond][0]:g}, but its slopes differ so much that its format ends "
                f"at {self.input_limit[column]:g}",
                hint="scale the input, or drop the synapse whose slope is far below the others'",
            )
        scaled = np.rint(np.ldexp(inputs, self.input_frac))
        return np.clip(scaled, -FULL_SCALE, FULL_SCALE).astype(np.int32)

    def quantise_elapsed(self, elapsed: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
        """Elapsed times as unsigned Q10.22.

        Raises:
            InputError: outside what the runtime, or this network, takes.
        """
        outside = ~((elapsed >= self.elapsed_min) & (elapsed <= ELAPSED_MAX))
        if outside.any():
            place = ", ".join(str(i) for i in np.argwhere(outside)[0])
            raise InputError(
                f"elapsed[{place}] is {elapsed[outside][0]:g}, outside {self.elapsed_min:g} to {ELAPSED_MAX:g}",
                hint="choose a time unit in which the gaps lie in that range, and scale cm with it",
            )
        return np.rint(elapsed * 2.0**ELAPSED_FRAC).astype(np.uint32)

    def quantise_state(self, state: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """States (..., N) as the device's integers.

        Raises:
            InputError: for a state beyond the format; convert with ``state_bound`` to widen it.
        """
        scaled = np.rint(np.ldexp(state, self.state_frac))
        if (np.abs(scaled) > FULL_SCALE).any():
            raise InputError(
                f"a start state of {np.abs(state).max():g} is beyond the state format, which ends at "
                f"{math.ldexp(FULL_SCALE, -self.state_frac):g}",
                hint="convert with state_bound set to the largest start state",
            )
        return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int32)

    def state_to_float(self, state: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """States (..., N) from the device's integers."""
        return np.ldexp(state.astype(np.float64), -self.state_frac)

    def output_to_float(self, outputs: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
        """Outputs (..., O) from the device's integers."""
        return np.ldexp(outputs.astype(np.float64), -self.output_frac)


def convert(source: object, *, state_bound: float | None = None, **settings: Any) -> Converted:
    """Choose the formats and make the image.

    Args:
        source: a model, or what :func:`hil.ncps.model_from_ncps` takes: a live ``ncps.torch.LTC`` or ``CfC``, a cell
            of either, or a state dict.
        state_bound: largest start state that will be set, where that is beyond what the model's own states reach. It
            widens their format; a CfC's own ``state_bound``, where its states are to saturate, is in the model.
        settings: of what is not a model yet, what it does not say: those of :func:`hil.ncps.model_from_ncps`, for a
            state dict of an LTC ``ode_unfolds`` and ``implicit_param_constraints``, for one of a CfC ``mode`` and,
            where it has a backbone, ``backbone_activation``.

    Raises:
        InputError: for a network that has no value in floating point either (a denominator of zero), or that is
            neither an LTC nor a CfC; for a state bound that is none; or for a setting that nothing would heed.
    """
    if state_bound is not None and not 0 <= state_bound <= LARGEST:
        raise InputError(f"a state bound of {state_bound:g} is none", hint=f"a potential from 0 to {LARGEST:g}")
    model = source if isinstance(source, LtcModel | CfcModel) else model_from_ncps(source, **settings)
    if model is source and settings:
        raise InputError(
            f"model '{model.name}' has its settings already, {' and '.join(sorted(settings))} would change nothing",
            hint="leave them out, or give them where the model is made",
        )
    if isinstance(model, CfcModel):
        return _convert_cfc(model, state_bound or 0.0)
    _check_solver(model)
    notes: list[str] = []
    bound = max(model.potential_bound, state_bound or 0.0, _SMALLEST_BOUND)
    state_exponent = encode.exponent_above(bound)
    readings = [reading(model, i) for i in range(model.inputs)]
    channels = [channel for each in readings for channel in each.channels]
    input_exponent = np.array([each.exponent for each in readings], np.int64)
    input_limit = np.array([each.limit for each in readings])
    notes += [
        f"input {i} is limited to +-{input_limit[i]:g}: its slopes differ by more than its format can hold"
        for i in np.flatnonzero(np.isfinite(input_limit))
    ]
    scales = [_conductance_scale(model, j) for j in range(model.neurons)]
    output = _outputs(model, state_exponent)
    image = ModelImage(
        unfolds=model.unfolds,
        state_frac=_SCALE_BITS - state_exponent,
        neuron=_neurons(model, scales, state_exponent),
        channel=_channels(channels, input_exponent),
        sensory=_sensory(model, scales, state_exponent, channels, notes),
        synapse=_synapses(model, scales, state_exponent, notes),
        output=output,
        input_frac=(_SCALE_BITS - input_exponent).astype(np.int8),
        solver=SOLVERS[model.solver],
        error_bound=_error_bound(model, state_exponent),
    )
    return Converted(
        image=image.to_bytes(),
        state_bound=bound,
        state_frac=image.state_frac,
        input_frac=image.input_frac.astype(np.int64),
        input_limit=input_limit,
        output_frac=output["of"].view(np.int8).astype(np.int64),
        notes=tuple(notes),
    )


def _convert_cfc(model: CfcModel, start: float) -> Converted:
    formats = cfc_formats(model, start)
    return Converted(
        **formats._asdict(), input_limit=model.input_bound, elapsed_min=model.elapsed_min, input_bounded=True
    )


def _check_solver(model: LtcModel) -> None:
    still = np.flatnonzero(model.cm == 0)
    if model.solver in EXPLICIT and still.size:
        raise InputError(
            f"model '{model.name}': neuron {still[0]} has no capacitance, so its state follows its inputs at once, and "
            f"the explicit solver '{model.solver}' has no step that is short enough for it",
            hint="use fused or exponential",
        )


def _error_bound(model: LtcModel, state_exponent: int) -> int:
    if model.solver != "adaptive":
        return 0
    bound = math.floor(math.ldexp(model.error_bound, _SCALE_BITS - state_exponent))
    if not 1 <= bound < 2 * FULL_SCALE:
        raise InputError(
            f"model '{model.name}': no states can be within or beyond an error_bound of {model.error_bound:g}",
            hint=f"from {math.ldexp(1.0, state_exponent - _SCALE_BITS):.1g} to {math.ldexp(2.0, state_exponent):g}",
        )
    return bound


def _conductance_scale(model: LtcModel, j: int) -> float:
    static = float(model.gleak[j] + model.epsilon + model.w[:, j].sum() + model.sensory_w[:, j].sum())
    cm = float(model.cm[j])
    if static + cm == 0:
        raise InputError(
            f"model '{model.name}': neuron {j} has no capacitance, leak, synapse or epsilon, so its state is 0 / 0",
            hint="use an epsilon above 0 (ncps: 1e-8)",
        )
    return encode.conductance_scale(static, cm, int((model.w[:, j] > 0).sum() + (model.sensory_w[:, j] > 0).sum()))


def _neurons(model: LtcModel, scales: list[float], state_exponent: int) -> Records:
    records = np.zeros(model.neurons, NEURON)
    for j, scale in enumerate(scales):
        drive = math.ldexp(float(model.gleak[j] * model.vleak[j]), -state_exponent)
        den, num = encode.leak(float(model.gleak[j] + model.epsilon), drive, scale)
        cm, cm_shift = encode.capacitance(float(model.cm[j]), scale)
        counts = (model.sensory_w[:, j] > 0).sum(), (model.w[:, j] > 0).sum()
        records[j] = (den, num, cm, cm_shift, 0, *counts)
    return records


def _channels(channels: list[Channel], input_exponent: npt.NDArray[np.int64]) -> Records:
    records = np.zeros(len(channels), MAP)
    for k, channel in enumerate(channels):
        scale = math.ldexp(1.0, -int(input_exponent[channel.input]))
        records[k] = (*encode.channel(channel.low * scale, channel.high * scale), channel.input, 0)
    return records


def _sensory(
    model: LtcModel, scales: list[float], state_exponent: int, channels: list[Channel], notes: list[str]
) -> Records:
    """Input synapses with the input map folded in, sorted by target."""
    pairs = sorted((j, k) for k, channel in enumerate(channels) for j in channel.targets)
    records = np.zeros(len(pairs), SYNAPSE)
    for n, (j, k) in enumerate(pairs):
        i = channels[k].input
        slope, constant = (float(values[j]) for values in arguments(model, i))
        at = encode.argument(slope * channels[k].half, slope * channels[k].middle + constant, floored=False)
        _note_flattened(at, f"sensory synapse {i}->{j}", notes)
        reversal = math.ldexp(float(model.sensory_erev[i, j]), -state_exponent)
        records[n] = encode.synapse(k, at, float(model.sensory_w[i, j]), reversal, scales[j])
    return records


def _synapses(model: LtcModel, scales: list[float], state_exponent: int, notes: list[str]) -> Records:
    """Synapses between neurons, sorted by target."""
    pairs = np.argwhere(model.w.T > 0)
    records = np.zeros(len(pairs), SYNAPSE)
    for k, (j, i) in enumerate(pairs):
        sigma = float(model.sigma[i, j]) * LOG2E
        at = encode.argument(math.ldexp(sigma, state_exponent), -sigma * float(model.mu[i, j]), floored=True)
        _note_flattened(at, f"synapse {i}->{j}", notes)
        reversal = math.ldexp(float(model.erev[i, j]), -state_exponent)
        records[k] = encode.synapse(int(i), at, float(model.w[i, j]), reversal, scales[j])
    return records


def _note_flattened(at: encode.Argument, where: str, notes: list[str]) -> None:
    if at.flattened > 1:
        notes.append(
            f"{where}: its sigmoid is {at.flattened:.3g} times steeper, or its middle as much further from the scale, "
            "than the format holds, and was flattened"
        )


def _outputs(model: LtcModel, state_exponent: int) -> Records:
    records = np.zeros(model.outputs, MAP)
    for k in range(model.outputs):
        gain = math.ldexp(float(model.output_w[k]), state_exponent)
        *fields, frac = encode.output(gain, float(model.output_b[k]))
        records[k] = (*fields, frac % 256, 0)
    return records
