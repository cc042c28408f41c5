"""Builds small C programs of the test suite with the host compiler and both sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
FLAGS = (
    *("-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"),
)
LTC_SOURCES = tuple(sorted((REPO / "firmware" / "ltc").glob("ltc*.c")))


def build_program(out: Path, *sources: Path, flags: tuple[str, ...] = ()) -> Path:
    """Compile and link `sources` into the program `out`; the compiler's words are the failure's text."""
    include = [f"-I{REPO / 'firmware' / folder}" for folder in ("ltc", "reference")]
    done = subprocess.run(
        ["gcc", *FLAGS, *flags, *include, *map(str, sources), "-o", str(out), "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out
