"""What one run of a network on a DUT gave, beside what it should have given: pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hil.compare import largest_error
from hil.step_energy import NOT_ASKED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.step_cycles import RunCycles
    from hil.step_energy import RunEnergy
    from hil.vectors import Vectors

Lsb = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flashed:
    """What was written to a board's flash since it was opened.

    Attributes:
        bytes_written: size of the erase pages written; 0 where all was there already.
        retries: what had to be tried again, and why: a sentence each.
    """

    bytes_written: int = 0
    retries: tuple[str, ...] = ()


def noticed_sentence(noticed: Sequence[str]) -> str:
    """What an emulator has noticed of the firmware, as one sentence; empty for nothing."""
    return f"the emulator noticed: {'; '.join(noticed)}" if noticed else ""


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Attributes:
        board: name of the board.
        backend: what realised it: ``hardware``, ``qemu`` or ``native``.
        backend_version: what the backend says about itself, e.g. ``QEMU emulator version 7.2.22``.
        emulated: no silicon took part.
        reason: why this backend, where nobody asked for it, e.g. ``no board attached``; or empty.
        probe: uid of the debug probe, or empty for a native process.
        firmware: build id of the artefact that answered.
        compiler: the compiler that built it, with its version.
        core: the core that it was built for.
        flags: what the compiler was told, as far as it decides the code.
        link: how it was reached: ``uart`` or ``spi``.
        flashed: what was written to its flash for this result and those before.
        noticed: what its emulator has noticed of the firmware until then: a sentence each.
        meter: what measures its current: its address until it is open, then what it says it is; empty without.
    """

    board: str
    backend: str
    backend_version: str
    emulated: bool
    reason: str
    probe: str
    firmware: str
    compiler: str
    core: str
    flags: str
    link: str = "uart"
    flashed: Flashed = Flashed()
    noticed: tuple[str, ...] = ()
    meter: str = ""

    @property
    def where(self) -> str:
        """What computed, and that it was no silicon where it was none: ``hardware``, ``qemu (emulated)``."""
        if self.backend == "native":
            return "native process"
        return f"{self.backend} (emulated)" if self.emulated else self.backend

    def __str__(self) -> str:
        version = f" {self.backend_version}" if self.backend_version else ""
        because = f"; {self.reason}" if self.reason else ""
        kind = f" (emulated{because})" if self.emulated and self.backend != "native" else ""
        where = self.where if self.backend == "native" else f"{self.backend}{version}{kind}"
        probe = f", probe {self.probe}" if self.probe else ""
        link = f", over {self.link.upper()}" if self.link != "uart" else ""
        meter = f", current by {self.meter}" if self.meter else ""
        more = "".join(f"; {each}" for each in (*self.flashed.retries, noticed_sentence(self.noticed)) if each)
        return f"{self.board} on {where}{probe}{link}, firmware {self.firmware}, {self.compiler}{meter}{more}"


@dataclass(frozen=True)
class RunResult:
    """States and outputs of every step, as the device gave them and as both models say.

    Shapes: S sequences, T steps, N neurons, O outputs.

    Attributes:
        provenance: board, backend, firmware, compiler.
        vectors: what was streamed.
        model_name: the network's name.
        solver: how its steps were solved, in words.
        image_digest: first digits of the model image's SHA-256.
        image_place: where the image lay, ``RAM`` or ``flash``.
        q_formats: number formats that the converter chose, ready for JSON.
        state_bound: largest potential a state can reach.
        state_lsb: size of one LSB of a state, in the model's unit.
        output_lsb: (O,) size of one LSB of each output, in the model's unit.
        states_lsb: (S, T, N) the device's states, in LSB.
        outputs_lsb: (S, T, O) the device's outputs, in LSB.
        golden_states_lsb: (S, T, N) the exact integer model's states.
        golden_outputs_lsb: (S, T, O) the exact integer model's outputs.
        states: (S, T, N) the device's states in the model's unit.
        outputs: (S, T, O) the device's outputs in the model's unit.
        reference_states: (S, T, N) float64 states: the vectors' own, or of hil's reference where they have none.
        reference_outputs: (S, T, O) float64 outputs, likewise.
        device_s: seconds from the first frame of the first step to the last reply.
        retries: frames that had to be sent again.
        cycles: of each step, or why they were not measured.
        energy: of each step, or why nobody knows it.
        notes: sentences of the converter about what the formats could not hold as it is, or hold with less precision.
    """

    provenance: Provenance
    vectors: Vectors
    model_name: str
    solver: str
    image_digest: str
    image_place: str
    q_formats: dict[str, Any]
    state_bound: float
    state_lsb: float
    output_lsb: Floats
    states_lsb: Lsb
    outputs_lsb: Lsb
    golden_states_lsb: Lsb
    golden_outputs_lsb: Lsb
    states: Floats
    outputs: Floats
    reference_states: Floats
    reference_outputs: Floats
    device_s: float
    retries: int
    cycles: RunCycles
    energy: RunEnergy = NOT_ASKED
    notes: tuple[str, ...] = ()

    @property
    def bits_equal(self) -> bool:
        """Device and exact integer model agree in every bit of every state and output."""
        return np.array_equal(self.states_lsb, self.golden_states_lsb) and np.array_equal(
            self.outputs_lsb, self.golden_outputs_lsb
        )

    @property
    def bits_compared(self) -> int:
        """How many bits that verdict rests on."""
        return 32 * (self.states_lsb.size + self.outputs_lsb.size)

    @property
    def max_error(self) -> float:
        """Largest error of a state to float64, as a share of the state bound."""
        return largest_error(self.states, self.reference_states) / self.state_bound

    @property
    def outputs_error(self) -> float | None:
        """Largest error of an output to what the vectors expect, in the model's unit; None where they expect none."""
        return None if self.vectors.outputs is None else largest_error(self.outputs, self.vectors.outputs)

    @property
    def steps(self) -> int:
        """Steps run in all sequences together."""
        return self.vectors.sequences * self.vectors.steps

    @property
    def vectors_per_second(self) -> float:
        """Input vectors streamed, computed and answered in a second."""
        return self.steps / self.device_s
