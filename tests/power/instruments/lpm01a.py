"""An X-NUCLEO-LPM01A on its virtual port: commands, answers and both formats of samples, byte for byte as the help text
of its firmware, and four programs that talk to one, have them. The words of its summary are recalled.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.power.instruments.sampled import SampledTime

if TYPE_CHECKING:
    from tests.power.instruments.source import Source

_PROMPT = "PowerShield > "
_FREQUENCIES = ("100k", "50k", "20k", "10k", "5k", "2k", "1k", "500", "200", "100", "50", "20", "10", "5", "2", "1")
_CHOICES = {
    "acqmode": ("dyn", "stat"),
    "funcmode": ("optim", "high"),
    "output": ("current", "energy"),
    "format": ("ascii_dec", "bin_hexa"),
    "trigsrc": ("sw", "d7"),
    "freq": _FREQUENCIES,
    "pwr": ("on", "off", "auto"),
    "acqtime": ("0", "inf"),
}
_PIECE_S = 0.002
_LIMIT_A = 50e-3


def encoded(current_A: float) -> bytes:
    """Twelve bits and the power of 16 that keeps most of them."""
    power = 14
    while power > 0 and round(current_A * 16**power) > 0xFFF:
        power -= 1
    return struct.pack(">H", power << 12 | round(current_A * 16**power))


def written(current_A: float) -> bytes:
    """Four digits and a power of ten."""
    power = 12
    while power > 0 and round(current_A * 10**power) > 9999:
        power -= 1
    return b"%04d-%02d\r\n" % (round(current_A * 10**power), power)


@dataclass
class Lpm01a:
    """Attributes:
    source: what it measures.
    gain: what it multiplies the true current with: the error that its accuracy allows.
    stamp_s: time from time to time that it tells.
    lost: samples lost on the device, by the number of the first.
    cut: bytes lost on the wire, by the number of the sample before which.
    doubled: bytes of a sample that come twice, by its number.
    fault_at: by the number of a sample, bytes that come before it: an error, overcurrent, nonsense.
    silent_after, unplug_after: numbers of samples.
    refuses: a command that it answers with an error.
    """

    source: Source
    time: SampledTime = field(default_factory=SampledTime)
    gain: float = 1.0
    stamp_s: float = 0.01
    lost: dict[int, int] = field(default_factory=dict)
    cut: dict[int, int] = field(default_factory=dict)
    doubled: dict[int, int] = field(default_factory=dict)
    fault_at: dict[int, bytes] = field(default_factory=dict)
    full_at_s: float | None = None
    silent_after: int | None = None
    unplug_after: int | None = None
    refuses: str = ""
    set_off_mV: int = 0

    commands: list[str] = field(default_factory=list)
    controlled: bool = False
    powered: bool = False
    voltage_mV: int = 3300
    measures: bool = False
    settings: dict[str, str] = field(
        default_factory=lambda: {"format": "ascii_dec", "freq": "100", "funcmode": "optim", "acqtime": "10"}
    )
    _line: bytes = b""
    _number: int = 0
    _next_stamp_s: float = 0.0
    _obeyed: threading.Condition = field(default_factory=threading.Condition)

    def wait_for_command(self, command: str) -> None:
        """That nobody waits for an answer to."""
        with self._obeyed:
            assert self._obeyed.wait_for(lambda: command in self.commands, timeout=5)

    def feed(self, data: bytes) -> bytes:
        if self.unplug_after is not None and self._number >= self.unplug_after:
            return b""
        *lines, self._line = (self._line + data).split(b"\n")
        return b"".join(self._obey(line.decode().strip("\r ")) for line in lines)

    def stream(self) -> bytes | None:
        if not self.measures:
            return b""
        data = b""
        for _ in range(max(1, round(_PIECE_S * self._rate_hz))):
            if self.unplug_after is not None and self._number >= self.unplug_after:
                return data or None
            if self.silent_after is not None and self._number >= self.silent_after:
                break
            data += self._sample()
        self.time.pass_to(self._number / self._rate_hz)
        return data

    @property
    def _rate_hz(self) -> int:
        return int(self.settings["freq"].replace("k", "000"))

    @property
    def _binary(self) -> bool:
        return self.settings["format"] == "bin_hexa"

    def _obey(self, command: str) -> bytes:
        with self._obeyed:
            self.commands.append(command)
            self._obeyed.notify_all()
            return self._answer(command)

    def _answer(self, command: str) -> bytes:  # noqa: PLR0911 - one answer a command
        name, _, argument = command.partition(" ")
        if command == self.refuses or not self._knows(name, argument):
            return _said(f"error {command}", "Error detail: not possible")
        if name == "stop":
            return self._stopped()
        if name == "start":
            self.measures, self._number, self._next_stamp_s = True, 0, 0.0
            return _said("ack start") + self._sample_head()
        if name == "powershield":
            return _said("ack powershield: PowerShield present 303438-513337-32383638")
        if name == "version":
            return _said("ack version: 1.0.6")
        if command == "volt get":
            return _said(f"ack volt get {self.voltage_mV + self.set_off_mV:04d}-03")
        if name == "volt":
            self.voltage_mV = int(argument.removesuffix("m"))
        elif name in {"htc", "hrc"}:
            self.controlled = name == "htc"
        elif name == "pwr":
            self.powered = argument == "on"
        else:
            self.settings[name] = argument
        return _said(f"ack {command}")

    def _knows(self, name: str, argument: str) -> bool:
        if name in _CHOICES:
            return self.controlled and argument in _CHOICES[name]
        if name == "volt":
            return argument == "get" or (argument.endswith("m") and 1800 <= int(argument[:-1]) <= 3300)
        if name == "stop":
            return True
        return name in {"htc", "hrc", "powershield", "version", "start"} and not argument

    def _stopped(self) -> bytes:
        if not self.measures:
            return _said("error stop", "Error detail: no acquisition on going")
        self.measures = False
        tail = b"\xf0\xf4\xff\xff" if self._binary else b"end\r\n"
        return tail + _said("Acquisition completed", "summary beg", "summary end")

    def _sample_head(self) -> bytes:
        self._next_stamp_s = self.stamp_s
        return self._stamp(0.0)

    def _stamp(self, now_s: float) -> bytes:
        load = 100 if self.full_at_s is not None and now_s >= self.full_at_s else 3
        milliseconds = int(now_s * 1000 + 1e-6)
        if self._binary:
            return b"\xf0\xf3" + struct.pack(">IB", milliseconds, load) + b"\xff\xff"
        return b"\0TimeStamp: %03ds %03dms, buff %02d%%\r\n" % (milliseconds // 1000, milliseconds % 1000, load)

    def _sample(self) -> bytes:
        self._number += self.lost.pop(self._number, 0)
        now_s = self._number / self._rate_hz
        data = b""
        if now_s + 1e-9 >= self._next_stamp_s:
            self._next_stamp_s += self.stamp_s
            data = self._stamp(now_s)
        data += self.fault_at.pop(self._number, b"")
        current_A = self.source.current_A(now_s) * self.gain
        if current_A > _LIMIT_A * 1.5 and self._binary:
            data += b"\xf0\xf5\xff\xff"
        value = encoded(current_A) if self._binary else written(current_A)
        data += value[: self.doubled.pop(self._number, 0)] + value[self.cut.pop(self._number, 0) :]
        self._number += 1
        return data


def _said(*lines: str) -> bytes:
    return (
        b"\r\n" + f"{_PROMPT}{lines[0]}\r\n".encode() + "".join(f"{each}\r\n" for each in lines[1:]).encode() + b"\r\n"
    )
