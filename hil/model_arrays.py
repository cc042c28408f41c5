"""The arrays of a model file, taken by name: one sentence for each way they can be wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
from pydantic import ValidationError

from hil.errors import InputError
from hil.mapping import map_kind
from hil.nearest import misspelt, offer
from hil.solver import MAX_UNFOLDS, Solver, SolverName

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

MAX_NEURONS = 255
MAX_INPUTS = 255
ELAPSED_MIN, ELAPSED_MAX = 1e-3, 1e3  # the times between steps that a device takes
LARGEST = 1e15  # of any parameter, input or start state: the number formats are proved up to here

PER_NEURON = ("gleak", "vleak", "cm")
PER_SYNAPSE = ("w", "mu", "sigma", "erev")
_NAMES = (
    *(*PER_NEURON, *PER_SYNAPSE, "sparsity_mask"),
    *(f"sensory_{name}" for name in (*PER_SYNAPSE, "sparsity_mask")),
    *("input_w", "input_b", "input_mapping", "output_w", "output_b", "output_mapping", "motor_size"),
    *("ode_unfolds", "epsilon", "implicit_param_constraints", "about", "solver", "error_bound"),
)


class ModelArrays:
    """Takes arrays by name and checks them.

    Args:
        arrays: as they were read.
        where: what the sentences name, a file or an object.
    """

    def __init__(self, arrays: Mapping[str, object], where: str) -> None:
        self._arrays = arrays
        self._where = where

    def check_names(self) -> None:
        """A misspelt array would be left out in silence: a mask or an offset may be absent."""
        slip = misspelt(self._arrays.keys(), _NAMES)
        if slip is not None:
            raise InputError(f"{self._where}: unknown array '{slip}'", hint=offer(slip, _NAMES, "arrays"))

    def input_map(self) -> tuple[Array, Array]:
        """Scale and offset (I,) of the inputs."""
        kind = map_kind(self._arrays, "input", self._where)
        if kind == "none":
            inputs = len(np.atleast_1d(self._get("sensory_w")))
            return np.ones(inputs), np.zeros(inputs)
        scale = self.vector("input_w")
        return scale, self.array("input_b", scale.shape, default=0.0)

    def output_map(self, neurons: int) -> tuple[Array, Array]:
        """Scale and offset (O,) of the outputs."""
        kind = map_kind(self._arrays, "output", self._where)
        outputs = self.integer("motor_size", 1, neurons) if "motor_size" in self._arrays else None
        if kind == "none":
            if outputs is None:
                raise InputError(
                    f"{self._where}: array 'motor_size' is missing, and without an output map nothing else says how "
                    "many outputs there are",
                    hint="add motor_size, as ncps' LTCCell has it; for a state dict pass outputs=N",
                )
            return np.ones(outputs), np.zeros(outputs)
        scale = self.vector("output_w")
        if outputs not in {None, len(scale)}:
            raise InputError(f"{self._where}: 'motor_size' is {outputs}, but 'output_w' is for {len(scale)} outputs")
        return scale, self.array("output_b", scale.shape, default=0.0)

    def _get(self, key: str) -> Array:
        if key not in self._arrays:
            known = ", ".join(sorted(self._arrays))
            raise InputError(f"{self._where}: array '{key}' is missing", hint=f"arrays present: {known}")
        array = np.asarray(self._arrays[key])
        if array.dtype.kind not in "biuf":
            raise InputError(f"{self._where}: array '{key}' does not hold numbers but {array.dtype}")
        return array.astype(np.float64)

    def vector(self, key: str) -> Array:
        """One that decides a dimension."""
        value = self._get(key)
        if value.ndim != 1:
            raise InputError(f"{self._where}: array '{key}' has shape {value.shape}, wanted one dimension")
        return self._finite(key, value, None)

    def shape(self, key: str) -> tuple[int, ...]:
        """Dimensions of one that is there."""
        return self._get(key).shape

    def matrix(self, key: str) -> Array:
        """One that decides two dimensions."""
        value = self._get(key)
        if value.ndim != 2:  # noqa: PLR2004 - a matrix
            raise InputError(f"{self._where}: array '{key}' has shape {value.shape}, wanted two dimensions")
        return value

    def array(
        self,
        key: str,
        shape: tuple[int, ...],
        *,
        default: float | None = None,
        mask: npt.NDArray[np.bool_] | None = None,
    ) -> Array:
        """One of a known shape; where a mask is given, the values that it leaves out do not matter."""
        if default is not None and key not in self._arrays:
            return np.full(shape, default)
        value = self._get(key)
        if value.shape != shape:
            raise InputError(f"{self._where}: array '{key}' has shape {value.shape}, wanted {shape}")
        if mask is not None:
            value = np.where(mask, value, 0.0)
        return self._finite(key, value, mask)

    def _finite(self, key: str, value: Array, mask: npt.NDArray[np.bool_] | None) -> Array:
        bad = ~np.isfinite(value)
        if bad.any():
            index = ", ".join(str(i) for i in np.argwhere(bad)[0])
            place = f"'{key}[{index}]'" if index else f"'{key}'"
            synapse = " (a synapse that exists)" if mask is not None else ""
            raise InputError(f"{self._where}: {place}{synapse} is {value[bad][0]}, wanted a finite number")
        far = np.abs(value) > LARGEST
        if far.any():
            index = ", ".join(str(i) for i in np.argwhere(far)[0])
            raise InputError(
                f"{self._where}: '{key}[{index}]' is {value[far][0]:g}, beyond +-{LARGEST:g}",
                hint="such a parameter is a slip or a training that diverged",
            )
        return value

    def check_not_negative(self, key: str, value: Array) -> None:
        """Refuse conductances and capacitances below zero."""
        if (value < 0).any():
            index = ", ".join(str(i) for i in np.argwhere(value < 0)[0])
            raise InputError(
                f"{self._where}: '{key}[{index}]' is {value[value < 0][0]:g}, but conductances cannot be negative",
                hint="call apply_weight_constraints() after training, as ncps asks for",
            )

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = float(self.array(key, ()))
        if value != int(value) or not low <= value <= high:
            raise InputError(f"{self._where}: '{key}' is {value:g}, wanted a whole number from {low} to {high}")
        return int(value)

    def solver(self) -> Solver | None:
        """The solver that the file names, if any; its unfolds are ``ode_unfolds``."""
        if "solver" not in self._arrays:
            return None
        method = str(np.asarray(self._arrays["solver"]))
        choice: dict[str, object] = {"method": method}
        if "error_bound" in self._arrays:
            choice["error_bound"] = float(self.array("error_bound", ()))
        if method == "adaptive":
            choice["unfolds"] = self.integer("ode_unfolds", 1, MAX_UNFOLDS)
        try:
            return Solver.model_validate(choice)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].removeprefix("Value error, ").lower()
            raise InputError(
                f"{self._where}: 'solver' is '{method}': {problem}", hint=offer(method, get_args(SolverName), "solvers")
            ) from error

    def flag(self, key: str) -> bool:
        """A truth value; false where it is absent."""
        return bool(self.array(key, (), default=0.0))
