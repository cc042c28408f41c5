"""The model image: the bytes that `firmware/ltc` reads in place. Layout as in ``firmware/ltc/ltc_image.h``.

Encoding and decoding only; what the numbers mean is in :mod:`hil.convert` and docs/numbers.md.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hil.errors import InputError

if TYPE_CHECKING:
    from hil.solver import SolverName

MAGIC = 0x3143544C
VERSION = 3
FULL_SCALE = 1 << 30
ELAPSED_FRAC = 22
SUM_MAX = 0x7EFFFFFF
OPEN = 32767
WIDE_FRAC = 32
FUSED, EULER, RK4, ADAPTIVE, EXPONENTIAL = range(5)  # enum ltc_solver
CFC = 8
HALF_UPPER = 0x8000

_HEADER = struct.Struct("<IHHIIHHHBbHBBIII")
_CRC_OFFSET = 12
NEURON = np.dtype(
    [
        ("den", "<i8"),
        ("num", "<i8"),
        ("cm", "<u2"),
        ("cm_shift", "i1"),
        ("zero", "u1"),
        ("sensory", "<u2"),
        ("synapses", "<u2"),
    ]
)
MAP = np.dtype([("gain", "<i4"), ("offset", "<i4"), ("shift", "u1"), ("of", "u1"), ("zero", "<u2")])
SYNAPSE = np.dtype([("slope_source", "<i4"), ("offset", "<i4"), ("weight", "<u4"), ("reversal", "<i4")])


SOLVERS: dict[SolverName, int] = {
    "fused": FUSED,
    "euler": EULER,
    "rk4": RK4,
    "adaptive": ADAPTIVE,
    "exponential": EXPONENTIAL,
}
STAGED = {RK4, ADAPTIVE, EXPONENTIAL}  # solvers that keep more of a neuron: LTC_IS_STAGED in ltc_solver.h


def memory_bytes(neurons: int, channels: int, solver: int = FUSED) -> int:
    """Working memory of a network: LTC_MEMORY_BYTES or LTC_STAGED_MEMORY_BYTES in ltc.h, in whole words."""
    return -(-(24 * neurons + 2 * channels + 8) // 4) * 4 + (16 * neurons if solver in STAGED else 0)


def cfc_memory_bytes(neurons: int, sources: int) -> int:
    """Working memory of a CfC: LTC_CFC_MEMORY_BYTES in ltc.h, in whole words."""
    return -(-(4 * neurons + 2 * sources) // 4) * 4


class Header(NamedTuple):
    """What an image begins with, but for what follows from the rest of it."""

    neurons: int
    inputs: int
    outputs: int
    unfolds: int
    state_frac: int
    channels: int  # of a CfC: its sources
    solver: int
    sensory_synapses: int
    synapses: int  # of a CfC: words of its layers
    error_bound: int = 0

    @property
    def memory_bytes(self) -> int:
        """RAM that the runtime asks for beside the image, in whole words."""
        if self.solver == CFC:
            return cfc_memory_bytes(self.neurons, self.channels)
        return memory_bytes(self.neurons, self.channels, self.solver)


def encoded(header: Header, body: bytes) -> bytes:
    """An image of this header and of what follows it."""
    body += bytes(-(_HEADER.size + len(body)) % 4)
    total = _HEADER.size + len(body)
    counts = (header.solver, 0, header.sensory_synapses, header.synapses, header.error_bound)
    packed = bytearray(_HEADER.pack(MAGIC, VERSION, _HEADER.size, total, 0, *header[:6], *counts))
    struct.pack_into("<I", packed, _CRC_OFFSET, _crc(bytes(packed) + body))
    return bytes(packed) + body


def checked(data: bytes, where: str = "image") -> tuple[Header, bytes]:
    """Header of an image, and what follows it.

    Raises:
        InputError: for anything but a whole, undamaged image of this version.
    """
    if len(data) < _HEADER.size or int.from_bytes(data[:4], "little") != MAGIC:
        raise InputError(f"{where} is not an LTC model image", hint="make one with 'hil convert MODEL.npz -o FILE'")
    _, version, header_bytes, total, crc, *counts = _HEADER.unpack_from(data)
    if version != VERSION:
        raise InputError(
            f"{where} has image version {version}, this hil reads version {VERSION}",
            hint="convert the model again with this version of hil",
        )
    if header_bytes != _HEADER.size or total < _HEADER.size or len(data) < total:
        raise InputError(f"{where} is cut off or its counts disagree with its length of {len(data)} bytes")
    if crc != _crc(data[:total]):
        raise InputError(f"{where} is damaged: its CRC-32 does not match", hint="convert the model again")
    return Header(*counts[:7], *counts[8:]), data[_HEADER.size : total]


Records = npt.NDArray[Any]  # a structured array of one of the three dtypes above


@dataclass(frozen=True)
class ModelImage:
    """A decoded image of N neurons, I inputs, C channels and O outputs.

    ``neuron``, ``channel``, ``sensory``, ``synapse`` and ``output`` are structured arrays; synapses are sorted by
    target neuron, sensory ones read channels.
    ``solver`` is one of ``enum ltc_solver``, ``error_bound`` that of the adaptive one.
    ``input_frac`` (I,) and ``state_frac`` are fractional bits of the integers that go in and come out.
    """

    unfolds: int
    state_frac: int
    neuron: Records
    channel: Records
    sensory: Records
    synapse: Records
    output: Records
    input_frac: npt.NDArray[np.int8]
    solver: int = FUSED
    error_bound: int = 0

    @property
    def memory_bytes(self) -> int:
        """RAM that the runtime asks for beside the image, in whole words."""
        return memory_bytes(len(self.neuron), len(self.channel), self.solver)

    def to_bytes(self) -> bytes:
        """The image as the runtime reads it, CRC included."""
        body = b"".join(
            part.tobytes()
            for part in (self.neuron, self.channel, self.sensory, self.synapse, self.output, self.input_frac)
        )
        header = Header(
            neurons=len(self.neuron),
            inputs=len(self.input_frac),
            outputs=len(self.output),
            unfolds=self.unfolds,
            state_frac=self.state_frac,
            channels=len(self.channel),
            solver=self.solver,
            sensory_synapses=len(self.sensory),
            synapses=len(self.synapse),
            error_bound=self.error_bound,
        )
        return encoded(header, body)

    @classmethod
    def from_bytes(cls, data: bytes, *, where: str = "image") -> ModelImage:
        """Decode an image.

        Raises:
            InputError: for anything but a whole, undamaged image of this version.
        """
        header, body = checked(data, where)
        if header.solver == CFC:
            raise InputError(f"{where} is the image of a CfC, which has other records")
        sizes = (
            (NEURON, header.neurons),
            (MAP, header.channels),
            (SYNAPSE, header.sensory_synapses),
            (SYNAPSE, header.synapses),
            (MAP, header.outputs),
            (np.dtype(np.int8), header.inputs),
        )
        used = sum(dtype.itemsize * count for dtype, count in sizes)
        if len(body) != used + -(_HEADER.size + used) % 4:
            raise InputError(f"{where} is cut off or its counts disagree with its length of {len(data)} bytes")
        parts = []
        at = 0
        for dtype, count in sizes:
            parts.append(np.frombuffer(body, dtype, count, at))
            at += dtype.itemsize * count
        neuron, channel, sensory, synapse, output, input_frac = parts
        return cls(
            unfolds=header.unfolds,
            state_frac=header.state_frac,
            neuron=neuron,
            channel=channel,
            sensory=sensory,
            synapse=synapse,
            output=output,
            input_frac=input_frac.astype(np.int8),
            solver=header.solver,
            error_bound=header.error_bound,
        )


def _crc(image: bytes) -> int:
    return zlib.crc32(image[_CRC_OFFSET + 4 :], zlib.crc32(image[:_CRC_OFFSET]))
