"""The ``host`` board: the agent as a native process under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Final, Self

from hil.emulator.backend import Backend
from hil.errors import RigError, TargetFault

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

BACKEND: Final = Backend()
_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 5.0
_REPORT_LINES = 12


class NativeBoard:
    """One agent process, for as long as the context lasts. It ends with this process, even on SIGKILL.

    Args:
        program: the host board's artefact (Artefact.elf).
        slot: a file whose bytes stand in for what was flashed into the image slot.

    Attributes:
        serial_path: the pseudo-terminal that the agent serves; open it like a serial port.
    """

    def __init__(self, program: Path, *, slot: Path | None = None) -> None:
        self.serial_path = ""
        self._command = [str(program), *([str(slot)] if slot is not None else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def __enter__(self) -> Self:
        """Start the agent.

        Raises:
            RigError: it did not start.
        """
        with contextlib.ExitStack() as stack:
            # A file, as a pipe that nobody reads would block a long sanitizer report.
            self._stderr = stack.enter_context(tempfile.TemporaryFile())
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._stderr,
                    bufsize=0,
                    env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0:color=never", "UBSAN_OPTIONS": "color=never"},
                )
            except OSError as error:
                raise RigError(f"the native agent {self._command[0]} cannot be started", cause=str(error)) from error
            self._process = process
            stack.callback(self._stop)
            self.serial_path = self._first_line(process)
            if not self.serial_path:
                raise RigError("the native agent did not start", cause=self.report() or "it printed no port")
            stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        if self._stderr is not None:
            self._stderr.close()

    @property
    def pid(self) -> int | None:
        """Process id of the agent; None where none was started."""
        return None if self._process is None else self._process.pid

    def report(self) -> str:
        """What the process wrote to stderr so far: a sanitizer's report, best part first."""
        if self._stderr is None or self._stderr.closed:
            return ""
        size = os.fstat(self._stderr.fileno()).st_size
        text = os.pread(self._stderr.fileno(), size, 0).decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip().strip("=")]
        first = next((i for i, line in enumerate(lines) if "ERROR: " in line or "runtime error: " in line), 0)
        return "\n".join(lines[first : first + _REPORT_LINES])

    def check(self, patience_s: float = 1.0) -> None:
        """Whether the agent still runs. Ask when the link has failed: it waits so long for a dying process to be gone.

        Raises:
            TargetFault: it has ended; the cause is the sanitizer's report.
        """
        process = self._process
        if process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
        if process.returncode is None:
            return
        raise TargetFault(
            f"the native agent stopped with exit code {process.returncode}",
            cause=self.report() or None,
            hint="the file and line in the report are in firmware/",
        )

    def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @staticmethod
    def _first_line(process: subprocess.Popen[bytes]) -> str:
        if process.stdout is None:
            return ""
        ready, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT_S)
        return process.stdout.readline().decode().strip() if ready else ""
