"""Which address of a program belongs to which function, and where its exception vectors lead: read from an ELF file."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from hil.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

NOWHERE: Final = "(no symbol)"
"""What code outside of every function is called; always function 0."""

_VECTORS: Final = 48  # 16 of the core and at most 32 interrupts, where no symbol says how long the table is
_THUMB: Final = 1


@dataclass(frozen=True)
class CodeRange:
    """Addresses from ``start`` up to ``end`` that belong to a function, by its index."""

    start: int
    end: int
    function: int


@dataclass(frozen=True)
class Handler:
    """An address that an exception vector holds, and the exception's number."""

    address: int
    exception: int


@dataclass(frozen=True)
class CodeMap:
    """The functions of a program.

    Attributes:
        names: of each function; `NOWHERE` first.
        entries: first address of each function, as in ``names``.
        ranges: sorted, without overlap.
        handlers: where the vectors lead; for an address with several, the lowest exception number.
        aliases: further names, with the function's index.
    """

    names: tuple[str, ...]
    entries: tuple[int, ...]
    ranges: tuple[CodeRange, ...]
    handlers: tuple[Handler, ...]
    aliases: dict[str, tuple[int, ...]]

    def indices(self, name: str) -> tuple[int, ...]:
        """The functions of that name; several where files have static ones of the same name.

        Raises:
            InputError: there is none.
        """
        found = self.aliases.get(name, ())
        if not found:
            raise InputError(f"the program has no function '{name}'", hint="it may have been inlined or not linked")
        return found


@dataclass(frozen=True)
class _Symbol:
    name: str
    start: int
    size: int
    is_global: bool


def read_code_map(path: Path, vectors: int | None = None) -> CodeMap:
    """Read the functions and vectors of a linked program for a Cortex-M.

    Args:
        path: the ELF file.
        vectors: address of the vector table; by default where the program's code begins.

    Raises:
        InputError: it is no such file, or has no symbols.
    """
    try:
        with path.open("rb") as stream:
            elf = ELFFile(stream)
            if elf.get_machine_arch() != "ARM":
                raise InputError(f"{path.name} is a program for {elf.get_machine_arch()}, not for Arm")
            symbols = list(_symbols(elf))
            sections = _code_sections(elf)
            if not sections:
                raise InputError(f"{path.name} has no code")
            base = min(sections)[0] if vectors is None else vectors
            table = _vector_table(elf, base, symbols)
    except OSError as error:
        raise InputError(f"{path} cannot be read", cause=error.strerror) from error
    except ELFError as error:
        raise InputError(f"{path.name} is no ELF file", cause=str(error)) from error
    functions = [symbol for symbol, kind in symbols if kind == "STT_FUNC"]
    if not functions:
        raise InputError(f"{path.name} has no function symbols", hint="was it stripped?")
    return _code_map(functions, sections, table)


def _symbols(elf: ELFFile) -> Iterator[tuple[_Symbol, str]]:
    for section in elf.iter_sections():
        if isinstance(section, SymbolTableSection):
            for symbol in section.iter_symbols():
                kind = symbol["st_info"]["type"]
                if symbol.name and symbol["st_shndx"] != "SHN_UNDEF" and kind in {"STT_FUNC", "STT_OBJECT"}:
                    is_global = symbol["st_info"]["bind"] != "STB_LOCAL"
                    start = symbol["st_value"] & ~_THUMB if kind == "STT_FUNC" else symbol["st_value"]
                    yield _Symbol(symbol.name, start, symbol["st_size"], is_global), kind


def _code_sections(elf: ELFFile) -> list[tuple[int, int]]:
    """Where code may lie: first address and the one past the last."""
    wanted = SH_FLAGS.SHF_ALLOC | SH_FLAGS.SHF_EXECINSTR
    return [
        (section["sh_addr"], section["sh_addr"] + section["sh_size"])
        for section in elf.iter_sections()
        if section["sh_flags"] & wanted == wanted and section["sh_size"]
    ]


def _vector_table(elf: ELFFile, base: int, symbols: Iterable[tuple[_Symbol, str]]) -> list[int]:
    """The words of the vector table."""
    sizes = [symbol.size for symbol, kind in symbols if kind == "STT_OBJECT" and symbol.start == base]
    wanted = max(sizes, default=0) or _VECTORS * 4
    for section in elf.iter_sections():
        start = section["sh_addr"]
        if section["sh_type"] == "SHT_PROGBITS" and start <= base < start + section["sh_size"]:
            data = section.data()[base - start :][: wanted & ~3]
            return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data) & ~3, 4)]
    return []


def _code_map(functions: Iterable[_Symbol], sections: list[tuple[int, int]], table: list[int]) -> CodeMap:
    named: dict[int, list[_Symbol]] = {}
    for symbol in functions:
        named.setdefault(symbol.start, []).append(symbol)
    starts = sorted(named)
    names = [NOWHERE]
    aliases: dict[str, list[int]] = {}
    extents = []
    for index, start in enumerate(starts, 1):
        symbols = named[start]
        best = min(symbols, key=lambda symbol: (not symbol.is_global, symbol.name))
        names.append(best.name)
        for symbol in symbols:
            aliases.setdefault(symbol.name, []).append(index)
        size = max(symbol.size for symbol in symbols)
        # Assembly without a size: up to what comes next.
        following = starts[index : index + 1] + [end for first, end in sections if first <= start < end]
        extents.append((start, start + size if size else min(following, default=start), index))
    repeated = {name for name in names if names.count(name) > 1}
    shown = [f"{name}@{start:#x}" if name in repeated else name for name, start in zip(names[1:], starts, strict=True)]
    known = set(starts)
    handlers: dict[int, int] = {}
    for number, word in enumerate(table):
        if number and word & _THUMB and word & ~_THUMB in known:
            handlers.setdefault(word & ~_THUMB, number)
    return CodeMap(
        (NOWHERE, *shown),
        (0, *starts),
        tuple(_ranges(extents)),
        tuple(Handler(address, number) for address, number in handlers.items()),
        {name: tuple(indices) for name, indices in aliases.items()},
    )


def _ranges(extents: list[tuple[int, int, int]]) -> Iterator[CodeRange]:
    """Without overlap: where functions lie in one another, the innermost owns the code."""
    edges = sorted({edge for start, end, _ in extents for edge in (start, end)})
    open_ones: list[tuple[int, int, int]] = []
    coming = iter([*extents, None])
    next_one = next(coming)
    for start, end in itertools.pairwise(edges):
        open_ones = [extent for extent in open_ones if extent[1] > start]
        while next_one is not None and next_one[0] == start:
            if next_one[1] > start:
                open_ones.append(next_one)
            next_one = next(coming)
        if open_ones:
            yield CodeRange(start, end, open_ones[-1][2])
