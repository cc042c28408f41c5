"""The nRF51 port on QEMU's microbit, through the UART it has on the real board."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.dut.dut import open_dut
from hil.errors import RigError, TargetFault
from hil.link.client import AgentClient
from tests.contract import mixing
from tests.contract.faults import RandomFaults
from tests.contract.proxies import FaultyPty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOARD = load_board("microbit")
QEMU = ["qemu-system-arm", "-machine", "microbit", "-display", "none", "-monitor", "none", "-serial", "pty", "-kernel"]
MODEL = mixing.image(14, 6, 4, padding=9000)


@contextmanager
def powered(elf: Path) -> Iterator[str]:
    """QEMU with this firmware; the path of its UART."""
    with subprocess.Popen([*QEMU, str(elf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            path = re.search(r"/dev/\S+", process.stdout.readline())
            assert path is not None
            yield path.group()
        finally:
            process.kill()


def client(path: str, timeout_s: float = 2.0) -> AgentClient:
    return AgentClient(path, board_name="microbit", baud=115200, timeout_s=timeout_s)


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(BOARD, firmware_root=mixing.firmware(tmp_path_factory.mktemp("mixing"))).elf


def test_a_run_on_the_emulated_core(elf: Path) -> None:
    inputs, elapsed = mixing.sequence(1500, 6)
    states, outputs = mixing.run(MODEL, inputs, elapsed)
    with powered(elf) as path, client(path) as agent:
        identity = agent.identify()
        assert (identity.board_name, identity.clock_hz) == ("microbit", 16_000_000)
        assert (identity.slot_origin, identity.slot_bytes) == (BOARD.image_slot.origin, BOARD.image_slot.bytes)
        assert identity.fits_ram(len(MODEL), 14, 4)
        agent.load_image(MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries == 0
        unused = agent.identify().stack_unused_bytes
        assert unused is not None
        assert 0 < unused < 1024


def test_the_widest_step_and_the_largest_image(elf: Path) -> None:
    with powered(elf) as path, client(path) as agent:
        arena = agent.identify().arena_bytes
        wide = mixing.image(255, 255, 255)
        inputs, elapsed = mixing.sequence(6, 255)
        agent.load_image(wide)
        assert np.array_equal(agent.run(inputs, elapsed).states, mixing.run(wide, inputs, elapsed)[0])
        room = arena - 28 * 10 - 4 * 2
        largest = mixing.image(10, 3, 2, padding=room // 8 * 8 - 24)
        inputs, elapsed = mixing.sequence(20, 3)
        agent.load_image(largest)
        assert np.array_equal(agent.run(inputs, elapsed).outputs, mixing.run(largest, inputs, elapsed)[1])
        with pytest.raises(TargetFault, match=rf"NO_ROOM \(code 11\), .* {arena} bytes of RAM"):
            agent.load_image(largest + bytes(1))


def test_faults_on_the_uart(elf: Path) -> None:
    inputs, elapsed = mixing.sequence(1000, 6)
    states, outputs = mixing.run(MODEL, inputs, elapsed)
    up, down = RandomFaults(3, 0.1), RandomFaults(4, 0.1)
    with powered(elf) as path, FaultyPty(path, up, down) as proxy, client(proxy.path, timeout_s=0.3) as agent:
        agent.load_image(MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries > 0


def test_a_crystal_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    never = ("port/nrf51/port.c", "CLOCK_EVENTS_HFCLKSTARTED != 0", "CLOCK_EVENTS_HFCLKSTARTED == 7")
    root = mixing.firmware(tmp_path, never)
    with (
        pytest.raises(RigError, match="board 'microbit' is defective: its crystal oscillator does not start"),
        open_dut(BOARD, firmware_root=root),
    ):
        pass


RESET_STATE = "    ltc_reset(&agent->net);\n    reply(agent, request, PROTOCOL_OK, 0);"


def test_a_hard_fault_names_its_place(tmp_path: Path) -> None:
    defect = ("agent/agent.c", RESET_STATE, "    *(volatile uint32_t *)0x30000000u = 1;\n" + RESET_STATE)
    artefact = build(BOARD, firmware_root=mixing.firmware(tmp_path, defect))
    with powered(artefact.elf) as path:
        with client(path) as agent:
            agent.load_image(MODEL)
            with pytest.raises(TargetFault, match="stopped in a HardFault at pc 0x") as caught:
                agent.reset_state()
        # The pc lies in the function that did it, and whoever comes next is told as well.
        found = re.search(r"pc=(0x[0-9a-f]+)", str(caught.value))
        assert found is not None
        named = subprocess.run(
            ["arm-none-eabi-addr2line", "-fie", str(artefact.elf), found.group(1)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "do_state_reset" in named.stdout
        with pytest.raises(TargetFault, match=f"HardFault at pc {found.group(1)}"), client(path):
            pass


def test_a_stack_overflow_is_no_silent_damage(tmp_path: Path) -> None:
    # Behind the compiler's back, as a stack that it can see to be too deep is not built.
    lower = '    __asm volatile("mov sp, %0" ::"r"(0x20000000u));\n'
    root = mixing.firmware(tmp_path, ("agent/agent.c", RESET_STATE, lower + RESET_STATE))
    with powered(build(BOARD, firmware_root=root).elf) as path, client(path) as agent:
        agent.load_image(MODEL)
        with pytest.raises(TargetFault, match="its stack has overflowed"):
            agent.reset_state()
