"""Compile the C that counts with the host's compiler, once for each content of its sources."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from hil.cycles.compiler import HINT, host_compiler
from hil.cycles.timing import c_header
from hil.errors import RigError
from hil.resources import cache_dir, tool_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAGS: Final = ("-std=c11", "-O2", "-fPIC", "-shared")
_HIDDEN: Final = ("-fvisibility=hidden",)  # the plugin offers QEMU its entry point and nothing else
SOURCES: Final = Path(__file__).parent
TRACKER: Final = ("cost.c", "block.c", "tracker.c")
_PLUGIN: Final = (*TRACKER, "tcg_plugin.c")
HEADERS: Final = ("cost.h", "block.h", "tracker.h", "call_tree.h", "counter_file.h")
_TIMEOUT_S: Final = 120


def plugin_path() -> Path:
    """The QEMU plugin, built unless it is in the cache.

    Raises:
        RigError: there is no host compiler, or it fails.
    """
    return _own("tcg_plugin", _PLUGIN, _HIDDEN)


def tracker_path() -> Path:
    """The same decoder, blocks and tracker as a shared library without QEMU, for ctypes.

    Raises:
        RigError: there is no host compiler, or it fails.
    """
    return _own("tracker", TRACKER, ())


def compile_shared(out: Path, sources: Sequence[Path], *, flags: Sequence[str] = ()) -> None:
    """Compile C files of this package, or beside it, into a shared library in an empty folder.

    Args:
        out: the library to be; the generated header is written beside it.
        sources: C files.
        flags: more for the compiler.

    Raises:
        RigError: there is no host compiler, or it fails.
    """
    (out.parent / "timing_table.h").write_text(c_header(), encoding="utf-8")
    include = (f"-I{out.parent}", f"-I{SOURCES}")
    compiler = host_compiler()
    command = [*compiler, *FLAGS, *flags, *include, *map(str, sources), "-o", str(out)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            env=tool_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"the host's C compiler {compiler[0]} does not run", cause=str(error)) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise RigError(
            f"{out.stem} cannot be compiled with {compiler[0]}",
            cause=lines[0].strip() if lines else f"exit code {done.returncode}",
            hint=f"a working host compiler: {HINT}",
        )


def compiled(name: str, sources: Sequence[Path], *, headers: Sequence[Path] = (), flags: Sequence[str] = ()) -> Path:
    """A shared library of C files, from the cache where their content has been compiled before.

    Args:
        name: what it is called there, and in messages.
        sources: C files, which may include the generated ``timing_table.h`` and the headers of this folder.
        headers: what else their content depends on.
        flags: more for the compiler.

    Raises:
        RigError: there is no host compiler, or it fails.
    """
    store = cache_dir() / "cycles"
    place = store / f"{name}-{_key((*headers, *sources), flags)}.so"
    if _is_whole(place):
        return place
    try:
        store.mkdir(parents=True, exist_ok=True)
        with FileLock(store / f"{name}.lock", timeout=_TIMEOUT_S):
            if not _is_whole(place):
                _build(store / f".{name}-work", place, sources, flags)
    except Timeout as error:
        raise RigError(f"another build of {name} does not end", hint=f"look who holds {error.lock_file}") from error
    except OSError as error:
        raise RigError(
            f"the build cache {store} cannot be used", cause=str(error), hint="set HIL_CACHE_DIR to another folder"
        ) from error
    return place


def _build(work: Path, place: Path, sources: Sequence[Path], flags: Sequence[str]) -> None:
    """Build under the lock. One name of the folder: what a killed build left behind is swept by the next."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        out = work / place.name
        compile_shared(out, sources, flags=flags)
        note = work / "checksum"
        note.write_text(hashlib.sha256(out.read_bytes()).hexdigest(), encoding="ascii")
        note.replace(_checksum_of(place))
        out.replace(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _checksum_of(place: Path) -> Path:
    return place.with_suffix(".sha256")


def _is_whole(place: Path) -> bool:
    """Whether a library is there as it was built: QEMU says of a damaged one no more than that it does not load."""
    try:
        expected = _checksum_of(place).read_text(encoding="ascii", errors="replace")
        return hashlib.sha256(place.read_bytes()).hexdigest() == expected
    except OSError:
        return False


def _key(files: Sequence[Path], flags: Sequence[str]) -> str:
    digest = hashlib.sha256(" ".join([platform.machine(), *FLAGS, *flags]).encode() + c_header().encode())
    for file in files:
        content = file.read_bytes()
        digest.update(f"\0{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _own(name: str, sources: Sequence[str], flags: Sequence[str]) -> Path:
    """A library of this folder's sources alone."""
    return compiled(
        name, [SOURCES / each for each in sources], headers=[SOURCES / each for each in HEADERS], flags=flags
    )
