"""Firmware that is bad in each way that a run must survive, on the twin of a NUCLEO-L031K6: how each run ends."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

import numpy as np

from hil.board import load_board
from hil.dut import opening, realised
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import HilError
from hil.link.client import AgentClient
from hil.link.session import opening_budget_s
from hil.resources import examples_dir
from tests.hil.defects import Defect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hil.dut.dut import Dut
    from tests.hil.defects import Workshop

BOARD: Final = load_board("nucleo-l031")
STEPS: Final = 20
ANSWER_S: Final = 2.0  # how long an answer may take here beyond its computation
RUN_S: Final = 4.0  # what a run on bad firmware is given
GENEROUS_S: Final = 60.0
BAD, GOOD = "tiny_dense", "unfold1"  # networks: in the first the firmware is bad once it is under way

_STEP: Final = "            error = ltc_step(&agent->net, (const int32_t *)&words[1], words[0], agent->outputs);\n"
_LOOP: Final = "    port_init();\n    agent_init(&agent);\n"
_ON_THE_WAY: Final = """\
            static uint32_t made;
            if (agent->net.neurons == {neurons}u && ++made == 9u) {{
                {does}
            }}
"""
_BABBLE: Final = """\
    port_init();
    for (volatile bool babbles = true; babbles;) {
        port_write((const uint8_t *)"babble ", 7);
        port_idle();
    }
    agent_init(&agent);
"""


@dataclass(frozen=True)
class Bad:
    """One way to be bad.

    Attributes:
        name: in a word.
        verdict: the class that its run must end in.
        tells: words of the post-mortem, or where there is no core to look at, of what is told instead.
        file, right, wrong: the edit of the sources; none for an unplugged board.
        opens: it is noticed before the link is open.
    """

    name: str
    verdict: str
    tells: tuple[str, ...]
    file: str = ""
    right: str = ""
    wrong: str = ""
    opens: bool = False

    @property
    def defect(self) -> Defect:
        return Defect(self.name, self.file, self.right, self.wrong)

    def __str__(self) -> str:
        return self.name


def _step(does: str) -> dict[str, str]:
    on_the_way = _ON_THE_WAY.format(neurons=neurons_of(BAD), does=does)
    return {"file": "agent/agent.c", "right": _STEP, "wrong": _STEP + on_the_way}


def neurons_of(network: str) -> int:
    with np.load(examples_dir() / "networks" / f"{network}.model.npz") as archive:
        return int(archive["gleak"].shape[0])


FRAMES: Final = ("last heard: ", "last sent: request ")
CORE: Final = (*FRAMES, "the core was ", "pc=", "sp=", "return addresses from 0x")
WAYS: Final = (
    Bad("hung", "link", (*CORE, "has done ", ", at agent_receive+", "main_loop+"), **_step("for (;;) {}")),
    Bad("crashed", "target fault", (*CORE, "HardFault"), **_step("*(volatile uint32_t *)0x30000000u = 1;")),
    Bad(
        "silent",
        "link",
        (*FRAMES, "the core was ", "main_loop", "no frame in 0 bytes"),
        "agent/main.c",
        _LOOP,
        "    port_init();\n    for (volatile bool mute = true; mute;) {\n    }\n    agent_init(&agent);\n",
        opens=True,
    ),
    Bad(
        "babbling",
        "link",
        (*FRAMES, "the core was ", "main_loop", "the last bytes b"),
        "agent/main.c",
        _LOOP,
        _BABBLE,
        opens=True,
    ),
    Bad("wrong", "numeric", ("first at sequence 0, step 8, element 0",), **_step("agent->outputs[0] ^= 1;")),
    Bad(
        "stale",
        "target fault",
        (*CORE, "0102030405060708 answers"),
        "agent/agent.c",
        "build_id[8] = BOARD_BUILD_ID;",
        "build_id[8] = {1, 2, 3, 4, 5, 6, 7, 8};",
        opens=True,
    ),
    Bad("unplugged", "rig", FRAMES),
)


@dataclass(frozen=True)
class Ended:
    """How a run on bad firmware ended.

    Attributes:
        error: what was raised.
        took_s: since the link began to be opened, or the run to be made.
        budget_s: what it was given.
        next_ran: the next test on the board gave the right bits.
        recovered: what the next test's provenance tells of it.
    """

    error: HilError
    took_s: float
    budget_s: float
    next_ran: bool
    recovered: tuple[str, ...]

    @property
    def ratio(self) -> float:
        """Time over budget."""
        return self.took_s / self.budget_s


def end_of(bad: Bad, workshop: Workshop, vectors: Path) -> Ended:
    """Run it, and then the next test.

    Args:
        bad: the way.
        workshop: where it is built; HIL_CACHE_DIR must be its cache.
        vectors: folder for the vectors that are run.
    """
    if not bad.file:
        return _unplugged(vectors)
    with workshop.planted(bad.defect):
        options = DutOptions(backend="twin", instance="1", firmware_root=workshop.root)
        opened = partial(open_dut, BOARD, options)
        if bad.opens:
            error, took_s = _opening_fails(opened)
        else:
            with opened() as dut:
                error, took_s = _fails(lambda: run(dut, BAD, vectors, timeout_s=RUN_S))
                return Ended(error, took_s, RUN_S, run(dut, GOOD, vectors), dut.provenance.flashed.retries)
    with open_dut(BOARD, DutOptions(backend="twin", instance="1")) as dut:
        ran = run(dut, GOOD, vectors)
        return Ended(error, took_s, opening_budget_s(ANSWER_S), ran, dut.provenance.flashed.retries)


def run(
    dut: Dut,
    network: str,
    folder: Path,
    *,
    sequences: int = 2,
    timeout_s: float = GENEROUS_S,
    on_sequence: Callable[[], None] = lambda: None,
) -> bool:
    """A few steps of a network; whether the bits are right, which raises where they are not."""
    networks = examples_dir() / "networks"
    path = folder / f"{network}.{sequences}.npz"
    if not path.exists():
        with np.load(networks / f"{network}.vectors.npz") as archive:
            np.savez(path, inputs=np.stack([archive["inputs"][:STEPS]] * sequences))
    model = networks / f"{network}.model.npz"
    return dut.run(model, path, timeout_s=timeout_s, on_sequence=lambda _: on_sequence()).bits_equal


@contextmanager
def patient_for_short() -> Iterator[None]:
    """Answers may take `ANSWER_S`, so that the silence of bad firmware is told sooner than a user's."""
    with patch("hil.dut.connection.AgentClient", partial(AgentClient, timeout_s=ANSWER_S)):
        yield


