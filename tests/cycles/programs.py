"""Small programs for the emulated micro:bit, and a QEMU that runs them, with a cycle counter or without."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.cycles.counter import CycleCounter

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
LTC = FIRMWARE / "ltc"
# The runtime as a user's project builds it: the inner loops in assembly.
LTC_SOURCES = tuple(sorted((*LTC.glob("ltc*.c"), *LTC.glob("ltc*.S"))))
MEMORY = FIRMWARE / "port" / "armv6m" / "memory.c"
BLOB_AT = 0x20000
RESULT_BYTES = 4
# What firmware/CMakeLists.txt compiles the runtime with.
FLAGS = (
    "-Os",
    "-g",
    "-mcpu=cortex-m0",
    "-mthumb",
    "-ffreestanding",
    "-ffunction-sections",
    "-std=c11",
    "-Wall",
    "-Werror",
)


def build_program(out: Path, *sources: Path, flags: Sequence[str] = ()) -> Path:
    """Compile and link sources, with the start-up code, into the ELF file `out`."""
    memory = out.with_suffix(".memory.o")
    _gcc(*FLAGS, "-fno-tree-loop-distribute-patterns", "-c", str(MEMORY), "-o", str(memory))
    _gcc(
        *(*FLAGS, *flags, "-nostdlib", f"-T{HERE / 'microbit.ld'}", f"-I{HERE}", f"-I{LTC}"),
        *map(str, (HERE / "microbit.c", *sources, memory)),
        *("-lgcc", "-Wl,--no-warn-rwx-segments", "-o", str(out)),
    )
    return out


def _gcc(*arguments: str) -> None:
    done = subprocess.run(["arm-none-eabi-gcc", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Run:
    """A program's result, and the seconds from QEMU's start to it: on the clock, and of processor time."""

    result: int
    seconds: float
    cpu_seconds: float


def run_qemu(
    elf: Path,
    *,
    counter: CycleCounter | None = None,
    blob: Path | None = None,
    feed: bytes = b"",
    timeout_s: float = 60,
) -> Run:
    """Run a program on QEMU's micro:bit until it has sent its result."""
    command = ["qemu-system-arm", "-machine", "microbit", "-nodefaults", "-display", "none", "-serial", "stdio"]
    command += ["-kernel", str(elf)]
    if blob is not None:
        command += ["-device", f"loader,file={blob},addr={BLOB_AT:#x},force-raw=on"]
    if counter is not None:
        command += counter.arguments
    start, cpu_start = time.perf_counter(), _cpu_seconds()
    with subprocess.Popen(
        ["timeout", "--signal=KILL", str(timeout_s), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=() if counter is None else (counter.fd,),
    ) as process:
        try:
            if feed:
                assert process.stdin is not None
                process.stdin.write(feed)
                process.stdin.flush()
            result = _read(process.stdout)
            seconds = time.perf_counter() - start
            while counter is not None and counter.idles == 0 and time.perf_counter() < start + timeout_s:
                os.sched_yield()  # the core is about to sleep, and has booked everything then
        finally:
            process.terminate()  # QEMU leaves in order, so that its plugin has the last word
        messages = process.communicate()[1].decode()
    assert len(result) == RESULT_BYTES, f"the program did not finish: {messages}"
    return Run(int.from_bytes(result, "little"), seconds, _cpu_seconds() - cpu_start)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _read(stream: IO[bytes] | None) -> bytes:
    return b"" if stream is None else stream.read(RESULT_BYTES)
