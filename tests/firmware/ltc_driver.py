"""The C runtime in a process of its own, under both sanitizers: images and sequences in, states and outputs out."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Refused(Exception):
    """What ltc_open() returned."""


class Driver:
    """A running ltc_driver: one process for many cases, so that a sanitizer's finding ends it."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def run(
        self, image: bytes, inputs: np.ndarray, elapsed: np.ndarray, state0: np.ndarray, outputs: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """As run_integer; raises Refused. An image that is refused must come with no sequence."""
        neurons = len(state0)
        size = np.array([len(image), *inputs.shape, neurons, outputs], "<u4")
        words = np.concatenate([elapsed[:, :, None].view(np.int32), inputs], axis=2)
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(size.tobytes() + image + state0.astype("<i4").tobytes() + words.astype("<i4").tobytes())
        stdin.flush()
        (error,) = self._read(stdout.read(4))
        if error != 0:
            raise Refused(error)
        result = np.empty(0, "<i4")
        if elapsed.size:
            result = self._read(stdout.read(4 * elapsed.size * (neurons + outputs)))
        result = result.reshape(*elapsed.shape, neurons + outputs)
        return result[:, :, :neurons], result[:, :, neurons:]

    def _read(self, data: bytes) -> np.ndarray:
        if not data or self._process.poll() is not None:
            assert self._process.stderr is not None
            pytest.fail(f"the driver ended: {self._process.stderr.read().decode()}")
        return np.frombuffer(data, "<i4")

    def close(self) -> None:
        self._process.communicate()
