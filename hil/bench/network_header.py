"""``network.h``: one network as C constants, for the contestants of ``firmware/bench``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hil.encode import exponent_above

if TYPE_CHECKING:
    import numpy.typing as npt

    from hil.convert import Converted
    from hil.model import LtcModel

    Array = npt.NDArray[np.float64]

_FIXED = 16  # fractional bits of firmware/bench/fixed.c
_INT32_MAX = 2**31 - 1
_SIGMOID_END = 16.0


def network_header(model: LtcModel, converted: Converted) -> str:
    """The text of the header: in floats, in Q16.16, and in 8 bits with a scale for each array."""
    lines = [
        "/* Written by hil/bench/network_header.py. */",
        "#ifndef NETWORK_H",
        "#define NETWORK_H",
        "",
        "#include <stdint.h>",
        "",
        '#include "ltc_float.h"',
        "",
        f"#define NEURONS {model.neurons}",
        f"#define INPUTS {model.inputs}",
        f"#define OUTPUTS {model.outputs}",
        f"#define UNFOLDS {model.unfolds}",
        f"#define SYNAPSES {int((model.w > 0).sum())}",
        f"#define SENSORY_SYNAPSES {int((model.sensory_w > 0).sum())}",
        f"#define EPSILON {_float(model.epsilon)}",
        f"#define STATE_UNITS {_float(math.ldexp(1.0, converted.state_frac))}",
        "",
        "struct fixed_synapse { uint16_t source, target; int32_t w, mu, sigma, erev; };",
        "struct q8_synapse { uint8_t source, target; int8_t w, mu, sigma, erev; };",
        "",
        *_formats(converted),
        *_floats(model),
        *_fixed(model),
        *_eight_bits(model),
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def _float(value: float) -> str:
    return f"{float(np.float32(value)).hex()}f"


def _array(kind: str, name: str, values: list[str], shape: str = "") -> str:
    # Not every contestant uses every array.
    return f"static const {kind} {name}{shape or '[]'} __attribute__((unused)) = {{{', '.join(values) or '0'}}};"


def _formats(converted: Converted) -> list[str]:
    """From and to the integers that the harness sends and expects."""
    units = [_float(math.ldexp(1.0, -int(frac))) for frac in converted.input_frac]
    outputs = [_float(math.ldexp(1.0, int(frac))) for frac in converted.output_frac]
    return [
        _array("float", "input_unit", units),
        _array("float", "output_units", outputs),
        _array("int8_t", "input_shift", [str(_shift(int(frac) - _FIXED)) for frac in converted.input_frac]),
        _array("int8_t", "output_shift", [str(_shift(int(frac) - _FIXED)) for frac in converted.output_frac]),
    ]


def _shift(value: int) -> int:
    return max(-31, min(31, value))


def _floats(model: LtcModel) -> list[str]:
    lines = [
        _array("float", name, [_float(v) for v in getattr(model, name)])
        for name in ("gleak", "vleak", "cm", "input_w", "input_b", "output_w", "output_b")
    ]
    for prefix, sources in (("", "NEURONS"), ("sensory_", "INPUTS")):
        for key in ("w", "mu", "sigma", "erev"):
            values: Array = getattr(model, prefix + key)
            rows = ["{" + ", ".join(_float(v) for v in row) + "}" for row in values]
            lines.append(_array("float", prefix + key, rows, f"[{sources}][NEURONS]"))
        records = [_record(pair, map(_float, pair[2])) for pair in _pairs(model, prefix)]
        lines.append(_array("struct ltc_float_synapse", "sensory_list" if prefix else "synapse_list", records))
    return lines


Pair = tuple[int, int, tuple[float, float, float, float]]


def _pairs(model: LtcModel, prefix: str) -> list[Pair]:
    """(source, target, (w, mu, sigma, erev)) of every synapse, sorted by target."""
    arrays: list[Array] = [getattr(model, prefix + key) for key in ("w", "mu", "sigma", "erev")]
    places = [(int(i), int(j)) for j, i in np.argwhere(arrays[0].T > 0)]
    return [(i, j, tuple(float(a[i, j]) for a in arrays)) for i, j in places]  # type: ignore[misc]


def _record(pair: Pair, values: object) -> str:
    return f"{{{pair[0]}, {pair[1]}, {', '.join(map(str, values))}}}"  # type: ignore[call-overload]


def _q(value: float, frac: int, limit: int = _INT32_MAX) -> int:
    return int(max(-limit, min(limit, round(math.ldexp(value, frac)))))


def _fixed(model: LtcModel) -> list[str]:
    lines = [
        _array("int32_t", f"fixed_{name}", [str(_q(float(v), _FIXED)) for v in getattr(model, name)])
        for name in ("gleak", "vleak", "cm", "input_w", "input_b", "output_w", "output_b")
    ]
    for prefix, name in (("", "fixed_synapses"), ("sensory_", "fixed_sensory")):
        records = [_record(pair, [_q(v, _FIXED) for v in pair[2]]) for pair in _pairs(model, prefix)]
        lines.append(_array("struct fixed_synapse", name, records))
    return [*lines, _array("int32_t", "fixed_sigmoid", _sigmoid(256, 65536))]


def _sigmoid(intervals: int, one: int) -> list[str]:
    x = np.linspace(-_SIGMOID_END, _SIGMOID_END, intervals + 1)
    return [str(int(v)) for v in np.rint(one / (1 + np.exp(-x)))]


def _eight_bits(model: LtcModel) -> list[str]:
    """One scale, a power of two, for each array, as its largest value asks for."""

    def frac(*arrays: Array) -> int:
        largest = max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)
        return 7 - exponent_above(largest * (1 + 2.0**-7)) if largest > 0 else 7

    recurrent, sensory = model.w > 0, model.sensory_w > 0
    weights = frac(model.w, model.sensory_w)
    erev = frac(model.erev[recurrent], model.sensory_erev[sensory])
    fracs = {"gleak": frac(model.gleak), "vleak": frac(model.vleak), "cm": frac(model.cm)}
    scales = {
        "": (weights, frac(model.mu[recurrent]), frac(model.sigma[recurrent]), erev),
        "sensory_": (weights, frac(model.sensory_mu[sensory]), frac(model.sensory_sigma[sensory]), erev),
    }
    state = 15 - exponent_above(max(model.potential_bound, 1e-6) * (1 + 2.0**-7))
    lines = [
        f"#define Q_STATE {state}",
        f"#define Q_STATE_UNITS {_float(math.ldexp(1.0, state))}",
        f"#define Q_EREV {erev}",
        f"#define Q_SUM {weights + 8}",
        *(f"#define Q_{name.upper()} {value}" for name, value in fracs.items()),
        f"#define Q_MU {scales[''][1]}",
        f"#define Q_SIGMA {scales[''][2]}",
        f"#define Q_SENSORY_MU {scales['sensory_'][1]}",
        f"#define Q_SENSORY_SIGMA {scales['sensory_'][2]}",
    ]
    lines += [
        _array("int8_t", f"q8_{name}", [str(_q(float(v), fracs[name], 127)) for v in getattr(model, name)])
        for name in fracs
    ]
    for prefix, name in (("", "q8_synapses"), ("sensory_", "q8_sensory")):
        records = [
            _record(pair, [_q(v, f, 127) for v, f in zip(pair[2], scales[prefix], strict=True)])
            for pair in _pairs(model, prefix)
        ]
        lines.append(_array("struct q8_synapse", name, records))
    return [*lines, _array("int16_t", "q8_sigmoid", _sigmoid(512, 32767))]