def _fails(act: Callable[[], object]) -> tuple[HilError, float]:
    begun = time.perf_counter()
    try:
        act()
    except HilError as error:
        return error, time.perf_counter() - begun
    raise AssertionError("bad firmware was not noticed")


def _opening_fails(opened: Callable[[], object]) -> tuple[HilError, float]:
    """The time counts from when the board is powered and flashed."""
    begun = []

    class Timed(opening.Connection):
        def __init__(self, *args: object, **more: object) -> None:
            begun.append(time.perf_counter())
            super().__init__(*args, **more)  # type: ignore[arg-type]

    def act() -> None:
        with opened():  # type: ignore[attr-defined]
            pass

    with patch.object(opening, "Connection", Timed):
        error, _ = _fails(act)
    if not begun:
        raise error  # it was not even built or flashed
    return error, time.perf_counter() - begun[-1]


def _unplugged(vectors: Path) -> Ended:
    """The emulator's process is killed between two sequences."""
    powered = []

    def power(*args: object, **more: object) -> object:
        powered.append(real(*args, **more))  # type: ignore[arg-type]
        return powered[-1]

    real = realised.power
    with patch.object(realised, "power", power), open_dut(BOARD, DutOptions(backend="twin", instance="1")) as dut:
        pulled: list[float] = []

        def pull() -> None:
            if not pulled:
                pulled.append(time.perf_counter())
                os.kill(powered[-1].supervisor_pid, signal.SIGKILL)

        error, _ = _fails(lambda: run(dut, BAD, vectors, sequences=400, on_sequence=pull))
        took_s = time.perf_counter() - pulled[0]
        return Ended(error, took_s, RUN_S, run(dut, GOOD, vectors), dut.provenance.flashed.retries)
