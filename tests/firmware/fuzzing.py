"""The fuzzer of ltc_open(), built from a folder of the runtime's sources."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.host_c import REPO, build_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOURCE = REPO / "tests" / "firmware" / "fuzz_open.c"
LTC = REPO / "firmware" / "ltc"
MANY = 2_000_000
"""Rounds, for a check that is missing."""


def fuzz(folder: Path, ltc: Path, seeds: Sequence[str], rounds: int) -> subprocess.CompletedProcess[str]:
    """Build it in a folder and run it on images; its output says how often each error was returned."""
    program = build_program(folder / "fuzz", SOURCE, *sorted(ltc.glob("ltc*.c")), flags=("-O2",))
    return subprocess.run([program, str(rounds), "1", *seeds], capture_output=True, text=True, check=False)


def returned(done: subprocess.CompletedProcess[str]) -> dict[int, int]:
    """How often each error was, of a run that found nothing."""
    assert done.returncode == 0, done.stderr
    return {int(error): int(count) for error, count in (line.split() for line in done.stdout.splitlines())}


def assert_finds(folder: Path, seeds: Sequence[str], file: str, check: str, without: str) -> None:
    """The fuzzer ends with a sanitizer's report where a check in a file of the runtime is taken out."""
    ltc = folder / "ltc"
    shutil.copytree(LTC, ltc)
    source = (ltc / file).read_text()
    assert source.count(check) == 1
    (ltc / file).write_text(source.replace(check, without))
    done = fuzz(folder, ltc, seeds, MANY)
    assert done.returncode != 0
    assert "runtime error" in done.stderr or "AddressSanitizer" in done.stderr
