"""Which functions the cycles of a run went to: by function, and by path of calls for flame graphs. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.step_cycles import PathCycles


@dataclass(frozen=True)
class FunctionShare:
    """One function's part of all steps together.

    Attributes:
        name: its symbol.
        calls: how often it was called.
        exclusive: cycles of its own instructions.
        inclusive: and of what it called; of calls within calls (recursion) the outermost counts.
        share: exclusive cycles as a part of all.
    """

    name: str
    calls: int
    exclusive: int
    inclusive: int
    share: float


def functions_of(paths: Sequence[PathCycles]) -> list[FunctionShare]:
    """Every function of the paths, the one with most cycles of its own first."""
    calls: dict[str, int] = defaultdict(int)
    exclusive: dict[str, int] = defaultdict(int)
    inclusive: dict[str, int] = defaultdict(int)
    for each in paths:
        calls[each.path[-1]] += each.calls
        exclusive[each.path[-1]] += each.cycles
        for name in set(each.path):
            inclusive[name] += each.cycles
    total = sum(exclusive.values()) or 1
    rows = [
        FunctionShare(name, calls[name], cycles, inclusive[name], cycles / total) for name, cycles in exclusive.items()
    ]
    return sorted(rows, key=lambda row: (-row.exclusive, row.name))


def folded(paths: Sequence[PathCycles]) -> str:
    """One line a path, ``outer;inner cycles``: what speedscope and flamegraph.pl read."""
    return "".join(f"{';'.join(each.path)} {each.cycles}\n" for each in paths if each.cycles)
