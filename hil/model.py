"""LTC parameters as ncps names them, checked: what the converter and the reference start from."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, replace
from tokenize import TokenError
from typing import TYPE_CHECKING

import numpy as np

from hil.errors import InputError
from hil.model_arrays import MAX_INPUTS, MAX_NEURONS, PER_SYNAPSE, ModelArrays
from hil.model_cfc import CfcModel, cfc_from_arrays, is_cfc
from hil.solver import MAX_UNFOLDS, unfolds_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

    from hil.solver import Solver, SolverName

    Array = npt.NDArray[np.float64]


# What numpy raises for an archive that is cut off, damaged, encrypted, pickled, or lies about its shapes.
UNREADABLE = (
    *(OSError, ValueError, TypeError, AttributeError, EOFError, RuntimeError, MemoryError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, TokenError),
)

_POSITIVE = ("gleak", "cm", "w", "sensory_w")


@dataclass(frozen=True)
class LtcModel:
    """One network of I inputs, N neurons and O outputs; the first O neurons are the output neurons.

    Conductances and capacitances are effective values (softplus already applied where ncps would) and not negative;
    where no synapse exists its weight is 0. All arrays are float64 and dimensionless.
    """

    gleak: Array  # (N,) leak conductance
    vleak: Array  # (N,) leak potential
    cm: Array  # (N,) membrane capacitance
    w: Array  # (N, N) [source, target] synapse conductance
    mu: Array  # (N, N) sigmoid centre
    sigma: Array  # (N, N) sigmoid slope
    erev: Array  # (N, N) reversal potential
    mask: npt.NDArray[np.bool_]  # (N, N) synapse exists
    sensory_w: Array  # (I, N) [input, target]
    sensory_mu: Array
    sensory_sigma: Array
    sensory_erev: Array
    sensory_mask: npt.NDArray[np.bool_]
    input_w: Array  # (I,)
    input_b: Array  # (I,)
    output_w: Array  # (O,)
    output_b: Array  # (O,)
    unfolds: int  # solver sub-steps a step, 1..32
    epsilon: float  # added to the denominator
    name: str = "model"
    solver: SolverName = "fused"
    error_bound: float = 0.0  # of the adaptive solver, in a state's unit

    def solved_by(self, solver: Solver) -> LtcModel:
        """The network with another solver; where that says no unfolds, with as many as before."""
        most = MAX_UNFOLDS if solver.method == "adaptive" else self.unfolds
        return replace(
            self,
            solver=solver.method,
            unfolds=solver.unfolds or most,
            error_bound=solver.error_bound or 0.0,
        )

    @property
    def neurons(self) -> int:
        """Number of neurons N."""
        return len(self.cm)

    @property
    def inputs(self) -> int:
        """Number of inputs I."""
        return len(self.input_w)

    @property
    def outputs(self) -> int:
        """Number of outputs O."""
        return len(self.output_w)

    @property
    def solution(self) -> str:
        """How its steps are solved, in words."""
        return f"{self.solver}, {unfolds_in_words(self.unfolds)}"

    @property
    def output_reach(self) -> float:
        """Largest change of an output where every state changes by 1."""
        return float(np.abs(self.output_w).max())

    @property
    def potential_bound(self) -> float:
        """Largest potential a state can be drawn to (arXiv 2006.04439, theorem 2)."""
        parts = (self.vleak, self.erev[self.mask], self.sensory_erev[self.sensory_mask])
        return max((float(np.abs(part).max()) for part in parts if part.size), default=0.0)


Model = LtcModel | CfcModel


def load_model(path: Path) -> Model:
    """Read ``NAME.model.npz``, arrays named as in ncps (see examples/networks/README.md); they decide the kind.

    Raises:
        InputError: naming the file and the array.
    """
    arrays: dict[str, object] = {}
    key = ""
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in archive.files:
                arrays[key] = archive[key]
    except FileNotFoundError as error:
        raise InputError(f"there is no model file {path}") from error
    except UNREADABLE as error:
        raise InputError(
            f"{path} is not a model archive (.npz of plain arrays)",
            cause=f"array '{key}': {error}" if key else str(error),
            hint="save a mapping of None as the text 'none'"
            if key.endswith("_mapping")
            else "save the parameters with numpy.savez, or give hil.convert.convert() the live network",
        ) from error
    name = path.name.removesuffix(".npz").removesuffix(".model")
    return (cfc_from_arrays if is_cfc(arrays) else model_from_arrays)(arrays, where=str(path), name=name)


def model_from_arrays(arrays: Mapping[str, object], *, where: str, name: str = "model") -> LtcModel:
    """Check raw parameters and make them effective.

    Args:
        arrays: named as in ncps; the sparsity masks may be absent (dense), and the maps as :mod:`hil.mapping` says;
            without an output map ``motor_size`` is the number of outputs, as in ncps. With
            ``implicit_param_constraints`` true, softplus is applied to w, sensory_w, cm and gleak.
        where: what the sentences name, a file or an object.
        name: the network's name in reports.

    Raises:
        InputError: naming ``where``, the array and, where it can, the element.
    """
    reader = ModelArrays(arrays, where)
    cm = reader.vector("cm")
    reader.check_names()
    n = len(cm)
    input_w, input_b = reader.input_map()
    output_w, output_b = reader.output_map(n)
    if not 1 <= n <= MAX_NEURONS or not 1 <= len(input_w) <= MAX_INPUTS or not 1 <= len(output_w) <= n:
        raise InputError(
            f"{where}: {len(input_w)} inputs, {n} neurons and {len(output_w)} outputs cannot be one network",
            hint=f"1 to {MAX_INPUTS} inputs, 1 to {MAX_NEURONS} neurons and 1 to as many outputs as neurons",
        )
    values: dict[str, Array] = {"cm": cm} | {key: reader.array(key, (n,)) for key in ("gleak", "vleak")}
    masks = {}
    for prefix, sources in (("", n), ("sensory_", len(input_w))):
        shape = (sources, n)
        mask = reader.array(f"{prefix}sparsity_mask", shape, default=1.0) != 0
        masks[prefix] = mask
        for key in PER_SYNAPSE:
            values[prefix + key] = reader.array(prefix + key, shape, mask=mask)
    if reader.flag("implicit_param_constraints"):
        for key in _POSITIVE:
            values[key] = np.logaddexp(0.0, values[key])
    for key in _POSITIVE:
        if "w" in key:
            values[key] = np.where(masks[key.removesuffix("w")], values[key], 0.0)
        reader.check_not_negative(key, values[key])
    unfolds = reader.integer("ode_unfolds", 1, MAX_UNFOLDS)
    epsilon = float(reader.array("epsilon", ()))
    if epsilon < 0:
        raise InputError(f"{where}: epsilon is {epsilon:g}, but it is added to a denominator and cannot be negative")
    model = LtcModel(
        **values,
        mask=masks[""],
        sensory_mask=masks["sensory_"],
        input_w=input_w,
        input_b=input_b,
        output_w=output_w,
        output_b=output_b,
        unfolds=unfolds,
        epsilon=epsilon,
        name=name,
        solver="fused",
        error_bound=0.0,
    )
    solver = reader.solver()
    return model if solver is None else model.solved_by(solver)
