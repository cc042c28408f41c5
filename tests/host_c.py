"""Builds small C programs of the test suite with the host compiler and both sanitizers."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from functools import cache
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
FLAGS = (
    *("-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
)
LTC_SOURCES = tuple(sorted((REPO / "firmware" / "ltc").glob("ltc*.c")))
_SHARED = tuple(f"-I{REPO / 'firmware' / folder}" for folder in ("ltc", "reference"))


def build_program(out: Path, *sources: Path, flags: tuple[str, ...] = ()) -> Path:
    """Compile and link `sources` into the program `out`; the compiler's words are the failure's text.

    What was compiled before in this process, from the same text with the same headers and flags, is linked again.
    """
    options = (*FLAGS, *flags, *_SHARED)
    _gcc(*options, *(str(_compiled(source, options)) for source in sources), "-o", str(out), "-lm")
    return out


def _compiled(source: Path, options: tuple[str, ...]) -> Path:
    folders = [source.parent, *(Path(option[2:]) for option in options if option.startswith("-I"))]
    digest = hashlib.sha256(repr((options, source.name)).encode())
    for path in (source, *(header for folder in folders for header in sorted(folder.glob("*.h")))):
        content = path.read_bytes()
        digest.update(f"\0{path.name}\0{len(content)}\0".encode() + content)
    compiled = Path(_folder().name, f"{digest.hexdigest()}.o")
    if not compiled.exists():
        _gcc(*options, "-c", str(source), "-o", str(compiled))
    return compiled


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """For what was compiled, as long as this process lives."""
    return tempfile.TemporaryDirectory(prefix="hil-objects-")


def _gcc(*arguments: str) -> None:
    done = subprocess.run(["gcc", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
