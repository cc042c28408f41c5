"""Count cycles in an emulator: what to start it with, and the counts while it runs and after it has ended.

    with CycleCounter(artefact.elf, TimingModel("cortex-m0")) as counter:
        ...  # start the emulator with counter.arguments, inheriting counter.fd
        before = counter.snapshot()
        ...  # have the firmware call ltc_step
        cycles = [call.cycles for call in counter.counts(since=before).of("ltc_step")]

The counts of a call are there when it has returned: an answer that the firmware sent after it was sent with them in
place. Those of the function table are complete when the core sleeps or is halted.

What is exact: at zero wait states a call's count is the sum of the manuals' numbers over the instructions executed,
whatever interrupts it; a handler's cycles are its own. Exceptions themselves (entry, return) are in no function:
`hil.cycles.timing.exceptions` has their cost, the totals their number. What is not modelled: on silicon an interrupt
abandons and restarts LDM, STM, PUSH, POP and the slow multiplier, so a firmware that measures itself should mask
interrupts. QEMU takes them between blocks only.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from hil.cycles.counter_file import RING, CounterFile, RawFunction, RawTotals
from hil.cycles.counts import Call, CycleCounts, FunctionCycles, PathCount
from hil.cycles.library import plugin_path
from hil.cycles.symbols import read_code_map
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path as FilePath

    from hil.cycles.timing import TimingModel


Path = tuple[str, ...]
"""Names of functions, each called by the one before."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a counter at one moment, to take differences from."""

    totals: RawTotals
    functions: tuple[RawFunction, ...]


class CycleCounter:
    """A counter for one program, as a context manager. It outlives power cycles of the emulator, which add up.

    Args:
        elf: the program, with its symbols.
        model: core and board.
        measure: functions whose every call is kept.
        vectors: address of the vector table; by default where the program's code begins.
        plugin: whether the emulator needs the plugin; otherwise it counts into the file by itself.
        ring: how many calls are kept, a power of two.

    Attributes:
        model: as given.

    Raises:
        InputError: the file has no such functions.
        RigError: the plugin cannot be built.
    """

    def __init__(
        self,
        elf: FilePath,
        model: TimingModel,
        *,
        measure: Iterable[str] = ("ltc_step",),
        vectors: int | None = None,
        plugin: bool = True,
        ring: int = RING,
    ) -> None:
        self.model = model
        self._plugin = plugin_path() if plugin else None
        self._code = read_code_map(elf, vectors)
        measured = {index for name in measure for index in self._code.indices(name)}
        self._file = CounterFile(self._code, model, measured, ring=ring)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the counts."""
        self._file.close()

    @property
    def fd(self) -> int:
        """The descriptor that QEMU must inherit."""
        return self._file.fd

    @property
    def arguments(self) -> Sequence[str]:
        """What to start QEMU with; nothing for an emulator that needs no plugin."""
        if self._plugin is None:
            return ()
        return ("-plugin", f"file={str(self._plugin).replace(',', ',,')},fd={self.fd}")

    @property
    def idles(self) -> int:
        """How often the core has gone to sleep or was halted; each time, the function table was complete."""
        return self._file.idles

    def snapshot(self) -> Snapshot:
        """The counts up to now, to give to `counts` later.

        Raises:
            RigError: no emulator has taken the counter.
        """
        self._require()
        return Snapshot(self._file.totals(), tuple(self._file.functions()))

    @property
    def measured(self) -> int:
        """How many calls were measured up to now: the number of the next one, to give to `calls`.

        Raises:
            RigError: no emulator has taken the counter.
        """
        self._require()
        return self._file.totals().calls

    def calls(self, first: int) -> tuple[tuple[Call, ...], int]:
        """The measured calls from a number on, and how many before them are no longer known.

        Called now and then while the program runs, it gives every call however many there are.

        Raises:
            RigError: no emulator has taken the counter.
        """
        return self._calls(first, self.measured)

    def counts(self, since: Snapshot | None = None) -> CycleCounts:
        """What was counted since a snapshot, or since the beginning.

        Raises:
            RigError: no emulator has taken the counter.
        """
        self._require()
        totals = self._file.totals()
        functions = self._file.functions()
        before = since or Snapshot(RawTotals(*[0] * 10), tuple(RawFunction(0, 0, 0, 0, 0) for _ in functions))
        calls, missed = self._calls(before.totals.calls, totals.calls)
        return CycleCounts(
            calls=calls,
            missed=missed,
            functions={row.name: row for row in self._rows(before.functions, functions) if row.calls or row.exclusive},
            totals=RawTotals(
                *(
                    now - then
                    for now, then in zip(dataclasses.astuple(totals), dataclasses.astuple(before.totals), strict=True)
                )
            ),
        )

    @property
    def path_room(self) -> int | None:
        """How many paths of calls there is room for, where that is too few: `paths` may lack some. Else None."""
        return self._file.room if self._file.nodes_full else None

    def paths(self, root: str) -> dict[Path, PathCount]:
        """What was counted so far on each path of calls from a function down, that function first.

        Complete when no call of it is open. Paths beyond what there is room for are missing.

        Raises:
            RigError: no emulator has taken the counter.
        """
        self._require()
        found: dict[Path, PathCount] = {}
        paths: list[Path] = []
        for node in self._file.nodes():
            name = self._code.names[node.function]
            above = paths[node.parent] if paths else ()
            path = (*above, name) if above or (paths and name == root) else ()
            paths.append(path)
            if path:
                before = found.get(path, PathCount(0, 0))
                found[path] = PathCount(before.calls + node.calls, before.cycles + node.exclusive)
        return found

    def _calls(self, first: int, end: int) -> tuple[tuple[Call, ...], int]:
        calls = tuple(
            Call(self._code.names[call.function], call.cycles, call.instructions, call.exceptions, call.trouble)
            for call in self._file.calls(first, end)
        )
        return calls, end - first - len(calls)

    def _rows(self, before: Iterable[RawFunction], after: Iterable[RawFunction]) -> Iterable[FunctionCycles]:
        for name, then, now in zip(self._code.names, before, after, strict=True):
            yield FunctionCycles(
                name=name,
                calls=now.calls - then.calls,
                exclusive=now.exclusive - then.exclusive,
                inclusive=now.inclusive + now.open - then.inclusive - then.open,
                instructions=now.instructions - then.instructions,
            )

    def _require(self) -> None:
        if not self._file.attached:
            raise RigError(
                "the emulator does not count cycles",
                cause="it was not started with the counter, or has no plugin support",
                hint="sudo apt-get install --yes qemu-system-arm (7.2 or later)" if self._plugin else None,
            )
