"""The deepest stack that a firmware can need: GCC's own frames and calls, put together over the whole program."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hil.build_tool import ask
from hil.cycles.symbols import read_code_map
from hil.errors import BuildError, InputError

if TYPE_CHECKING:
    from hil.cycles.symbols import CodeMap

EXCEPTION_BYTES = 36
"""What the core pushes on entry to an exception: eight words, and one where the stack was not aligned to eight."""

_RESET = 1
_NODE = re.compile(r'^node: \{ title: "(?P<title>[^"]+)" label: "[^"]*\\n(?P<bytes>\d+) bytes \((?P<kind>[^)]+)\)')
_EDGE = re.compile(r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "(.+):(\d+):\d+")?')
_POINTER = "__indirect_call"
_CALLS = re.compile(r"/\* calls: (\w+(?:, \w+)*) \*/")
_BOUNDED = {"static", "dynamic,bounded"}
_INSTRUCTION = re.compile(r"^ +[0-9a-f]+:\t(?P<word>[a-z.]+)\s*(?P<rest>.*)$", re.MULTILINE)
_BRANCH = re.compile(r"[0-9a-f]+ <(?P<name>[^>+]+)(?:\+0x[0-9a-f]+)?>$")
_SWITCH = "__gnu_thumb1_case"  # libgcc's jumps by a table: GCC calls them without saying so


@dataclass(frozen=True)
class Stack:
    """The deepest stack in bytes, and the calls that lead there, outermost first."""

    bytes: int
    calls: tuple[str, ...]


@dataclass
class _Function:
    frame: int
    callees: list[str] = field(default_factory=list)


def deepest_stack(objects: Path, elf: Path, objdump: str, package: str) -> Stack:
    """Add up a linked program's frames along its deepest path, interrupted by every handler at its deepest.

    Each handler counts once, as if it could interrupt all others: a bound whatever their priorities are. A fault adds
    what the core pushes then. A function that GCC did not compile here (libgcc's) is read from its instructions.

    Args:
        objects: folder with the .ci files of -fcallgraph-info=su, at any depth.
        elf: the program.
        objdump: the disassembler's name.
        package: Debian's package that brings it.

    Raises:
        BuildError: the stack has no bound that can be told: a recursion, a frame whose size is computed, a call through
            a pointer that does not say whom it calls, handlers that cannot be found.
    """
    try:
        code = read_code_map(elf)
    except InputError as error:
        raise BuildError(f"the stack of {elf.name} cannot be told", cause=error.message) from error
    if not code.handlers:
        raise BuildError(f"the stack of {elf.name} cannot be told: its code does not begin with a vector table")
    functions = _compiled(objects, code)
    for name in code.aliases:
        if name not in functions:
            functions[name] = _library(name, code, elf, objdump, package)
    called = {callee for function in functions.values() for callee in function.callees}
    entries = {code.names[code.entries.index(each.address)].partition("@")[0]: each for each in code.handlers}
    handlers = [name for name, handler in entries.items() if handler.exception != _RESET]
    switches = [name for name in functions if name.startswith(_SWITCH)]
    # Whom nobody calls: the reset vector, and what assembly branches to behind GCC's back.
    threads = (functions.keys() - called - set(switches) | entries.keys()) - set(handlers)
    deepest = max((_deepest(name, functions, ()) for name in threads), key=lambda stack: stack.bytes)
    switch = max((functions[name].frame for name in switches), default=0)
    interrupts = sum(EXCEPTION_BYTES + switch + _deepest(name, functions, ()).bytes for name in handlers)
    return Stack(deepest.bytes + switch + interrupts, deepest.calls)


def _compiled(objects: Path, code: CodeMap) -> dict[str, _Function]:
    """The linked functions that GCC compiled here, with whom they call."""
    functions: dict[str, _Function] = {}
    lines = [line for path in sorted(objects.rglob("*.ci")) for line in path.read_text(errors="replace").splitlines()]
    for node in filter(None, map(_NODE.match, lines)):
        name = _plain(node["title"])
        if name not in code.aliases:
            continue
        if node["kind"] not in _BOUNDED:
            raise BuildError(
                f"the stack of the firmware has no bound: the frame of {name} has a size that is computed",
                hint="use an array of a fixed size",
            )
        # Static functions of one name in two files count as one, the larger, that calls whom either calls.
        function = functions.setdefault(name, _Function(0))
        function.frame = max(function.frame, int(node["bytes"]))
    for edge in filter(None, map(_EDGE.match, lines)):
        source, target, file, line = edge.groups()
        if _plain(source) in functions:
            callees = _pointed(Path(file), int(line)) if target == _POINTER else [_plain(target)]
            functions[_plain(source)].callees += callees
    return functions


def _plain(title: str) -> str:
    """A function's name: GCC puts the file before that of a static one."""
    return title.rpartition(":")[2]


def _pointed(file: Path, line: int) -> list[str]:
    """Whom a call through a pointer may call, as the comment behind it says."""
    try:
        said = _CALLS.search(file.read_text(encoding="utf-8", errors="replace").splitlines()[line - 1])
    except (OSError, IndexError):
        said = None
    if said is None:
        raise BuildError(
            f"{'/'.join(file.parts[-2:])}:{line}: the stack of the firmware has no bound: this call through a pointer "
            "does not say whom it calls",
            hint="write /* calls: NAME, NAME */ behind it, on the same line",
        )
    return said[1].split(", ")


def _library(name: str, code: CodeMap, elf: Path, objdump: str, package: str) -> _Function:
    """A function read from its instructions: all that it ever pushes, as if it never popped."""
    index = code.aliases[name][0]
    start = code.entries[index]
    end = max((each.end for each in code.ranges if each.function == index), default=start)
    where = (f"--start-address={start}", f"--stop-address={end}")
    function = _Function(0)
    for each in _INSTRUCTION.finditer(ask(objdump, objdump, package, "-d", "--no-show-raw-insn", *where, str(elf))):
        word, rest = each["word"], each["rest"]
        branch = _BRANCH.search(rest)
        if word == "push":
            function.frame += 4 * len(rest.split(","))
        elif word == "sub" and rest.startswith("sp, #"):
            function.frame += int(rest.split("#")[1].split()[0])
        elif word.startswith("b") and branch is not None:
            if index not in code.aliases.get(branch["name"], ()):
                function.callees.append(branch["name"])
        elif word == "blx" or (word in {"mov", "add"} and rest.startswith("sp, ") and "#" not in rest):
            raise BuildError(
                f"the stack of the firmware has no bound: {name}, which was not compiled with it, has '{word} {rest}'"
            )
    return function


def _deepest(name: str, functions: dict[str, _Function], callers: tuple[str, ...]) -> Stack:
    if name in callers:
        circle = " calls ".join((*callers[callers.index(name) :], name))
        raise BuildError(f"the stack of the firmware has no bound: {circle}")
    if name not in functions:
        raise BuildError(f"the stack of the firmware cannot be told: {callers[-1]} calls {name}, which is not linked")
    function = functions[name]
    below = [_deepest(callee, functions, (*callers, name)) for callee in dict.fromkeys(function.callees)]
    deepest = max(below, key=lambda stack: stack.bytes, default=Stack(0, ()))
    return Stack(function.frame + deepest.bytes, (name, *deepest.calls))
