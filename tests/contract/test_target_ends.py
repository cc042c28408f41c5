"""A firmware that has ended: the user reads what the emulator knows of it, not that a board does not answer."""

from __future__ import annotations

import functools
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.dut import connection
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.errors import TargetFault
from hil.link.client import AgentClient
from hil.resources import examples_dir, firmware_dir
from tests.contract.emulated import BOARDS, NUCLEO, Emulated

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = "tiny_dense"
BEFORE = "    ltc_reset(&agent->net);\n    reply(agent, request, PROTOCOL_OK, 0);"
START = "    port_init();\n"
REPORT = '"bl startup_fault_report\\n"'
NOWHERE = "    *(volatile uint32_t *)0x30000000u = 1;\n"
UNMODELLED = "    *(volatile uint32_t *)0x40012408u = 1;\n"  # ADC1 of the STM32L031


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(connection, "AgentClient", functools.partial(AgentClient, timeout_s=0.5))


def ended(board: Emulated, folder: Path, *edits: tuple[str, str, str]) -> TargetFault:
    """What is raised when the firmware runs with some edits: file, old text, new text."""
    root = folder / "firmware"
    shutil.copytree(firmware_dir(), root, ignore=shutil.ignore_patterns("build"))
    for name, old, new in edits:
        text = (root / name).read_text()
        assert text.count(old) == 1, name
        (root / name).write_text(text.replace(old, new))
    with pytest.raises(TargetFault) as caught:
        run(board, root, folder / "vectors.npz")
    assert caught.value.verdict == "target fault"
    return caught.value


def run(board: Emulated, firmware: Path, vectors: Path) -> None:
    """Two steps: the more are asked for at once, the longer is their answer waited for."""
    networks = examples_dir() / "networks"
    with np.load(networks / f"{NETWORK}.vectors.npz") as archive:
        np.savez(vectors, inputs=archive["inputs"][:2])
    with open_dut(load_board(board.name), DutOptions(backend=board.backend, firmware_root=firmware)) as dut:
        dut.run(networks / f"{NETWORK}.model.npz", vectors)


def test_a_register_that_the_twin_does_not_model_is_named(tmp_path: Path) -> None:
    error = ended(NUCLEO, tmp_path, ("agent/agent.c", BEFORE, UNMODELLED + BEFORE))
    assert error.message.startswith("the firmware on board 'nucleo-l031' has stopped: the firmware at 0x0800")
    assert "ADC1, which the twin does not model" in error.message
    told = "\n".join(error.post_mortem)
    assert "the core was halted, in thread mode, at agent_receive+0x" in told
    assert "pc=0800" in told
    assert "return addresses from 0x2000" in told
    assert "last sent: request SYNC" in told
    assert error.hint is not None
    assert "addr2line" in error.hint


def test_also_where_the_firmware_starts(tmp_path: Path) -> None:
    error = ended(NUCLEO, tmp_path, ("agent/main.c", START, UNMODELLED + START))
    assert "ADC1, which the twin does not model" in error.message


@pytest.mark.parametrize("emulated", BOARDS, ids=str)
class TestEveryEmulator:
    def test_a_lockup_comes_with_its_causes(self, emulated: Emulated, tmp_path: Path) -> None:
        edits = (("agent/agent.c", BEFORE, NOWHERE + BEFORE), ("port/armv6m/startup.c", REPORT, '"udf #0\\n"'))
        error = ended(emulated, tmp_path, *edits)
        assert "ockup" in error.message
        if emulated is NUCLEO:
            assert "HardFault by an access to an address where nothing is (to 0x30000000) at 0x0800" in error.message
            assert "lockup by an instruction that ARMv6-M does not have at 0x0800" in error.message

    def test_a_hard_fault_whose_handler_says_nothing(self, emulated: Emulated, tmp_path: Path) -> None:
        edits = (("agent/agent.c", BEFORE, NOWHERE + BEFORE), ("port/armv6m/startup.c", REPORT, '"b .\\n"'))
        error = ended(emulated, tmp_path, *edits)
        assert "in HardFault" in str(error)
        if emulated is NUCLEO:
            assert "HardFault by an access to an address where nothing is (to 0x30000000) at 0x0800" in error.message


def test_a_stack_that_runs_out_of_memory(tmp_path: Path) -> None:
    """As on silicon the frame of HardFault has no place, so no handler can report it."""
    lower = '    __asm volatile("mov sp, %0" ::"r"(0x20000010u));\n'
    error = ended(NUCLEO, tmp_path, ("agent/agent.c", BEFORE, lower + BEFORE))
    assert "a stack that lies outside of memory" in error.message
