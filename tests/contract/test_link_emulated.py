"""The ports on emulated boards, through the UART of the real ones: nRF51 on QEMU, STM32L0 on the twin."""

from __future__ import annotations

import re
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator.power import power
from hil.errors import RigError, TargetFault
from hil.flash import FlashSession
from hil.image import memory_bytes
from hil.link.client import AgentClient
from tests.contract import mixing
from tests.contract.faults import RandomFaults
from tests.contract.proxies import FaultyPty

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact

QEMU = ["qemu-system-arm", "-machine", "microbit", "-display", "none", "-monitor", "none", "-serial", "pty", "-kernel"]


@dataclass(frozen=True)
class Ported:
    """A board with a port of the firmware.

    Attributes:
        padding: bytes of an image that fits into its RAM with room to spare.
        widest: neurons, inputs and outputs of a network whose working memory nearly fills it.
        steps: of a run; the twin's UART takes its time.
    """

    name: str
    padding: int
    widest: int
    steps: int

    def __str__(self) -> str:
        return self.name

    @property
    def board(self) -> Board:
        return load_board(self.name)

    @property
    def model(self) -> bytes:
        return mixing.image(14, 6, 4, padding=self.padding)

    def build(self, folder: Path, *edits: tuple[str, str, str]) -> Artefact:
        return build(self.board, firmware_root=mixing.firmware(folder, *edits))

    def client(self, path: str, timeout_s: float = 2.0) -> AgentClient:
        return AgentClient(path, board_name=self.name, baud=115200, timeout_s=timeout_s)

    @contextmanager
    def powered(self, artefact: Artefact) -> Iterator[str]:
        """The board with this firmware; the path of its UART."""
        with qemu_alone(artefact.elf) if self is MICROBIT else flashed(self.board, artefact) as path:
            yield path


MICROBIT = Ported("microbit", padding=9000, widest=255, steps=1500)
PORTS = (MICROBIT, Ported("nucleo-l031", padding=1600, widest=80, steps=400))


@contextmanager
def qemu_alone(elf: Path) -> Iterator[str]:
    """QEMU as its users start it."""
    with subprocess.Popen([*QEMU, str(elf)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            path = re.search(r"/dev/\S+", process.stdout.readline())
            assert path is not None
            yield path.group()
        finally:
            process.kill()


@contextmanager
def flashed(board: Board, artefact: Artefact) -> Iterator[str]:
    """The board as hil powers it."""
    assert artefact.hex is not None
    with (
        tempfile.TemporaryDirectory() as state,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("HIL_STATE_DIR", state)
        with power(board) as powered:
            with FlashSession(board, powered.probe_uid) as session:
                session.program(artefact.hex)
            yield powered.serial_path


@pytest.fixture(scope="module", params=PORTS, ids=str)
def port(request: pytest.FixtureRequest) -> Ported:
    port: Ported = request.param
    return port


@pytest.fixture(scope="module")
def artefact(port: Ported, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return port.build(tmp_path_factory.mktemp("mixing"))


def test_a_run_on_the_emulated_core(port: Ported, artefact: Artefact) -> None:
    inputs, elapsed = mixing.sequence(port.steps, 6)
    states, outputs = mixing.run(port.model, inputs, elapsed)
    with port.powered(artefact) as path, port.client(path) as agent:
        identity = agent.identify()
        slot = port.board.image_slot
        assert (identity.board_name, identity.clock_hz) == (port.name, 16_000_000)
        assert (identity.slot_origin, identity.slot_bytes) == (slot.origin, slot.bytes)
        assert identity.fits_ram(len(port.model), memory_bytes(14, 0), 14 + 4)
        agent.load_image(port.model)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries == 0
        unused = agent.identify().stack_unused_bytes
        assert unused is not None
        assert 0 < unused < 1024


def test_the_widest_step_and_the_largest_image(port: Ported, artefact: Artefact) -> None:
    with port.powered(artefact) as path, port.client(path) as agent:
        arena = agent.identify().arena_bytes
        wide = mixing.image(port.widest, port.widest, port.widest)
        inputs, elapsed = mixing.sequence(6, port.widest)
        agent.load_image(wide)
        assert np.array_equal(agent.run(inputs, elapsed).states, mixing.run(wide, inputs, elapsed)[0])
        room = arena - memory_bytes(10, 0) - 4 * (10 + 2)
        largest = mixing.image(10, 3, 2, padding=room // 8 * 8 - 24)
        inputs, elapsed = mixing.sequence(20, 3)
        agent.load_image(largest)
        assert np.array_equal(agent.run(inputs, elapsed).outputs, mixing.run(largest, inputs, elapsed)[1])
        with pytest.raises(TargetFault, match=rf"NO_ROOM \(code 11\), .* {arena} bytes of RAM"):
            agent.load_image(largest + bytes(1))


def test_faults_on_the_uart(port: Ported, artefact: Artefact) -> None:
    inputs, elapsed = mixing.sequence(port.steps, 6)
    states, outputs = mixing.run(port.model, inputs, elapsed)
    up, down = RandomFaults(3, 0.1), RandomFaults(4, 0.1)
    with (
        port.powered(artefact) as path,
        FaultyPty(path, up, down) as proxy,
        port.client(proxy.path, timeout_s=0.3) as agent,
    ):
        agent.load_image(port.model)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries > 0


def test_a_crystal_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    never = ("port/nrf51/port.c", "HFCLKSTARTED, 1u, 1u", "HFCLKSTARTED, 1u, 7u")
    root = mixing.firmware(tmp_path, never)
    with (
        pytest.raises(RigError, match="board 'microbit' is defective: its crystal oscillator does not start"),
        open_dut(load_board("microbit"), DutOptions(firmware_root=root)),
    ):
        pass


RESET_STATE = "    ltc_reset(&agent->net);\n    reply(agent, request, PROTOCOL_OK, 0);"


def test_a_hard_fault_names_its_place(port: Ported, tmp_path: Path) -> None:
    defect = ("agent/agent.c", RESET_STATE, "    *(volatile uint32_t *)0x30000000u = 1;\n" + RESET_STATE)
    artefact = port.build(tmp_path, defect)
    with port.powered(artefact) as path:
        with port.client(path) as agent:
            agent.load_image(port.model)
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
        with pytest.raises(TargetFault, match=f"HardFault at pc {found.group(1)}"), port.client(path):
            pass


def test_a_stack_overflow_is_no_silent_damage(tmp_path: Path) -> None:
    """On QEMU, which stacks a frame outside of memory; elsewhere that is lockup, see test_target_ends.py."""
    # Behind the compiler's back, as a stack that it can see to be too deep is not built.
    lower = '    __asm volatile("mov sp, %0" ::"r"(0x20000000u));\n'
    artefact = MICROBIT.build(tmp_path, ("agent/agent.c", RESET_STATE, lower + RESET_STATE))
    with MICROBIT.powered(artefact) as path, MICROBIT.client(path) as agent:
        agent.load_image(MICROBIT.model)
        with pytest.raises(TargetFault, match="its stack has overflowed"):
            agent.reset_state()
