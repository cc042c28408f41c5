"""Counted cycles as a reader wants them: calls, functions and totals, and whether they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import CyclesError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.cycles.counter_file import RawTotals

_TROUBLE: Final = (
    ("an instruction without a known cost was executed", "is the program built for this core (-mcpu)?"),
    ("HardFault or NMI was entered", "look at the fault that the firmware reports"),
    (
        "execution could not be followed to its end",
        "a debugger, a reset or a task switch came between: measure without them",
    ),
)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a measured function, from its entry to its return.

    Attributes:
        function: its name.
        cycles: of its instructions and those of all that it called; interrupts are not in it.
        instructions: as many.
        exceptions: interrupts (and SVCs) that came between, nested ones included.
        trouble: bits that say why the count cannot be trusted; 0 where it can.
    """

    function: str
    cycles: int
    instructions: int
    exceptions: int
    trouble: int = 0


@dataclass(frozen=True)
class FunctionCycles:
    """What one function took, over all its calls.

    Attributes:
        name: its symbol.
        calls: how often it was entered, by calls and by jumps from other functions.
        exclusive: cycles of its own instructions.
        inclusive: and of what it called; of calls within calls (recursion) the outermost counts.
        instructions: its own.
    """

    name: str
    calls: int
    exclusive: int
    inclusive: int
    instructions: int


@dataclass(frozen=True)
class PathCount:
    """One path of calls: how often it was taken, and the cycles of the last function's own instructions on it."""

    calls: int
    cycles: int


@dataclass(frozen=True)
class CycleCounts:
    """What was counted between two moments.

    Attributes:
        calls: of the measured functions, in the order in which they ended.
        missed: calls that were over before and that the ring no longer holds.
        functions: by name; only those that were executed.
        totals: over everything, as differences.
    """

    calls: tuple[Call, ...]
    missed: int
    functions: dict[str, FunctionCycles]
    totals: RawTotals

    def of(self, function: str) -> tuple[Call, ...]:
        """The calls of one measured function.

        Raises:
            CyclesError: one of them cannot be trusted, some are missing, or there are none.
        """
        return trusted(self.calls, self.missed, function)

    def check(self) -> None:
        """Whether the function table as a whole can be trusted.

        Raises:
            CyclesError: something was executed without a known cost, faulted, or could not be followed.
        """
        counts = (self.totals.unknown, self.totals.faults, self.totals.lost)
        for count, (what, hint) in zip(counts, _TROUBLE, strict=True):
            if count:
                raise CyclesError(f"the cycles of the functions cannot be trusted: {what} ({count} times)", hint=hint)


def trusted(calls: Iterable[Call], missed: int, function: str) -> tuple[Call, ...]:
    """The calls of one measured function.

    Args:
        calls: of all measured functions.
        missed: how many more there were that are no longer known.
        function: its name.

    Raises:
        CyclesError: one of them cannot be trusted, some are missing, or there are none.
    """
    found = tuple(call for call in calls if call.function == function)
    if missed:
        raise CyclesError(f"{missed} calls were measured but are no longer known", hint="read the counter more often")
    if not found:
        raise CyclesError(f"no call of {function} was measured", hint="it was not called, or has not returned yet")
    for number, call in enumerate(found, 1):
        if call.trouble:
            what, hint = next(text for bit, text in enumerate(_TROUBLE) if call.trouble >> bit & 1)
            raise CyclesError(
                f"the cycles of {function}, call {number} of {len(found)}, cannot be trusted: {what}", hint=hint
            )
    return found
