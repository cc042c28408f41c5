"""The timing model: cycles of every ARMv6-M instruction on a Cortex-M0 (r0p0) and a Cortex-M0+ (r0p1).

The numbers are in ``timing.toml``, which says for each where it was read and which are recalled. They are those of Arm
DDI 0432C table 3-1 and DDI 0484C table 3-1, at zero wait states. The C code that counts (``cost.c``) takes them from a
header generated here, so there is one source.

A board adds what is not the core's: the multiplier's cycles, and its memories. A memory with wait states on data
delays every access by them. Wait states on instruction fetches are modelled without a prefetch buffer: every aligned
word of code that execution enters costs them once. Flash interfaces do better than that, each in its own way, so such a
model is not `TimingModel.exact`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hil.errors import InputError

CORES: Final = ("cortex-m0", "cortex-m0plus")
"""Names of the cores there are tables for, as board descriptions and GCC spell them."""

MULTIPLIERS: Final = (1, 32)
"""Cycles that MULS can take; which, is the choice of who made the part."""

_COLUMNS: Final = {"cortex-m0": "m0", "cortex-m0plus": "m0plus"}
_TABLE: Final = Path(__file__).with_name("timing.toml")
_NOTATION: Final = re.compile(r"(?P<cycles>\d+)(?P<each>\+N)?(?: or (?P<other>\d+))?|-")


@dataclass(frozen=True)
class Cost:
    """One cell of a timing table.

    Attributes:
        cycles: what it takes; None where the table gives no number.
        per_register: what each register of the list adds.
        other: the number after "or": branch taken, slow multiplier, or single-cycle I/O port.
    """

    cycles: int | None
    per_register: int = 0
    other: int | None = None

    @classmethod
    def parse(cls, text: str) -> Cost:
        """Read the notation of the manuals: ``2``, ``1 or 3``, ``4+N``, ``-``.

        Raises:
            ValueError: it is something else.
        """
        found = _NOTATION.fullmatch(text)
        if found is None:
            raise ValueError(f"'{text}' is no cycle count as Arm's tables have it")
        if found["cycles"] is None:
            return cls(None)
        return cls(int(found["cycles"]), 1 if found["each"] else 0, int(found["other"]) if found["other"] else None)


@dataclass(frozen=True)
class ExceptionTiming:
    """Cycles of taking an exception and of coming back; None where no document says."""

    entry: int | None
    leave: int | None
    chain: int | None


@dataclass(frozen=True)
class MemoryTiming:
    """How long one memory of a board takes.

    Attributes:
        origin: its first address.
        bytes: its size.
        fetch_wait_states: cycles that each word of code adds.
        data_wait_states: cycles that each load or store adds.
        single_cycle_port: whether it is what a Cortex-M0+ reaches through its single-cycle I/O port.
    """

    origin: int
    bytes: int
    fetch_wait_states: int = 0
    data_wait_states: int = 0
    single_cycle_port: bool = False


@dataclass(frozen=True)
class TimingModel:
    """Everything that decides how many cycles a program takes.

    Attributes:
        core: one of `CORES`.
        multiply_cycles: one of `MULTIPLIERS`.
        memories: those that are not without wait states; nothing else needs to be listed.

    Raises:
        InputError: a core or multiplier there is no table for, or a port on a core that has none.
    """

    core: str
    multiply_cycles: int = 1
    memories: tuple[MemoryTiming, ...] = ()

    def __post_init__(self) -> None:
        if self.core not in CORES:
            raise InputError(f"there is no timing table for core '{self.core}'", hint=f"one of {', '.join(CORES)}")
        if self.multiply_cycles not in MULTIPLIERS:
            raise InputError(f"no {self.core} multiplies in {self.multiply_cycles} cycles", hint="1 or 32")
        if self.core == "cortex-m0" and any(memory.single_cycle_port for memory in self.memories):
            raise InputError("a cortex-m0 has no single-cycle I/O port", hint="that is a cortex-m0plus")

    @property
    def exact(self) -> bool:
        """Whether the manuals decide every count: no memory has wait states on instruction fetches."""
        return not any(memory.fetch_wait_states for memory in self.memories)

    @property
    def core_index(self) -> int:
        """Which row of the generated C table is this core's."""
        return CORES.index(self.core)


def costs(core: str) -> dict[str, Cost]:
    """The instruction classes and their costs on a core, in the order of the C enumeration."""
    column = _COLUMNS[core]
    return {name: Cost.parse(row[column]) for name, row in _rows().items()}


def covered() -> dict[str, tuple[str, ...]]:
    """For each instruction class the assembler forms of the manuals' tables that it stands for."""
    return {name: tuple(row["covers"]) for name, row in _rows().items()}


def exceptions(core: str) -> ExceptionTiming:
    """What exceptions cost on a core."""
    column = _COLUMNS[core]
    entry, leave, chain = (
        Cost.parse(_document()["exception"][event][column]).cycles for event in ("entry", "leave", "chain")
    )
    return ExceptionTiming(entry, leave, chain)


def c_header() -> str:
    """The header ``timing_table.h`` that ``cost.c`` is compiled with. A class without a number costs zero there."""
    classes = ",\n    ".join(f"COST_{name.upper()}" for name in _rows())
    tables = ",\n".join(
        "    {\n"
        + "\n".join(
            f"        [COST_{name.upper()}] = {{{cost.cycles or 0}, {cost.per_register}, {cost.other or 0}}},"
            for name, cost in costs(core).items()
        )
        + "\n    }"
        for core in CORES
    )
    cores = ",\n    ".join(f"COST_{core.upper().replace('-', '_')}" for core in CORES)
    return f"""/* Generated from timing.toml by hil.cycles.timing. */
#ifndef TIMING_TABLE_H
#define TIMING_TABLE_H

enum cost_core {{
    {cores},
    COST_CORES
}};

enum cost_class {{
    {classes},
    COST_CLASSES
}};

static const struct cost_row cost_rows[COST_CORES][COST_CLASSES] = {{
{tables},
}};

#endif
"""


def _document() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


def _rows() -> dict[str, Any]:
    return {name: row for name, row in _document().items() if name != "exception"}
