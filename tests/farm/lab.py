"""A real labgrid coordinator and exporter on this computer, with emulated boards: what the tests call a lab."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_S = 30.0
END_S = 2.0
BOARD = "nucleo-l031"
EXPORTER = "bench"
ROOT = Path(__file__).parents[2]
UNTAGGED = "untagged"
EMULATED = {"board": BOARD, "emulated": "twin"}
LISTENING = r"listening on (127\.0\.0\.1:\d+)"


def lab_python() -> str:
    """The Python that has labgrid: what tools/setup made, or this one."""
    made = Path(sys.prefix) / "farm" / "bin" / "python"
    if made.exists():
        return str(made)
    if find_spec("labgrid") is None:
        raise AssertionError("labgrid is not installed: run tools/setup")
    return sys.executable


@contextmanager
def running(
    command: Sequence[str], *, cwd: Path, environ: dict[str, str], ends_with_input: bool = False
) -> Iterator[Run]:
    """A process of a lab, ended at the end, with what it started: by a closed standard input, SIGTERM, SIGKILL."""
    log = cwd / f"{re.sub(r'[^a-z]', '_', command[2])}-{time.monotonic_ns()}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
            start_new_session=True,
        )
    try:
        yield Run(process, log)
    finally:
        process.stdin.close()
        if ends_with_input:
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        for number in (signal.SIGTERM, signal.SIGKILL):  # its children as well: an exporter's ser2net
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        process.stdout.close()


@dataclass
class Run:
    """A process of a lab."""

    process: subprocess.Popen[bytes]
    log: Path

    def line(self, pattern: str) -> re.Match[str]:
        """The first line of its standard output that fits, within START_S."""
        end = time.monotonic() + START_S
        data = b""
        while time.monotonic() < end:
            if not select.select([self.process.stdout], [], [], 0.2)[0]:
                continue
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            data += more
            for line in data.decode("utf-8", "replace").splitlines():
                if found := re.search(pattern, line):
                    return found
            if not more:
                break
        raise AssertionError(f"'{pattern}' did not come: {data!r} {self.log.read_text('utf-8')}")


@dataclass(frozen=True)
class Lab:
    """A running lab.

    Attributes:
        coordinator: HOST:PORT.
        places: names of its places.
        folder: where its processes run; the boards' flash is in ``state``.
        environ: what a run of hil in it needs.
        exporter: the exporter.
        boards: the boards and the servers of their probes.
    """

    coordinator: str
    places: tuple[str, ...]
    folder: Path
    environ: dict[str, str]
    exporter: Run
    boards: Run

    def hil(self, *arguments: str, python: Sequence[str] = ("-m", "hil"), **more: str) -> subprocess.Popen[str]:
        """Start a command of hil, or another module, in this lab."""
        return subprocess.Popen(
            [sys.executable, *python, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environ, **more},
            cwd=self.folder,
        )


@contextmanager
def open_lab(folder: Path, number: int, *, paced: bool = False) -> Iterator[Lab]:
    """A lab with so many emulated boards, each a place ``desk-1`` … whose serial port ser2net serves.

    The last is another place as well, UNTAGGED, of which no tag says that its board is emulated.

    Args:
        folder: an empty one.
        number: of boards.
        paced: they are no faster than silicon.
    """
    environ = {"HIL_LABGRID_PYTHON": lab_python(), "HIL_STATE_DIR": str(folder / "state")}
    with ExitStack() as stack:

        def start(*command: str, ends_with_input: bool = False) -> Run:
            return stack.enter_context(running(command, cwd=folder, environ=environ, ends_with_input=ends_with_input))

        boards = start(
            sys.executable, "-m", "tests.farm.boards", BOARD, str(number), *(["paced"] * paced), ends_with_input=True
        )
        told = json.loads(boards.line(r"^\[.*\]$")[0])
        names = tuple(f"desk-{each}" for each in range(1, number + 1))
        (folder / "exporter.yaml").write_text(json.dumps(_resources(names, told)))
        places = {**dict.fromkeys(names, EMULATED), UNTAGGED: {"board": BOARD}}
        coordinator = stack.enter_context(open_coordinator(folder, places, groups={UNTAGGED: names[-1]}))
        address = coordinator.line(LISTENING)[1]
        words = ("-c", address, "-n", EXPORTER, "--hostname", "127.0.0.1", "exporter.yaml")
        exporter = start(lab_python(), "-m", "labgrid.remote.exporter", *words)
        exporter.line("Exporter ready")
        yield Lab(address, names, folder, environ, exporter, boards)


def _resources(names: Sequence[str], boards: Sequence[dict[str, object]]) -> dict[str, object]:
    """An exporter's file: JSON is YAML."""
    return {
        name: {
            "RawSerialPort": {"port": board["serial"], "speed": 115200},
            "NetworkService": {"address": "127.0.0.1", "port": board["probe"], "username": "pyocd"},
        }
        for name, board in zip(names, boards, strict=True)
    }


@contextmanager
def open_coordinator(
    folder: Path, places: dict[str, dict[str, str]], groups: dict[str, str] | None = None
) -> Iterator[Run]:
    """A coordinator whose places, with these tags, have the exporter's groups: of the same names, or as said."""
    kept = {name: _kept((groups or {}).get(name, name), tags) for name, tags in places.items()}
    (folder / "places.yaml").write_text(json.dumps(kept))
    command = (lab_python(), "-m", "labgrid.remote.coordinator", "-l", "127.0.0.1:0")
    with running(command, cwd=folder, environ={}) as run:
        yield run


def _kept(group: str, tags: dict[str, str]) -> dict[str, object]:
    """What a coordinator keeps of a place, as it reads it when it starts."""
    match = {"exporter": EXPORTER, "group": group, "cls": "*", "name": None, "rename": None}
    return {"aliases": [], "comment": "", "tags": tags, "matches": [match], "created": 0.0, "changed": 0.0}
