"""The C agent inside the test process, on a wire whose every frame the test decides about; time is simulated."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from hil.link.agent import Agent
from hil.link.session import Session
from tests.contract.mixing import SOURCE

HERE = Path(__file__).parent
FIRMWARE = HERE.parents[1] / "firmware"
BOARD_H = """\
#define BOARD_NAME "memory"
#define BOARD_BUILD_ID {1, 2, 3, 4, 5, 6, 7, 8}
#define BOARD_CLOCK_HZ 1000000000u
#define BOARD_SLOT_ORIGIN 0u
#define BOARD_SLOT_BYTES 65536u
"""
FLAGS = ["-std=c11", "-O1", "-g", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
SANITIZER = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
GCC = shutil.which("gcc") or "gcc"
READ_S = 0.02
FIRST_EPOCH = 1000

Fault = Callable[["Direction", bytes], list[bytes]]


def compile_agent(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """agent.c, frame.c and the mixing network as a shared library; each edit is (file, old text, new text)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.h").write_text(BOARD_H)
    agent = (f"agent/{name}.c" for name in ("agent", "frame", "rule", "watch"))
    names = (*agent, "ltc/ltc_crc.c", "port/host/nothing.c")
    includes = (folder, FIRMWARE / "agent", FIRMWARE / "port", FIRMWARE / "ltc")
    return compile_sources(folder, names, [HERE / "memory_port.c", SOURCE], includes, *edits)


def compile_sources(
    folder: Path,
    names: Sequence[str],
    more: Sequence[Path],
    includes: Sequence[Path],
    *edits: tuple[str, str, str],
) -> Path:
    """Files of firmware/ and others as a shared library; each edit is (file, old text, new text)."""
    library = folder / "agent.so"
    sources = [*(FIRMWARE / name for name in names), *more]
    for name, old, new in edits:
        text = (FIRMWARE / name).read_text()
        assert text.count(old) == 1, f"{name} has {text.count(old)} times {old!r}"
        edited = folder / Path(name).name
        edited.write_text(text.replace(old, new))
        sources[sources.index(FIRMWARE / name)] = edited
    done = subprocess.run(
        [GCC, *FLAGS, *SANITIZER, *(f"-I{path}" for path in includes), *map(str, sources), "-o", str(library)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return library


class Direction:
    """One direction of a wire: cuts the stream at its zeros and lets a fault function replace each piece."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.history: list[bytes] = []
        self.held = b""
        self._partial = b""

    def carry(self, data: bytes) -> bytes:
        """What arrives at the other end."""
        *ended, self._partial = (self._partial + data).split(b"\0")
        arrived = b""
        for piece in ended:
            frame = piece + b"\0"
            arrived += b"".join(self.fault(self, frame))
            self.history.append(frame)
        return arrived


def intact(_: Direction, frame: bytes) -> list[bytes]:
    """No fault."""
    return [frame]


class MemoryWire:
    """A wire to the C agent. Reading when nothing is there lets simulated time pass."""

    address = "memory"

    def __init__(self, library: Path, up: Fault = intact, down: Fault = intact) -> None:
        self.now = 0.0
        self.up = Direction(up)
        self.down = Direction(down)
        self.silent = False
        self._buffer = ctypes.create_string_buffer(1 << 20)
        self._agent = ctypes.CDLL(str(library))
        self._arrived: deque[bytes] = deque()
        self.boot()

    def boot(self) -> None:
        """Switch the agent off and on."""
        self._agent.wire_boot()

    def crash(self) -> None:
        """The agent's core faults."""
        self._agent.wire_fault()
        self.silent = True

    def clock(self) -> float:
        """Simulated seconds."""
        return self.now

    def write(self, data: bytes) -> None:
        """See Wire."""
        arrived = self.up.carry(data)
        if not self.silent:
            self._agent.wire_feed(arrived, len(arrived))
        sent = self.take()
        if sent:
            self._arrived.append(self.down.carry(sent))

    def take(self) -> bytes:
        """What the agent has sent since."""
        return ctypes.string_at(self._buffer, self._agent.wire_take(self._buffer, len(self._buffer)))

    def inject(self, data: bytes) -> None:
        """Bytes that the host receives from nowhere."""
        self._arrived.append(data)

    def diagnosis(self) -> str:
        """See Wire."""
        return ""

    def read(self) -> bytes:
        """See Wire."""
        if self._arrived:
            return self._arrived.popleft()
        self.now += READ_S
        return b""

    def agent(self, timeout_s: float = 0.5, session: type[Session] = Session) -> Agent:
        """An agent object that talks over this wire."""
        agent = Agent("memory")
        agent.attach(
            session(
                self,
                "memory",
                baud=0,
                timeout_s=timeout_s,
                elf="/cache/memory/agent.elf",
                clock=self.clock,
                random_bits=lambda _: FIRST_EPOCH,
            )
        )
        return agent
