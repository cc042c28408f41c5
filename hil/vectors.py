"""Test vectors: what is streamed to a network, and what is expected back, read from an ``.npz`` file and checked."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hil.errors import InputError
from hil.model import UNREADABLE
from hil.model_arrays import ELAPSED_MAX, ELAPSED_MIN, LARGEST
from hil.nearest import misspelt, offer

if TYPE_CHECKING:
    from pathlib import Path

    from hil.model import Model

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KEYS = ("inputs", "elapsed", "state0", "states", "outputs", "expected", "labels", "label_names")


@dataclass(frozen=True)
class Vectors:
    """Input sequences with what is expected of them: S sequences of T steps, I inputs, N neurons, O outputs.

    Attributes:
        path: the file they came from.
        single: the file holds one sequence without a leading S; arrays here have S = 1.
        inputs: (S, T, I), in the model's own units.
        elapsed: (S, T), time since the step before, in the network's seconds.
        state0: (N,), the state each sequence starts from.
        states: (S, T, N), the reference's state after each step, where the file has it.
        outputs: (S, T, O), expected outputs, where the file has them.
        labels: (S,), class of each sequence as an index into the outputs, where the file has them.
        label_names: names of the classes, or empty.
    """

    path: Path
    single: bool
    inputs: Floats
    elapsed: Floats
    state0: Floats
    states: Floats | None
    outputs: Floats | None
    labels: Integers | None
    label_names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name without its endings."""
        return name_of(self.path)

    @property
    def sequences(self) -> int:
        """S, the number of sequences."""
        return int(self.inputs.shape[0])

    @property
    def steps(self) -> int:
        """T, the number of steps in each sequence."""
        return int(self.inputs.shape[1])

    def decides(self, from_step: int) -> bool:
        """Whether each sequence makes a decision that can be judged: it is labelled, and has steps that vote."""
        return self.labels is not None and self.steps > from_step

    def shaped(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """An (S, T, ...) array in the shape of the file: without S where the file has none."""
        return array[0] if self.single else array


def name_of(path: Path) -> str:
    """What a vectors file is called: its name without its endings."""
    return path.name.removesuffix(".npz").removesuffix(".vectors")


def load_vectors(path: Path, model: Model) -> Vectors:
    """Read and check the vectors of a model.

    Args:
        path: ``.npz`` with ``inputs`` (T, I) or (S, T, I) and, where wanted, ``elapsed``, ``state0``, ``states``,
            ``outputs`` (or ``expected``), ``labels``, ``label_names``.
        model: the network they are for; its dimensions decide the shapes.

    Raises:
        InputError: naming the file and the key.
    """
    arrays = _Arrays(path, _read(path))
    inputs = arrays.floats("inputs")
    if inputs is None:
        there = ", ".join(sorted(arrays.keys)) or "none"
        raise arrays.error("inputs", "missing; it holds one row of inputs a step", hint=f"arrays present: {there}")
    arrays.check_keys()
    if inputs.ndim not in {2, 3} or inputs.shape[-1] != model.inputs or 0 in inputs.shape:
        raise arrays.error(
            "inputs",
            f"shape {inputs.shape}, wanted (steps, {model.inputs}) or (sequences, steps, {model.inputs})",
            hint=f"the model has {model.inputs} inputs, and every sequence needs at least one step",
        )
    single = inputs.ndim == 2  # noqa: PLR2004 - steps x inputs
    steps = inputs.shape[:-1]

    def per_step(key: str, *width: int) -> Floats | None:
        array = arrays.floats(key, (*steps, *width))
        return array if array is None or not single else array[np.newaxis]

    elapsed = per_step("elapsed")
    if elapsed is not None:
        arrays.check_range("elapsed", elapsed, ELAPSED_MIN, ELAPSED_MAX)
    state0 = arrays.floats("state0", (model.neurons,))
    labels = arrays.labels(None if single else steps[0], model.outputs)
    return Vectors(
        path=path,
        single=single,
        inputs=inputs[np.newaxis] if single else inputs,
        elapsed=np.ones((1, *steps) if single else steps) if elapsed is None else elapsed,
        state0=np.zeros(model.neurons) if state0 is None else state0,
        states=per_step("states", model.neurons),
        outputs=per_step(arrays.outputs_key(), model.outputs),
        labels=labels,
        label_names=arrays.names("label_names"),
    )


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise InputError(f"vectors {path}: not an npz file", hint="write it with numpy.savez(path, inputs=...)")
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            return {name.removesuffix(".npy"): _entry(archive, name, path) for name in names}
    except OSError as error:
        raise InputError(f"vectors {path} cannot be read", cause=error.strerror or str(error)) from error
    except UNREADABLE as error:
        raise InputError(f"vectors {path}: the npz file is damaged", cause=str(error)) from error


def _entry(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[np.generic]:
    with archive.open(name) as file:
        content = io.BytesIO(file.read())  # whole, so that the archive's CRC is checked before anything is believed
    try:
        return np.asarray(np.lib.format.read_array(content, allow_pickle=False))
    except UNREADABLE as error:
        raise InputError(
            f"vectors {path}, key '{name.removesuffix('.npy')}': not a plain array of numbers",
            cause=str(error),
            hint="object arrays are not read, as they can run code; save numbers only",
        ) from error


class _Arrays:
    """The arrays of one file, taken by key and checked."""

    def __init__(self, path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
        self.path = path
        self._arrays = arrays

    @property
    def keys(self) -> set[str]:
        return set(self._arrays)

    def check_keys(self) -> None:
        """A misspelt key would be left out in silence; one that resembles none is the user's own business."""
        slip = misspelt(self.keys, KEYS)
        if slip is not None:
            raise self.error(slip, "unknown key", hint=offer(slip, KEYS, "keys"))

    def error(self, key: str, problem: str, *, hint: str | None = None) -> InputError:
        return InputError(f"vectors {self.path}, key '{key}': {problem}", hint=hint)

    def outputs_key(self) -> str:
        if "outputs" in self._arrays and "expected" in self._arrays:
            raise self.error("expected", "'outputs' is there as well; both name the expected outputs")
        return "expected" if "expected" in self._arrays else "outputs"

    def floats(self, key: str, shape: tuple[int, ...] | None = None) -> Floats | None:
        array = self._arrays.get(key)
        if array is None:
            return None
        if array.dtype.kind not in "fiu":
            raise self.error(key, f"dtype {array.dtype}, wanted real numbers")
        if shape is not None and array.shape != shape:
            raise self.error(key, f"shape {array.shape}, wanted {shape} to fit the inputs and the model")
        floats = array.astype(np.float64)
        bad = np.argwhere(~np.isfinite(floats))
        if len(bad):
            where = ", ".join(str(index) for index in bad[0])
            raise self.error(key, f"{len(bad)} of {floats.size} values are not finite, first {key}[{where}]")
        far = np.argwhere(np.abs(floats) > LARGEST)
        if len(far):
            where = ", ".join(str(index) for index in far[0])
            raise self.error(key, f"{key}[{where}] is {floats[tuple(far[0])]:g}, beyond +-{LARGEST:g}")
        return floats

    def check_range(self, key: str, array: Floats, low: float, high: float) -> None:
        bad = np.argwhere((array < low) | (array > high))
        if len(bad):
            value = array[tuple(bad[0])]
            sequence, step = bad[0]
            raise self.error(
                key,
                f"{value:g} at sequence {sequence}, step {step} is outside {low:g} to {high:g}, the runtime's range",
            )

    def labels(self, sequences: int | None, classes: int) -> Integers | None:
        array = self._arrays.get("labels")
        if array is None:
            return None
        if array.dtype.kind not in "iu":
            raise self.error("labels", f"dtype {array.dtype}, wanted integers")
        if array.shape != (sequences or 1,) and not (sequences is None and array.ndim == 0):
            raise self.error("labels", f"shape {array.shape}, wanted ({sequences or 1},): one label a sequence")
        labels = np.atleast_1d(array).astype(np.int64)
        if ((labels < 0) | (labels >= classes)).any():
            raise self.error(
                "labels", f"labels run from {labels.min()} to {labels.max()}, the model has {classes} outputs"
            )
        return labels

    def names(self, key: str) -> tuple[str, ...]:
        array = self._arrays.get(key)
        if array is None:
            return ()
        if array.dtype.kind != "U" or array.ndim != 1:
            raise self.error(key, f"dtype {array.dtype}, shape {array.shape}; wanted a list of names")
        return tuple(str(name) for name in array)
