"""The engine compiles without a warning, and the sanitizers find nothing in it while its tests run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hil.cycles
import hil.emulator.twin
from hil.cycles.timing import c_header

HERE = Path(__file__).parent
TWIN = Path(hil.emulator.twin.__file__).parent
COUNTER = Path(hil.cycles.__file__).parent
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wmissing-prototypes", "-Wvla", "-Werror")
SUITES = ("test_engine_exceptions", "test_engine_faults", "test_engine_debug", "test_engine_counting")


def library_of(name: str) -> Path:
    found = subprocess.run(["gcc", f"-print-file-name={name}"], capture_output=True, text=True, check=True)
    return Path(found.stdout.strip())


@pytest.mark.parametrize("source", sorted(TWIN.glob("*.c")), ids=lambda path: path.name)
def test_no_warnings(source: Path, tmp_path: Path) -> None:
    (tmp_path / "timing_table.h").write_text(c_header())
    command = ["gcc", "-std=c11", "-O2", "-fPIC", *WARNINGS, f"-I{tmp_path}", f"-I{COUNTER}", "-c", str(source)]
    done = subprocess.run([*command, "-o", tmp_path / "out.o"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_errors_under_sanitizers(tmp_path: Path) -> None:
    preload = [library_of("libasan.so"), library_of("libubsan.so")]
    assert all(path.is_absolute() for path in preload), "gcc has no sanitizers here"
    done = subprocess.run(
        [
            sys.executable,
            HERE / "sanitized.py",
            tmp_path,
            "-q",
            "-p",
            "no:cacheprovider",
            *(HERE / f"{name}.py" for name in SUITES),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "LD_PRELOAD": " ".join(map(str, preload)),
            "ASAN_OPTIONS": "detect_leaks=0",  # Python's own; see test_engine_memory.py
            "PYTHONPATH": str(HERE.parents[1]),
        },
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert (tmp_path / "sanitized.so").exists()
