"""Running a build's tools: every one ends in time with all that it started, and a failure is one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from hil.errors import BuildError
from hil.resources import tool_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_ANSWER_S = 60.0


def ask(what: str, program: str, package: str, *arguments: str) -> str:
    """What a small tool prints.

    Args:
        what: the tool in messages.
        program: its name.
        package: Debian's package that brings it.
        arguments: its arguments.

    Raises:
        BuildError: it is not installed, fails, or does not end.
    """
    try:
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_S,
            check=True,
            env=tool_environment(),
        ).stdout
    except FileNotFoundError as error:
        raise BuildError(f"{what} is not installed", hint=f"sudo apt-get install --yes {package}") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{what} took longer than {error.timeout:g} s") from error
    except subprocess.CalledProcessError as error:
        cause = str(error.stderr).strip() or f"exit code {error.returncode}"
        raise BuildError(f"{what} fails", cause=cause) from error
    except OSError as error:
        raise BuildError(f"{what} does not run", cause=str(error)) from error


def run_tool(
    command: Sequence[str], *, timeout_s: float, environment: Mapping[str, str], progress: Callable[[str], None] | None
) -> tuple[int, str]:
    """Run a tool that starts others, passing its lines on; whatever ends this ends them all.

    Args:
        command: program and arguments.
        timeout_s: when it is ended.
        environment: its environment variables.
        progress: called with each line.

    Returns:
        Its exit code, and its output.

    Raises:
        BuildError: it cannot be started, or took too long.
    """
    lines: list[str] = []
    deadline = time.monotonic() + timeout_s
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environment,
            start_new_session=True,  # a process group of its own, which can be ended as a whole
        )
    except OSError as error:
        raise BuildError(f"{command[0]} cannot be started", cause=str(error), hint="pip install cmake ninja") from error
    late = threading.Event()

    def end_late() -> None:
        late.set()
        _end(process)

    watchdog = threading.Timer(timeout_s, end_late)
    watchdog.start()
    with process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                if progress is not None:
                    progress(lines[-1])
            code = process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            end_late()
        except BaseException:  # Ctrl-C, say, which does not reach another session
            _end(process)
            raise
        finally:
            watchdog.cancel()
            watchdog.join()
    if late.is_set():
        raise BuildError(
            f"the build took longer than {timeout_s:g} s and was ended", cause=" | ".join(lines[-3:]) or None
        )
    return code, "\n".join(lines)


def _end(process: subprocess.Popen[str]) -> None:
    """End the tool and all that it started; what it started may outlive it and hold its output open."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
