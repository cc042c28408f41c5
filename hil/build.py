"""Build a board's firmware with CMake and Ninja, cached by the content of everything that goes into it."""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cmake
import ninja
from filelock import FileLock, Timeout

from hil.build_plan import ARM, BuildPlan, plan_build
from hil.build_stack import deepest_stack
from hil.build_tool import ask, run_tool
from hil.errors import BuildError
from hil.resources import cache_dir, tool_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hil.board import Board

_TIMEOUT_S = 600.0
_LOCK_TIMEOUT_S = 900
_KEPT = 20  # builds of one board
_RECORD = "artefact.json"
_COMPILE_ERROR = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?: (?:fatal )?error: (?P<text>.*)$", re.MULTILINE
)
_OVERFLOW = re.compile(r"region [`'](?P<region>\w+)' overflowed by (?P<bytes>\d+) bytes")
_FLASH_HINT = "the program ends where image_slot of the board's file begins: leave it more room there"
_ASSERT = re.compile(r"(?:ld|ld\.bfd): (?P<text>too little RAM .*)$", re.MULTILINE)
_CODE_FLAGS = ("-O", "-f", "-m", "-std=", "-D")
_OTHER_FLAGS = ("-ffile-prefix-map=", "-fcallgraph-info")  # which leave the code as it is
_LTC_SECTION = re.compile(r"^ \.(?:text|rodata|data)\S*\s+0x[0-9a-f]+\s+0x([0-9a-f]+)\s+\S*libltc\.a\(", re.MULTILINE)


@dataclass(frozen=True)
class Artefact:
    """A built firmware: its files and what is known of it. Sizes in bytes.

    Attributes:
        board_name: the board it was built for.
        elf: with debug information; for the host board the program to run.
        hex: Intel HEX, None for the host board.
        bin: raw image from the flash origin, None for the host board.
        map: the linker's map.
        build_id: 16 hexadecimal digits over sources, flags, board facts and compiler; IDENTIFY reports the same.
        compiler: name and version.
        flags: what the runtime was compiled with, without paths and warnings.
        flash_bytes: program and constants, initial values included.
        flash_limit: flash there is for them.
        ram_bytes: data and the stack set aside, without the arena.
        ram_limit: RAM there is.
        stack_bytes: the deepest stack that the program can need, 0 for the host board, where it is not known.
        stack_limit: stack set aside.
        ltc_text_bytes: code and tables that firmware/ltc contributes.
        cached: whether it was there already.
    """

    board_name: str
    elf: Path
    hex: Path | None
    bin: Path | None
    map: Path
    build_id: str
    compiler: str
    flags: str
    flash_bytes: int
    flash_limit: int
    ram_bytes: int
    ram_limit: int
    stack_bytes: int
    stack_limit: int
    ltc_text_bytes: int
    cached: bool

    def size_report(self) -> str:
        """What was built by what, and the flash and RAM that it takes of a board."""
        if self.hex is None:
            return f"firmware {self.build_id} for {self.board_name}, {self.compiler}, under sanitizers"
        return (
            f"firmware {self.build_id} for {self.board_name}, {self.compiler}\n"
            f"  flash {self.flash_bytes} of {self.flash_limit} bytes, of which the LTC runtime {self.ltc_text_bytes}; "
            f"{self.flash_limit - self.flash_bytes} left\n"
            f"  RAM   {self.ram_bytes} of {self.ram_limit} bytes: data {self.ram_bytes - self.stack_limit}, "
            f"stack {self.stack_limit}, of which {self.stack_bytes} needed at the deepest; "
            f"{self.ram_limit - self.ram_bytes} left for networks"
        )


