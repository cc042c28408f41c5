"""A PPK2's first port: its commands, its metadata and its stream of samples, byte for byte as ppk2lab's protocol
notes and Nordic's application have them. Calibration and range switches are those of no ideal device.
"""

from __future__ import annotations

import math
import struct
import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from tests.power.instruments.sampled import SampledTime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.power.instruments.source import Source

RATE_HZ = 100_000
_CODES = 0x3FFF
_COUNTS = 64
_PIECE = 200
_VOLT = 1.8 / 163_840

# R as on devices seen, the others of the size that a calibration has; no two ranges alike, so that a mix-up shows.
CALIBRATION: dict[str, tuple[float, ...]] = {
    "R": (1003.3506, 101.5865, 10.3027, 0.9636, 0.0564),
    "GS": (2.1, 1.7, 0.9, 0.11, 0.017),
    "GI": (0.9893, 1.0104, 0.9966, 1.0217, 0.9821),
    "O": (112.7, 91.3, 105.1, 88.9, 120.2),
    "S": (3.1e-9, -2.2e-8, 1.9e-7, -1.1e-6, 2.7e-5),
    "I": (-1.4e-8, 6.8e-8, -4.1e-7, 3.3e-6, -8.9e-5),
    "UG": (1.0, 1.013, 0.992, 1.004, 0.987),
}
UP_A = (50e-6, 500e-6, 5e-3, 50e-3)
"""Above these it switches up; below nine tenths of them down."""
_DOWN = 0.9

_LENGTHS = {0x06: 1, 0x07: 1, 0x0C: 2, 0x0D: 3, 0x11: 2, 0x19: 1, 0x20: 1, 0x25: 6}


