"""Build a board's firmware with CMake and Ninja, cached by the content of everything that goes into it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import cmake
import ninja
from filelock import FileLock, Timeout

from hil.build_stack import deepest_stack
from hil.build_tool import ask, run_tool
from hil.errors import BuildError
from hil.resources import cache_dir, firmware_dir, tool_environment
from hil.sources import firmware_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hil.board import Board

_FORMAT = "3"  # of the cache; raise it when an artefact gets other contents
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
    plan = _plan(board, link, defines or {}, (firmware_root or firmware_dir()).resolve())
    store = cache_dir() / "build"
    place = store / f"{board.name}-{plan.key}"
    artefact = _load(place)
    if artefact is not None:
        return artefact
    try:
        store.mkdir(parents=True, exist_ok=True)
        with FileLock(store / f"{board.name}.lock", timeout=_LOCK_TIMEOUT_S):
            return _load(place) or _build(plan, store, place, progress)
    except Timeout as error:
        raise BuildError(
            f"another build of board '{board.name}' does not end", hint=f"look who holds {error.lock_file}"
        ) from error
    except OSError as error:
        raise BuildError(
            f"the build cache {store} cannot be used", cause=str(error), hint="set HIL_CACHE_DIR to another folder"
        ) from error


@dataclass(frozen=True)
class _Toolchain:
    compiler: str
    package: str  # Debian's, for the hint
    tools: str  # what the names of size and objdump begin with
    tools_package: str


_ARM = _Toolchain("arm-none-eabi-gcc", "gcc-arm-none-eabi", "arm-none-eabi-", "binutils-arm-none-eabi")
_NATIVE = _Toolchain("gcc", "gcc", "", "binutils")


@dataclass(frozen=True)
class _Plan:
    """Everything that decides what a build gives."""

    root: Path
    board: Board
    native: bool
    compiler: str
    facts: Mapping[str, str]
    key: str


def _plan(board: Board, link: str, defines: Mapping[str, str], root: Path) -> _Plan:
    native = board.core == "host"
    compiler = _compiler(_NATIVE if native else _ARM)
    facts = _facts(board, defines) | _link_facts(board, link)
    return _Plan(root, board, native, compiler, facts, _key(root, board, facts, compiler))


def _compiler(toolchain: _Toolchain) -> str:
    """Name and version of the C compiler."""
    name = toolchain.compiler
    answer = ask(f"the C compiler {name}", name, toolchain.package, "--version")
    version = re.search(r"\d+\.\d+\S*", answer.partition("\n")[0].split(")")[-1])
    return f"{name} {version.group() if version else 'of unknown version'}"


def _facts(board: Board, defines: Mapping[str, str]) -> dict[str, str]:
    """CMake variables that say what the board is (firmware/CMakeLists.txt)."""
    uart = board.links.uart
    memory = board.memory
    return {
        "HIL_BOARD": board.name,
        "HIL_PORT": board.port,
        "HIL_CPU": board.core,
        "HIL_CLOCK_HZ": str(board.clock_hz),
        "HIL_FETCH_WAIT_STATES": str(memory.flash.fetch_waits(board.clock_hz)),
        "HIL_FLASH_ORIGIN": f"0x{memory.flash.origin:08x}",
        "HIL_SLOT_ORIGIN": f"0x{board.image_slot.origin:08x}",
        "HIL_SLOT_BYTES": f"0x{board.image_slot.bytes:08x}",
        "HIL_RAM_ORIGIN": f"0x{memory.ram.origin:08x}",
        "HIL_RAM_BYTES": f"0x{memory.ram.bytes:08x}",
        "HIL_EEPROM_ORIGIN": f"0x{memory.eeprom.origin if memory.eeprom else 0:08x}",
        "HIL_EEPROM_BYTES": f"0x{memory.eeprom.bytes if memory.eeprom else 0:08x}",
        "HIL_MARKER": board.marker,
        "HIL_KERNEL_MEMORY": board.kernel_memory,
        "HIL_UART_BAUD": str(uart.baud if uart else 0),
        "HIL_UART_TX": uart.tx if uart else "",
        "HIL_UART_RX": uart.rx if uart else "",
        "HIL_DEFINES": ";".join(f"{name}={value}" for name, value in sorted(defines.items())),
    }


def _link_facts(board: Board, link: str) -> dict[str, str]:
    """CMake variables of the link that is built in."""
    spi = board.links.spi
    if link == "uart":
        return {"HIL_LINK": "uart"}
    if link != "spi" or spi is None:
        raise BuildError(f"the firmware of board '{board.name}' cannot have a link over '{link}'")
    return {
        "HIL_LINK": "spi",
        "HIL_SPI_MODE": str(spi.mode),
        "HIL_SPI_NSS": spi.nss,
        "HIL_SPI_SCK": spi.sck,
        "HIL_SPI_MISO": spi.miso,
        "HIL_SPI_MOSI": spi.mosi,
        "HIL_SPI_DATA_READY": spi.data_ready,
    }


def _key(root: Path, board: Board, facts: Mapping[str, str], compiler: str) -> str:
    digest = hashlib.sha256(json.dumps([_FORMAT, compiler, sorted(facts.items())]).encode())
    try:
        for path in firmware_sources(root, board.port):
            content = path.read_bytes()
            digest.update(f"\0{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    except OSError as error:
        raise BuildError(f"the firmware's sources in {root} cannot be read", cause=str(error)) from error
    return digest.hexdigest()[:16]


def _build(plan: _Plan, store: Path, place: Path, progress: Callable[[str], None] | None) -> Artefact:
    """Build into ``place``, under the board's lock."""
    # One name: what a killed build left behind is swept by the next.
    work = store / f".{plan.board.name}-work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        _compile(plan, work, progress)
        _store(work, place, _record(work, plan))
        _prune(store, plan.board, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    artefact = _load(place)
    if artefact is None:
        raise BuildError(f"the build of board '{plan.board.name}' vanished from {place}", hint="run the build again")
    return replace(artefact, cached=False)


def _compile(plan: _Plan, work: Path, progress: Callable[[str], None] | None) -> None:
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


def _run(command: list[str], plan: _Plan, progress: Callable[[str], None] | None) -> None:
    """Run a tool, passing its lines on."""
    code, output = run_tool(command, timeout_s=_TIMEOUT_S, environment=tool_environment(), progress=progress)
    if code != 0:
        raise _failure(output, plan)


def _failure(output: str, plan: _Plan) -> BuildError:
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


def _record(work: Path, plan: _Plan) -> dict[str, object]:
    """What is known of the finished build in ``work``."""
    board = plan.board
    toolchain = _NATIVE if plan.native else _ARM
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
        "flash_bytes": sum(sections.get(name, 0) for name in (".text", ".rodata", ".data")),
        "flash_limit": flash.bytes if plan.native else board.image_slot.origin - flash.origin,
        "ram_bytes": sum(sections.get(name, 0) for name in (".stack", ".data", ".bss")),
        "ram_limit": board.memory.ram.bytes,
        "stack_bytes": 0 if plan.native else _stack(work, board, sections[".stack"]),
        "stack_limit": sections.get(".stack", 0),
        "ltc_text_bytes": sum(int(size, 16) for size in _LTC_SECTION.findall(linked)),
    }


def _stack(work: Path, board: Board, limit: int) -> int:
    """The deepest stack, which must fit into what is set aside."""
    stack = deepest_stack(work, work / "agent.elf", f"{_ARM.tools}objdump", _ARM.tools_package)
    if stack.bytes > limit:
        raise BuildError(
            f"the firmware does not fit board '{board.name}': its stack needs {stack.bytes} bytes, and {limit} are set "
            "aside",
            cause=f"the deepest calls: {' > '.join(stack.calls)}, with every interrupt on top",
            hint="raise HIL_STACK_BYTES in firmware/CMakeLists.txt, or make what they keep on the stack smaller",
        )
    return stack.bytes


def _flags(work: Path, plan: _Plan) -> str:
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
