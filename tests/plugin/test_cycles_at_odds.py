"""Cycles where something goes wrong on the way: a damaged link, and a holder that is killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.cycles.counter import CycleCounter
from hil.cycles.library import compile_shared
from hil.dut import connection
from hil.dut.opening import open_dut
from hil.errors import RigError
from hil.link.client import AgentClient
from hil.resources import examples_dir
from tests.contract.faults import RandomFaults, drop
from tests.contract.proxies import FaultyPty
from tests.contract.test_leftovers import children_of

if TYPE_CHECKING:
    from tests.contract.memory_agent import Fault

NETWORKS = examples_dir() / "networks"
FILES = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
DEADLINE_S = 20.0
FAILING_PLUGIN = """
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
int qemu_plugin_version = 1;
static void end(int number) {
    (void)!write(2, "fails.so: assertion failed\\n", 27);
    signal(number, SIG_DFL);
    abort();
}
int qemu_plugin_install(void) {
    signal(SIGABRT, end);
    return 0;
}
"""
ENDED = "the emulator of board 'microbit' has ended in the middle of the session"
HOLDER = """
import sys, time
from pathlib import Path
from hil.board import load_board
from hil.dut.opening import open_dut
with open_dut(load_board("microbit")) as dut:
    assert dut.run(*map(Path, sys.argv[1:3])).cycles.measured is not None
    print("counting", flush=True)
    while True:
        dut.run(*map(Path, sys.argv[1:3]))
"""


def through(fault: Fault, stack: ExitStack) -> type[AgentClient]:
    """A client whose frames go through a line with faults."""

    lines: dict[str, FaultyPty] = {}

    class Damaged(AgentClient):
        def __init__(self, address: str, **kwargs: object) -> None:
            if address not in lines:
                lines[address] = stack.enter_context(FaultyPty(address, up=fault))
            super().__init__(lines[address].path, timeout_s=0.3, **kwargs)

    return Damaged


def test_a_repaired_run_is_right_in_every_bit_and_has_no_cycles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with ExitStack() as stack:
        faults = RandomFaults(7, 0.3, [drop])
        monkeypatch.setattr(connection, "AgentClient", through(faults, stack))
        with open_dut(load_board("microbit")) as dut:
            result = dut.run(*FILES)
    assert faults.faults
    assert result.bits_equal
    assert result.retries
    assert result.cycles.measured is None
    assert "repairs, so a step may have been executed twice" in result.cycles.reason


def test_an_emulator_that_ends_in_mid_run_is_no_verdict_about_the_firmware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(connection, "AgentClient", partial(AgentClient, timeout_s=0.3))
    (tmp_path / "fails.c").write_text(FAILING_PLUGIN)
    compile_shared(tmp_path / "fails.so", [tmp_path / "fails.c"])
    usual = CycleCounter.arguments.fget
    two = property(lambda self: (*usual(self), "-plugin", f"file={tmp_path / 'fails.so'}"))
    # Answers about a few steps of a small network are due soon.
    files = FILES[0], tmp_path / "short.vectors.npz"
    with np.load(FILES[1]) as archive:
        np.savez(files[1], inputs=np.tile(archive["inputs"].reshape(40, 5, -1), (10, 1, 1)))
    for number, plugins, printed in (
        (signal.SIGKILL, CycleCounter.arguments, "nothing"),
        (signal.SIGABRT, two, "fails.so: assertion failed"),
    ):
        monkeypatch.setattr(CycleCounter, "arguments", plugins)
        others = set(children_of(os.getpid()))  # boards that other tests of this process keep open
        with open_dut(load_board("microbit")) as dut:
            (supervisor,) = set(children_of(os.getpid())) - others
            (emulator,) = children_of(supervisor)
            kill = partial(os.kill, emulator, number)  # once: a second sequence may have come by then
            with pytest.raises(RigError) as caught:
                dut.run(*files, on_sequence=lambda done, kill=kill: done.sequence or kill())
            assert (caught.value.message, caught.value.exit_code) == (ENDED, 10)
            assert caught.value.cause == f"QEMU ended ({number.name}); it printed: {printed}"
            assert dut.run(*files).bits_equal  # on a board that was powered anew


def test_a_killed_holder_leaves_no_counting_emulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, *map(str, FILES)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "counting\n"
    (supervisor,) = children_of(holder.pid)
    (emulator,) = children_of(supervisor)
    arguments = Path(f"/proc/{emulator}/cmdline").read_bytes()
    assert b"-plugin" in arguments
    ends = [os.pidfd_open(pid) for pid in (supervisor, emulator)]
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    for end in ends:
        assert select.select([end], [], [], DEADLINE_S)[0], "a process outlives its holder"
        os.close(end)
