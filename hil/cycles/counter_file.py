"""The memory that a counter in an emulator shares with its reader: laid out as ``counter_file.h`` says.

It has no name in any file system (memfd), so nothing of it stays behind when its holders die, by whatever signal.
Standard library only.
"""

from __future__ import annotations

import mmap
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from hil.cycles.symbols import CodeMap
    from hil.cycles.timing import TimingModel

RING: Final = 1 << 16
"""Calls that are kept; a power of two."""

NODES: Final = 1 << 12
"""Call paths that there is room for."""

_MAGIC: Final = 0x43594331
_VERSION: Final = 2
_MEASURED: Final = 1
_CONFIG: Final = struct.Struct("<11I")
_STATE: Final = struct.Struct("<III")
_TOTALS: Final = struct.Struct("<10Q")
_RANGE: Final = struct.Struct("<IIII")
_FUNCTION: Final = struct.Struct("<II5Q")
_HANDLER: Final = struct.Struct("<II")
_MEMORY: Final = struct.Struct("<5I")
_NODE: Final = struct.Struct("<IIQQ")
_CALL: Final = struct.Struct("<II3Q")
_HEADER_BYTES: Final = _CONFIG.size + _STATE.size + _TOTALS.size


@dataclass(frozen=True)
class RawTotals:
    """The header's counts, over everything that the core executed.

    Attributes:
        cycles: of all instructions; exceptions add theirs.
        instructions: executed.
        entries: exceptions taken, without those that another handler's end led to.
        chained: those.
        leaves: returns from handlers to what they interrupted.
        resets: times that execution began anew at the reset vector.
        unknown: blocks executed with an instruction that has no known cost.
        faults: entries to HardFault or NMI.
        lost: times that a measured call could not be followed to its end.
        calls: measured calls, ever.
    """

    cycles: int
    instructions: int
    entries: int
    chained: int
    leaves: int
    resets: int
    unknown: int
    faults: int
    lost: int
    calls: int


@dataclass(frozen=True)
class RawFunction:
    """One function's counts; ``open`` is the part of inclusive cycles in calls that had not ended at the last idle."""

    calls: int
    exclusive: int
    inclusive: int
    open: int
    instructions: int


@dataclass(frozen=True)
class RawCall:
    """One measured call; ``trouble`` has a bit each for unknown, fault and lost."""

    function: int
    trouble: int
    cycles: int
    instructions: int
    exceptions: int


@dataclass(frozen=True)
class RawNode:
    """One path of calls; ``parent`` is another one's index, lower than its own, or 0 where nothing called it."""

    function: int
    parent: int
    calls: int
    exclusive: int


class CounterFile:
    """A counter's file in memory, ready for an emulator to inherit.

    Args:
        code: the program's functions.
        model: core and board.
        measured: indices of the functions whose every call is kept.
        ring: how many calls are kept, a power of two.

    Attributes:
        fd: its descriptor, for the emulator to inherit.
        room: for so many paths of calls.
    """

    def __init__(self, code: CodeMap, model: TimingModel, measured: Collection[int], *, ring: int = RING) -> None:
        tables = _tables(code, model, measured)
        self._functions_at = _HEADER_BYTES + len(code.ranges) * _RANGE.size
        self._functions = len(code.names)
        self._nodes_at = (_HEADER_BYTES + len(tables) + 15) & ~15
        self.room = NODES
        self._ring_at = self._nodes_at + self.room * _NODE.size
        self._kept = ring
        self._ring = 2 * ring  # room for what a running core adds while it is read
        size = self._ring_at + self._ring * _CALL.size
        counts = (len(code.ranges), len(code.names), len(code.handlers), len(model.memories), self.room, self._ring)
        config = _CONFIG.pack(_MAGIC, _VERSION, size, model.core_index, model.multiply_cycles, *counts)
        self.fd = os.memfd_create("cycle-counter")
        os.ftruncate(self.fd, size)
        self._map = mmap.mmap(self.fd, size)
        self._map[: len(config)] = config
        self._map[_HEADER_BYTES : _HEADER_BYTES + len(tables)] = tables

    def close(self) -> None:
        """Let go of it."""
        self._map.close()
        os.close(self.fd)

    @property
    def attached(self) -> bool:
        """Whether a counter ever used this file."""
        return bool(_STATE.unpack_from(self._map, _CONFIG.size)[0])

    @property
    def idles(self) -> int:
        """How often the core has gone to sleep."""
        return int(_STATE.unpack_from(self._map, _CONFIG.size)[1])

    def totals(self) -> RawTotals:
        """The header's counts."""
        return RawTotals(*_TOTALS.unpack_from(self._map, _CONFIG.size + _STATE.size))

    def functions(self) -> list[RawFunction]:
        """Every function's counts, by index."""
        end = self._functions_at + self._functions * _FUNCTION.size
        rows = _FUNCTION.iter_unpack(self._map[self._functions_at : end])
        return [RawFunction(*row[2:]) for row in rows]

    @property
    def nodes_full(self) -> bool:
        """Whether there is no room for another path of calls; some may be missing then."""
        return int(_STATE.unpack_from(self._map, _CONFIG.size)[2]) >= self.room

    def nodes(self) -> list[RawNode]:
        """Every path of calls; the first is the root, which is none."""
        used = _STATE.unpack_from(self._map, _CONFIG.size)[2]
        return [
            RawNode(*row) for row in _NODE.iter_unpack(self._map[self._nodes_at : self._nodes_at + used * _NODE.size])
        ]

    def calls(self, first: int, end: int) -> list[RawCall]:
        """Measured calls by their number, from the first up to ``end``; the earliest may be lost already."""
        first = max(first, end - self._kept)
        places = (self._ring_at + (number % self._ring) * _CALL.size for number in range(first, end))
        calls = [RawCall(*_CALL.unpack_from(self._map, place)) for place in places]
        # The core may have run on meanwhile, over what was read: sound is what it has not reached yet.
        sound = self.totals().calls - self._ring + 1
        return calls[max(sound - first, 0) :]


def _tables(code: CodeMap, model: TimingModel, measured: Collection[int]) -> bytes:
    ranges = [_RANGE.pack(span.start, span.end, span.function, 0) for span in code.ranges]
    functions = [
        _FUNCTION.pack(entry, _MEASURED if index in measured else 0, 0, 0, 0, 0, 0)
        for index, entry in enumerate(code.entries)
    ]
    handlers = [_HANDLER.pack(handler.address, handler.exception) for handler in code.handlers]
    memories = [
        _MEMORY.pack(each.origin, each.bytes, each.fetch_wait_states, each.data_wait_states, each.single_cycle_port)
        for each in model.memories
    ]
    return b"".join([*ranges, *functions, *handlers, *memories])
