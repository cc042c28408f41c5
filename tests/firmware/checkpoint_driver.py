"""firmware/checkpoint in a process of its own, under both sanitizers, with a store that may lose its power."""

from __future__ import annotations

import struct
import subprocess
from typing import TYPE_CHECKING, Final

import pytest

from tests.host_c import REPO, build_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOURCE: Final = REPO / "firmware" / "checkpoint" / "checkpoint.c"
STORE_WORDS: Final = 512
NEVER: Final = 0xFFFFFFFF
OK, NONE, ERR_ROOM, ERR_ORDER, ERR_WRITE, ERR_STATE, CUT = 0, 1, -1, -2, -3, -4, 99


class Store:
    """A device with a checkpoint; each `boot` is one of its lives.

    Args:
        program: what `compiled` made.
        neurons: of the network.
    """

    def __init__(self, program: Path, neurons: int) -> None:
        self.neurons = neurons
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def boot(
        self, network: int = 7, *, first: int = 0, room: int = 4 * STORE_WORDS, words: int | None = None
    ) -> tuple[int, int, tuple[int, ...]]:
        """Open and load: result, number of steps, states."""
        opened = self.open(network, first=first, room=room, words=words)
        if opened != OK:
            return opened, 0, ()
        result, steps, *states = self._ask(struct.pack("<I", 2), f"<iI{self.neurons}i")
        return result, steps, tuple(states)

    def open(self, network: int = 7, *, first: int = 0, room: int = 4 * STORE_WORDS, words: int | None = None) -> int:
        words = self.neurons + 2 if words is None else words
        return self._ask(struct.pack("<6I", 1, network, self.neurons, first, room, words), "<i")[0]

    def save(
        self, steps: int, states: Sequence[int], *, cut: int = NEVER, torn: int = 0, stuck: int = NEVER
    ) -> tuple[int, int]:
        """Result, and how many words were changed."""
        head = struct.pack("<5I", 3, steps, cut, torn, stuck)
        result, changed = self._ask(head + struct.pack(f"<{self.neurons}i", *states), "<iI")
        return result, changed

    @property
    def content(self) -> list[int]:
        return list(self._ask(struct.pack("<I", 4), f"<{STORE_WORDS}I"))

    def fill(self, content: Sequence[int]) -> None:
        for at, (old, new) in enumerate(zip(self.content, content, strict=True)):
            if old != new:
                self._tell(struct.pack("<3I", 5, at, new))

    def _tell(self, request: bytes) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(request)
        stdin.flush()

    def _ask(self, request: bytes, answer: str) -> tuple[int, ...]:
        stdout = self._process.stdout
        assert stdout is not None
        self._tell(request)
        data = stdout.read(struct.calcsize(answer))
        if len(data) < struct.calcsize(answer):
            assert self._process.stderr is not None
            pytest.fail(f"the driver ended: {self._process.stderr.read().decode()}")
        return struct.unpack(answer, data)

    def close(self) -> None:
        self._process.communicate()


def compiled(folder: Path, edits: Sequence[tuple[str, str]] = ()) -> Path:
    """The driver with checkpoint.c as it is, or with edits of it."""
    text = SOURCE.read_text()
    for right, wrong in edits:
        assert text.count(right) == 1, right
        text = text.replace(right, wrong)
    source = folder / "checkpoint.c"
    source.write_text(text)
    driver = REPO / "tests" / "firmware" / "checkpoint_driver.c"
    crc = REPO / "firmware" / "ltc" / "ltc_crc.c"
    return build_program(folder / "driver", driver, source, crc, flags=(f"-I{SOURCE.parent}",))
