"""What an X-NUCLEO-LPM01A sends while it measures, in either of its formats. Pure.

As UM2269 and the help text of its firmware have it. Binary: a sample is a word of 16 bits, high byte first: the lower
twelve times 16 to the minus upper four, in A. Where the upper four are 15 no sample follows but F0, a kind and its
contents, up to FF FF: F1 an error and F2 a note in ASCII, F3 the time in ms in four bytes and the load of the buffer in
% in one, F4 the end, F5 overcurrent, F6 the target was switched off, F7 its voltage.

ASCII: lines as ``6409-07`` for 6409e-7 A, ``TimeStamp: 001s 500ms, buff 00%``, errors, and ``end``.

Neither has a counter of samples: that some are missing is told by the times between them, to about 1.5 ms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray  # noqa: TC002 - part of what is documented

_META: Final = 0xF0
_META_WORD: Final = 0xF000
_END_TAG: Final = b"\xff\xff"
_ERROR, _NOTE, _TIME, _END, _OVERCURRENT, _OFF, _VOLTAGE = range(0xF1, 0xF8)
_LENGTHS: Final = {_TIME: 5, _END: 0, _OVERCURRENT: 0, _OFF: 0, _VOLTAGE: 2}
"""Bytes between kind and end tag, where they are always as many."""
_FIRST: Final = bytes((_META, _TIME))
_OVERFLOW: Final = 0x7FFF_FFFF
_MOST_TEXT: Final = 256
_SAMPLE: Final = re.compile(r"(\d{4})([+-])(\d\d)")
_STAMP: Final = re.compile(r"TimeStamp: *(\d+)s *(\d+)ms, *buff *(\d+)%")


@dataclass(frozen=True)
class Stamp:
    """A time that the device told.

    Attributes:
        samples: that had come before.
        time_ms: since it started.
        load: of its buffer, in %; at 100 it has lost some.
    """

    samples: int
    time_ms: int
    load: int


class Stream(Protocol):
    """Takes a stream apart.

    Attributes:
        count: samples so far.
        stamps: the times among them.
        fault: why they cannot be used, in words; empty while they can.
        ended: whether the device has said that it stopped.
    """

    count: int
    stamps: list[Stamp]
    fault: str
    ended: bool

    def feed(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""

    def current_A(self) -> NDArray[np.float64]:
        """(count,) in A."""


class BinaryStream:
    """Of format ``bin_hexa``; see `Stream`. What comes before the first time is passed over."""

    def __init__(self) -> None:
        self.count = 0
        self.stamps: list[Stamp] = []
        self.fault = ""
        self.ended = False
        self._begun = False
        self._pieces: list[NDArray[np.uint16]] = []
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        self._buffer += data
        if not self._begun:
            first = self._buffer.find(_FIRST)
            if first < 0:
                del self._buffer[:-1]
                return
            del self._buffer[:first]
            self._begun = True
        while not self.ended and not self.fault:
            self._take_samples()
            if len(self._buffer) < len(_FIRST) or not self._take_meta():
                return

    def current_A(self) -> NDArray[np.float64]:
        """(count,) in A."""
        words = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.uint16)
        return (words & 0xFFF) * 16.0 ** -(words >> 12).astype(np.float64)

    def _take_samples(self) -> None:
        """All up to the next word that is none."""
        words = np.frombuffer(bytes(self._buffer[: len(self._buffer) // 2 * 2]), dtype=">u2").astype(np.uint16)
        others = np.flatnonzero(words >= _META_WORD)
        count = int(others[0]) if len(others) else len(words)
        if count:
            self._pieces.append(words[:count])
            self.count += count
            del self._buffer[: 2 * count]

    def _take_meta(self) -> bool:
        """What stands at the begin of the buffer; False if the rest of it has not come."""
        kind = self._buffer[1]
        if self._buffer[0] != _META or kind not in range(_ERROR, _VOLTAGE + 1):
            self.fault = f"it sent {self._buffer[:4].hex(' ')} where a sample was due: bytes were lost"
            return False
        length = _LENGTHS.get(kind, self._buffer.find(_END_TAG, 2) - 2)
        if not 0 <= length <= _MOST_TEXT or len(self._buffer) < length + 4:
            if len(self._buffer) > _MOST_TEXT:
                self.fault = f"what it began to tell has no end: {self._buffer[:16].hex(' ')}"
            return False
        content, tag = bytes(self._buffer[2 : 2 + length]), self._buffer[2 + length : 4 + length]
        if tag != _END_TAG:
            self.fault = f"it sent {self._buffer[: length + 4].hex(' ')}, which has no end: bytes were lost"
            return False
        del self._buffer[: length + 4]
        self._heed(kind, content)
        return True

    def _heed(self, kind: int, content: bytes) -> None:
        if kind == _TIME:
            time_ms = int.from_bytes(content[:4], "big") & _OVERFLOW
            self.stamps.append(Stamp(self.count, time_ms, content[4]))
        elif kind == _ERROR:
            self.fault = f"it said: {content.decode('ascii', 'replace').strip()}"
        elif kind == _END:
            self.ended = True
        elif kind == _OVERCURRENT:
            self.fault = "the board drew more than it can measure: overcurrent"
        elif kind == _OFF:
            self.fault = "it switched the board off"


class AsciiStream:
    """Of format ``ascii_dec``; see `Stream`."""

    def __init__(self) -> None:
        self.count = 0
        self.stamps: list[Stamp] = []
        self.fault = ""
        self.ended = False
        self._values: list[float] = []
        self._line = b""

    def feed(self, data: bytes) -> None:
        """Take bytes, cut anywhere."""
        *lines, self._line = (self._line + data).split(b"\n")
        for line in [*lines, self._line]:
            if len(line) > _MOST_TEXT:
                self.fault = f"it sent a line without an end: {line[:16]!r}"
        for line in lines:
            if self.ended or self.fault:
                return
            self._heed(line.decode("ascii", "replace").strip("\0\r "))

    def current_A(self) -> NDArray[np.float64]:
        """(count,) in A."""
        return np.array(self._values, dtype=np.float64)

    def _heed(self, line: str) -> None:
        if sample := _SAMPLE.fullmatch(line):
            self._values.append(float(f"{sample[1]}e{sample[2]}{sample[3]}"))
            self.count += 1
        elif stamp := _STAMP.fullmatch(line):
            self.stamps.append(Stamp(self.count, int(stamp[1]) * 1000 + int(stamp[2]), int(stamp[3])))
        elif line == "end" or line.endswith("Acquisition completed"):
            self.ended = True
        elif "error" in line.lower() or "overcurrent" in line.lower():
            self.fault = f"it said: {line}"
        elif line and not line.startswith("PowerShield >") and not line.startswith("summary"):
            self.fault = f"it sent {line!r} where a sample was due: bytes were lost"


@dataclass(frozen=True, eq=False)
class Placed:
    """Samples put on the device's time.

    Attributes:
        kept: which of them; those within a gap cannot be placed.
        numbers: of each that is kept, on a count that goes on over what is missing.
        gaps: from number to number, and why.
    """

    kept: NDArray[np.bool_]
    numbers: NDArray[np.int64]
    gaps: tuple[tuple[int, int, str], ...]


def place(count: int, stamps: list[Stamp], rate_hz: float) -> Placed:
    """Hold the number of samples against the device's own times.

    Args:
        count: of samples.
        stamps: the times among them.
        rate_hz: of samples.
    """
    slack = 1.5e-3 * rate_hz + 1  # times are whole milliseconds
    numbers, kept = np.arange(count), np.ones(count, np.bool_)
    gaps: list[tuple[int, int, str]] = []
    missing = 0
    for before, after in pairwise(stamps):
        due = round((after.time_ms - stamps[0].time_ms) * rate_hz / 1000)
        more = due - (after.samples - stamps[0].samples) - missing
        if abs(more) <= slack and after.load < 100:  # noqa: PLR2004 - %
            continue
        begin = before.samples + missing
        missing += more
        numbers[after.samples :] = np.arange(after.samples, count) + missing
        kept[before.samples : after.samples] = False
        told = "more came than there was time for" if more < -slack else f"about {more} samples were lost"
        told = told if abs(more) > slack else "its buffer was full"
        gaps.append((begin, max(begin, after.samples + missing), told))
    return Placed(kept, numbers[kept], tuple(gaps))