def build(
    board: Board,
    *,
    link: str = "uart",
    defines: Mapping[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
    firmware_root: Path | None = None,
) -> Artefact:
    """The firmware for a board, built unless it is in the cache.

    Args:
        board: whose facts go into the build.
        link: which of the board's links it talks over.
        defines: extra preprocessor definitions.
        progress: called with each line that CMake and Ninja print.
        firmware_root: another folder of sources, laid out as firmware/.

    Raises:
        BuildError: a tool is missing, the sources do not compile, or the program does not fit.
    """
    plan = plan_build(board, link=link, defines=defines, firmware_root=firmware_root)
    store, place = _places(plan)
    artefact = _load(place)
    if artefact is not None:
        return artefact
    with _locked(store, board):
        return _load(place) or _build(plan, store, place, progress)


def build_on(plan: BuildPlan, work: Path, progress: Callable[[str], None] | None = None) -> Artefact:
    """Build on from the objects of an earlier build; `build` finds in the cache what this gives.

    Args:
        plan: what to build.
        work: folder of the objects, kept for the next build of the same sources, board and link; need not be there yet.
            On the cache's file system.
        progress: as of `build`.

    Raises:
        BuildError: as `build`.
    """
    store, place = _places(plan)
    with _locked(store, plan.board):
        return _make(plan, work, place, progress)


def _places(plan: BuildPlan) -> tuple[Path, Path]:
    """The cache, and a build's place there."""
    store = cache_dir() / "build"
    return store, store / f"{plan.board.name}-{plan.key}"


@contextmanager
def _locked(store: Path, board: Board) -> Iterator[None]:
    """The cache, for builds of a board."""
    try:
        store.mkdir(parents=True, exist_ok=True)
        with FileLock(store / f"{board.name}.lock", timeout=_LOCK_TIMEOUT_S):
            yield
    except Timeout as error:
        raise BuildError(
            f"another build of board '{board.name}' does not end", hint=f"look who holds {error.lock_file}"
        ) from error
    except OSError as error:
        raise BuildError(
            f"the build cache {store} cannot be used", cause=str(error), hint="set HIL_CACHE_DIR to another folder"
        ) from error


def _build(plan: BuildPlan, store: Path, place: Path, progress: Callable[[str], None] | None) -> Artefact:
    """Build anew into ``place``, under the board's lock."""
    # One name: what a killed build left behind is swept by the next.
    work = store / f".{plan.board.name}-work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        artefact = _make(plan, work, place, progress)
        _prune(store, plan.board, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return artefact


def _make(plan: BuildPlan, work: Path, place: Path, progress: Callable[[str], None] | None) -> Artefact:
    """Build in ``work`` into ``place``."""
    _compile(plan, work, progress)
    _store(work, place, _record(work, plan))
    artefact = _load(place)
    if artefact is None:
        raise BuildError(f"the build of board '{plan.board.name}' vanished from {place}", hint="run the build again")
    return replace(artefact, cached=False)


def _compile(plan: BuildPlan, work: Path, progress: Callable[[str], None] | None) -> None:
    program = str(Path(cmake.CMAKE_BIN_DIR) / "cmake")
    compiler = (
        {"CMAKE_C_COMPILER": "gcc"}
        if plan.native
        else {"CMAKE_TOOLCHAIN_FILE": str(plan.root / "cmake" / "arm-none-eabi.cmake")}
    )
    variables = {
        "CMAKE_MAKE_PROGRAM": str(Path(ninja.BIN_DIR) / "ninja"),
        **compiler,
        **plan.facts,
        "HIL_BUILD_ID": plan.key,
    }
    definitions = [f"-D{name}={value}" for name, value in variables.items()]
    _run([program, "-S", str(plan.root), "-B", str(work), "-G", "Ninja", *definitions], plan, progress)
    _run([program, "--build", str(work)], plan, progress)


def _run(command: list[str], plan: BuildPlan, progress: Callable[[str], None] | None) -> None:
    """Run a tool, passing its lines on."""
    code, output = run_tool(command, timeout_s=_TIMEOUT_S, environment=tool_environment(), progress=progress)
    if code != 0:
        raise _failure(output, plan)


def _failure(output: str, plan: BuildPlan) -> BuildError:
    """The sentence for a failed build: its first error."""
    root, board = plan.root, plan.board
    error = _COMPILE_ERROR.search(output)
    if error is not None:
        path = Path(error["file"])
        place = Path(root.name) / path.relative_to(root) if path.is_relative_to(root) else path
        return BuildError(
            f"{place}:{error['line']}: the firmware for board '{board.name}' does not compile: {error['text']}"
        )
    overflow = _OVERFLOW.search(output)
    if overflow is not None:
        return BuildError(
            f"the firmware does not fit board '{board.name}': "
            f"{overflow['region']} is too small by {overflow['bytes']} bytes",
            hint=_FLASH_HINT if overflow["region"] == "FLASH" else None,
        )
    starved = _ASSERT.search(output)
    if starved is not None:
        return BuildError(f"the firmware does not fit board '{board.name}': {starved['text']}")
    tail = [line.strip() for line in output.splitlines() if line.strip()][-6:]
    return BuildError(f"the firmware for board '{board.name}' cannot be built", cause=" | ".join(tail))


def _record(work: Path, plan: BuildPlan) -> dict[str, object]:
    """What is known of the finished build in ``work``."""
    board = plan.board
    toolchain = plan.toolchain
    size = f"{toolchain.tools}size"
    listing = ask(size, size, toolchain.tools_package, "-A", str(work / "agent.elf"))
    sections = {name: int(size) for name, size in re.findall(r"^(\.\S+)\s+(\d+)\s+\d+$", listing, re.MULTILINE)}
    if ".text" not in sections:
        raise BuildError(f"{size} tells no size of the firmware's code", cause=listing.strip() or None)
    try:
        linked = (work / "agent.map").read_text(errors="replace").partition("Linker script and memory map")[2]
    except OSError as error:
        raise BuildError(f"the build of board '{board.name}' wrote no map", cause=str(error)) from error
    flash = board.memory.flash
    return {
        "board_name": board.name,
        "build_id": plan.key,
        "compiler": plan.compiler,
        "flags": _flags(work, plan),
        "flash_bytes": sum(sections.get(name, 0) for name in (".boot", ".text", ".rodata", ".data")),
        "flash_limit": flash.bytes if plan.native else board.image_slot.origin - flash.origin,
        "ram_bytes": sum(sections.get(name, 0) for name in (".stack", ".data", ".bss")),
        "ram_limit": board.memory.ram.bytes,
        "stack_bytes": 0 if plan.native else _stack(work, board, sections[".stack"]),
        "stack_limit": sections.get(".stack", 0),
        "ltc_text_bytes": sum(int(size, 16) for size in _LTC_SECTION.findall(linked)),
    }


def _stack(work: Path, board: Board, limit: int) -> int:
    """The deepest stack, which must fit into what is set aside."""
    stack = deepest_stack(work, work / "agent.elf", f"{ARM.tools}objdump", ARM.tools_package)
    if stack.bytes > limit:
        raise BuildError(
            f"the firmware does not fit board '{board.name}': its stack needs {stack.bytes} bytes, and {limit} are set "
            "aside",
            cause=f"the deepest calls: {' > '.join(stack.calls)}, with every interrupt on top",
            hint="raise HIL_STACK_BYTES in firmware/CMakeLists.txt, or make what they keep on the stack smaller",
        )
    return stack.bytes


def _flags(work: Path, plan: BuildPlan) -> str:
    """What decides the code of the runtime beside its sources: the options that CMake gave the compiler for it."""
    try:
        # A folder's name may be any bytes.
        text = (work / "compile_commands.json").read_text(encoding="utf-8", errors="surrogateescape")
        commands = json.loads(text)
        words = next(each["command"] for each in commands if each["file"].endswith("/ltc/ltc.c")).split()
    except (OSError, ValueError, KeyError, StopIteration) as error:
        raise BuildError(
            f"the build of board '{plan.board.name}' does not say how it compiles ltc/ltc.c", cause=str(error)
        ) from error
    return " ".join(word for word in words[1:] if word.startswith(_CODE_FLAGS) and not word.startswith(_OTHER_FLAGS))


def _store(work: Path, place: Path, record: Mapping[str, object]) -> None:
    """Move the finished files to their place; the rename makes them appear all at once."""
    stage = work / "stage"
    stage.mkdir()
    for name in ("agent.elf", "agent.hex", "agent.bin", "agent.map"):
        if (work / name).exists():
            shutil.move(work / name, stage / name)
    (stage / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    shutil.rmtree(place, ignore_errors=True)
    stage.rename(place)


def _prune(store: Path, board: Board, work: Path) -> None:
    """Remove all but the builds of a board that were used last; under the board's lock."""
    name = re.compile(rf"{re.escape(board.name)}-[0-9a-f]{{16}}")
    builds = [path for path in store.iterdir() if name.fullmatch(path.name)]
    for number, place in enumerate(sorted(builds, key=lambda path: path.stat().st_mtime, reverse=True)[_KEPT:]):
        place.rename(work / f"pruned-{number}")  # away all at once; `work` itself is removed next


def _load(place: Path) -> Artefact | None:
    """The artefact in a place of the cache, or None where there is none that is whole."""
    try:
        record = json.loads((place / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    with suppress(OSError):  # a cache may be read-only
        os.utime(place)  # so that `_prune` knows what is used
    files = {name: place / f"agent.{name}" for name in ("elf", "hex", "bin", "map")}
    if not (files["elf"].is_file() and files["map"].is_file()):
        return None
    return Artefact(
        **record,
        elf=files["elf"],
        map=files["map"],
        hex=files["hex"] if files["hex"].is_file() else None,
        bin=files["bin"] if files["bin"].is_file() else None,
        cached=True,
    )