@dataclass
class Ppk2:
    """Attributes:
    source: what it measures.
    gain: by range, what it multiplies the true current with: the error that a maker's accuracy allows.
    calibration: what it tells of itself.
    leave_out: keys that it does not tell.
    lost: samples lost on the device, by the number of the first.
    cut: bytes lost on the wire, by the number of the sample before which.
    doubled: bytes of a sample that come twice, by its number.
    silent_after: number of the sample behind which it says no more.
    nonsense_after: number of the sample behind which its words are random.
    unplug_after: number of the sample behind which its plug is pulled.
    fixed_range: if it is stuck in one.
    stalls_s: by the number of a sample, for how long the device holds its samples back and loses them uncounted.
    """

    source: Source
    time: SampledTime = field(default_factory=SampledTime)
    gain: tuple[float, ...] = (1.0,) * 5
    calibration: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: dict(CALIBRATION))
    leave_out: tuple[str, ...] = ()
    lost: dict[int, int] = field(default_factory=dict)
    cut: dict[int, int] = field(default_factory=dict)
    doubled: dict[int, int] = field(default_factory=dict)
    silent_after: int | None = None
    nonsense_after: int | None = None
    unplug_after: int | None = None
    fixed_range: int | None = None
    stalls_s: dict[int, float] = field(default_factory=dict)
    obeys_voltage: bool = True
    obeys_mode: bool = True

    powered: bool = False
    voltage_mV: int = 3300
    mode: int = 2
    measures: bool = False
    commands: list[bytes] = field(default_factory=list)
    _obeyed: threading.Condition = field(default_factory=threading.Condition)
    _random: Random = field(default_factory=lambda: Random(1))
    _pending: bytes = b""
    _number: int = 0
    _count: int = 0
    _range: int = 0
    _since_switch: int = 99
    _before_A: float = 0.0
    _lag_s: float = 0.0

    def feed(self, data: bytes) -> bytes:
        said = b""
        self._pending += data
        while self._pending:
            length = _LENGTHS[self._pending[0]]
            if len(self._pending) < length:
                break
            command, self._pending = self._pending[:length], self._pending[length:]
            said += self._obey(command)
        return said

    def stream(self) -> bytes | None:
        if not self.measures:
            return b""
        data = b""
        for _ in range(_PIECE):
            if self.unplug_after is not None and self._number >= self.unplug_after:
                return data or None
            if self.silent_after is not None and self._number >= self.silent_after:
                break
            data += self._sample()
        self.time.pass_to(self._number / RATE_HZ + self._lag_s)
        return data

    def wait_until_powered(self, *, powered: bool = True) -> None:
        """What it is told of power it does not answer to."""
        with self._obeyed:
            assert self._obeyed.wait_for(lambda: self.powered == powered, timeout=5)

    def _obey(self, command: bytes) -> bytes:
        with self._obeyed:
            self._obeyed.notify_all()
            return self._do(command)

    def _do(self, command: bytes) -> bytes:
        self.commands.append(command)
        opcode, rest = command[0], command[1:]
        if opcode == 0x06:
            self.measures = True
        elif opcode == 0x07:
            self.measures = False
        elif opcode == 0x0C:
            self.powered = rest[0] == 1
        elif opcode == 0x0D and self.obeys_voltage:
            self.voltage_mV = int.from_bytes(rest, "big")
        elif opcode == 0x11 and self.obeys_mode:
            self.mode = rest[0]
        elif opcode == 0x19:
            return self._metadata()
        return b""

    def _metadata(self) -> bytes:
        lines = ["Calibrated: 0"]
        for name, values in self.calibration.items():
            lines += [f"{name}{number}: {value!r}" for number, value in enumerate(values)]
        lines += [f"VDD: {self.voltage_mV}", "HW: 9173", f"mode: {self.mode}", "IA: 56"]
        lines = [line for line in lines if line.partition(":")[0] not in self.leave_out]
        return "\n".join([*lines, "END", ""]).encode()

    def _sample(self) -> bytes:
        if missing := self.lost.pop(self._number, 0):
            self._number += missing
            self._count += missing
        if stall_s := self.stalls_s.pop(self._number, 0.0):
            self._lag_s += stall_s
        now_s = self._number / RATE_HZ + self._lag_s
        true_A = self.source.current_A(now_s)
        logic = sum(self.source.mark(f"D{bit}", now_s) << bit for bit in range(8))
        word = self._code(true_A) | self._range << 14 | (self._count % _COUNTS) << 18 | logic << 24
        if self.nonsense_after is not None and self._number >= self.nonsense_after:
            word = self._random.getrandbits(32)
        data = struct.pack("<I", word)
        data = data[: self.doubled.pop(self._number, 0)] + data[self.cut.pop(self._number, 0) :]
        self._number += 1
        self._count += 1
        return data

    def _code(self, true_A: float) -> int:
        """The code at a current, and what the switch of ranges does to it."""
        wanted = self._range
        while wanted < 4 and true_A > UP_A[wanted]:
            wanted += 1
        while wanted > 0 and true_A < UP_A[wanted - 1] * _DOWN:
            wanted -= 1
        if self.fixed_range is not None:
            self._range = self.fixed_range
        elif wanted > self._range and self._code_at(true_A) >= _CODES and self._since_switch:
            self._since_switch = 0  # for one sample the amplifier is at its end, then the shunt is switched
            return _CODES
        elif wanted != self._range:
            self._range, self._since_switch = wanted, 0
        self._since_switch += 1
        if self._since_switch <= 3 and self._number > 3:
            # Within a switch what is read has little to do with the current.
            return max(0, min(_CODES, round(self._code_at(true_A) * (0.4 if self._since_switch % 2 else 1.9))))
        return self._code_at(true_A)

    def _code_at(self, true_A: float) -> int:
        """The inverse of what Nordic's application computes from a code."""
        at = {name: values[self._range] for name, values in self.calibration.items()}
        linear = true_A * self.gain[self._range] / at["UG"] - at["S"] * self.voltage_mV / 1000 - at["I"]
        x = (-at["GI"] + math.sqrt(at["GI"] ** 2 + 4 * at["GS"] * linear)) / (2 * at["GS"])
        return max(0, min(_CODES, round((x * at["R"] / _VOLT + at["O"]) / 4)))
