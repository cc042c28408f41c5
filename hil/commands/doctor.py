"""``hil doctor``: what this computer has of what hil needs, and what to type where something is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

from serial.tools import list_ports  # type: ignore[import-untyped]

from hil.backends import EMULATED
from hil.board import DEFAULT_BOARD, board_names, load_board
from hil.commands.finding import Finding
from hil.cycles.compiler import host_compiler
from hil.emulator.backend import emulator_version
from hil.errors import HilError, RigError
from hil.farm.labgrid_python import labgrid_version
from hil.power.plugged_in import analyzers
from hil.report.terminal import table
from hil.resources import boards_dir, cache_dir, firmware_dir

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

_TIMEOUT_S = 20


def examine(console: Console) -> int:
    """Print what was found; returns the exit code: 0, or that of a rig error where something needed is missing."""
    from hil.commands.doctor_bench import bench_findings  # noqa: PLC0415 - brings pyOCD, which may be what is missing

    looks = [_find(subject, look) for subject, look in _LOOKS]
    emulators = [_find_emulator(subject, backend) for subject, backend in _EMULATORS]
    extras = [_if_wanted(subject, use, look) for subject, use, look in _EXTRAS]
    findings = [*looks, *emulators, _spi_bridges(), *_analyzers(), *bench_findings(), *extras]
    for line in table(("what", "state", "found"), [(f.subject, f.state, f.detail) for f in findings]):
        console.print(line)
    if missing := [f.subject for f in findings if f.state == "missing"]:
        console.print(f"missing: {', '.join(missing)}")
        return RigError.exit_code
    if absent := [f.subject for f in findings if f.state == "absent"]:
        console.print(f"everything that board '{DEFAULT_BOARD}' needs is there; absent: {', '.join(absent)}")
    else:
        console.print("everything that hil needs is there")
    return 0


def _find(subject: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, "ok", look())
    except HilError as error:
        return Finding(subject, "missing", f"{error.message}; {error.hint}" if error.hint else error.message)


def _find_emulator(subject: str, backend: str) -> Finding:
    """An emulator is missing where the board has none that runs if nobody names one."""
    finding = _find(subject, lambda: emulator_version(backend))
    boards = _boards_on(backend)
    if finding.state == "ok" or DEFAULT_BOARD in boards:
        return finding
    if not boards:
        return Finding(subject, "-", f"needed for --backend {backend} alone: {finding.detail}")
    needed = f"needed for {' '.join(f'--board={name}' for name in boards)}: "
    return Finding(subject, "absent", needed + finding.detail)


def _if_wanted(subject: str, use: str, look: Callable[[], str]) -> Finding:
    """What nobody needs who does not use it."""
    finding = _find(subject, look)
    return finding if finding.state == "ok" else Finding(subject, "-", f"needed for {use} alone: {finding.detail}")


def _spi_bridges() -> Finding:
    """What a link over SPI needs, also to an emulated board; each bridge one of them."""
    found, lacking = [], []
    for name in _SPI_PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lacking.append(name)
    if lacking:
        return Finding(
            "SPI bridges", "absent", f"needed for --link spi: {', '.join(lacking)}; pip install 'hil-ltc[spi]'"
        )
    return Finding("SPI bridges", "ok", ", ".join(found))


def _analyzers() -> list[Finding]:
    """What measures an attached board's current; none has to be there."""
    found = []
    for each in analyzers(list_ports.comports()):
        if each.lacks:
            detail = f"needed for --meter {each.kind}:…: {each.lacks}; pip install 'hil-ltc[power]'"
            found.append(Finding(each.title, "absent", detail))
            continue
        there = f"none plugged in; {each.absent}"
        if each.addresses:
            typed = [f"--meter '{address}'" for address in each.addresses]
            there = f"it may be {' or '.join(typed)}"
        found.append(Finding(each.title, "-", f"{each.package}; {there}" if each.package else there))
    return found


def _boards_on(backend: str) -> list[str]:
    """The boards that this backend emulates where none is asked for."""
    found = []
    for name in board_names():
        with suppress(HilError):  # 'hil boards' says what is wrong with a file
            board = load_board(name)
            if board.emulators and board.emulators[0].backend == backend:
                found.append(name)
    return found


def _tool(program: str, package: str) -> str:
    """First version number that a program prints."""
    path = shutil.which(program)
    if path is None:
        raise RigError(f"{program} is not installed", hint=f"sudo apt-get install --yes {package}")
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"{program} does not run: {error}") from error
    found = re.search(r"\d+(?:\.\d+)+", done.stdout)
    return found[0] if found else "of unknown version"


def _package(name: str, extra: str = "") -> str:
    try:
        return version(name)
    except PackageNotFoundError as error:
        what = f"'hil-ltc[{extra}]'" if extra else name
        raise RigError(f"the Python package {name} is not installed", hint=f"pip install {what}") from error


def _probe_plugin() -> str:
    names = [entry.name for entry in entry_points(group="pyocd.probe")]
    if EMULATED not in names:
        raise RigError("pyOCD does not know the emulated boards", hint="pip install hil-ltc, or pip install -e .")
    return "pyOCD knows the emulated boards"


def _cache() -> str:
    place = cache_dir()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RigError(f"{place} cannot be made: {error.strerror}", hint="set HIL_CACHE_DIR") from error
    if not os.access(place, os.W_OK):
        raise RigError(f"{place} cannot be written", hint="set HIL_CACHE_DIR")
    return str(place)


def _sources() -> str:
    if not (firmware_dir() / "CMakeLists.txt").is_file() or not boards_dir().is_dir():
        raise RigError("the firmware or the boards did not come with hil", hint="install hil again")
    return f"{len(board_names())} boards, firmware in {firmware_dir()}"


_LOOKS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("Python", lambda: sys.version.split()[0]),
    ("boards and firmware", _sources),
    ("arm-none-eabi-gcc", lambda: _tool("arm-none-eabi-gcc", "gcc-arm-none-eabi")),
    ("C compiler (host)", lambda: " ".join(host_compiler())),
    ("cmake", lambda: _package("cmake")),
    ("ninja", lambda: _package("ninja")),
    ("pyOCD", lambda: _package("pyocd")),
    ("emulated probe", _probe_plugin),
    ("build cache", _cache),
)
_EXTRAS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    ("labgrid", "--farm", lambda: f"{labgrid_version()}, for boards of a farm"),
    ("pictures", "pictures", lambda: f"matplotlib {_package('matplotlib', 'plots')}"),
)
_SPI_PACKAGES = ("spidriver", "pyftdi", "python-periphery")
_EMULATORS = (("twin", "twin"), ("qemu-system-arm", "qemu"), ("renode", "renode"))
