"""Each port that no emulator has, on the twin's core with stubs for its registers: it boots, answers, computes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hil.board import load_board
from hil.build import build
from hil.emulator.twin.core import Stop
from hil.frame import Defect
from hil.link.agent import Agent
from hil.link.session import Session
from hil.resources import firmware_dir
from tests.boards.firmwares import image
from tests.boards.stub_kinetis import Kinetis
from tests.boards.stub_lpc8xx import Lpc8xx
from tests.boards.stub_rp2040 import Rp2040
from tests.boards.stub_stm32f0 import Stm32f0
from tests.twin.streaming import load_work
from tests.twin.virtual_host import ChipWire

if TYPE_CHECKING:
    from tests.boards.stub_chip import StubChip

CHIPS: dict[str, type[StubChip]] = {"stm32f0": Stm32f0, "kinetis": Kinetis, "rp2040": Rp2040, "lpc8xx": Lpc8xx}
BOARDS = ("nucleo-f072", "frdm-kl25z", "raspberry-pi-pico", "lpc845-brk")
STEPS = 20


def until_asleep(chip: StubChip) -> None:
    until = chip.seconds() + 1
    while chip.go(chip.clock_hz // 100) is not Stop.ASLEEP:
        assert chip.seconds() < until


def connected(name: str, firmware: bytes | None = None, *, clock_starts: bool = True) -> tuple[StubChip, Agent]:
    board = load_board(name)
    chip = CHIPS[board.port](board, image(name) if firmware is None else firmware)
    chip.clock_starts = clock_starts
    return chip, attached(chip)


def attached(chip: StubChip) -> Agent:
    """An agent's client, once the firmware has started and sleeps."""
    until_asleep(chip)
    name = chip.board.name
    agent = Agent(name)
    agent.attach(
        Session(
            ChipWire(chip, chip.uart.wire, chip.clock_hz // 10_000, "the stub"),
            name,
            baud=chip.uart.wire.baud,
            timeout_s=2.0,
            clock=lambda: float(chip.seconds()),
            random_bits=lambda bits: 0x1234 & ((1 << bits) - 1),
        )
    )
    return agent


@pytest.mark.parametrize("name", BOARDS)
def test_a_network_s_steps_are_the_integer_model_s_in_every_bit(name: str) -> None:
    chip, agent = connected(name)
    with chip:
        board = chip.board
        assert chip.core_hz() == board.clock_hz
        identity = agent.identify()
        assert identity.defect == 0
        assert identity.board_name == name
        work = load_work("tiny_dense")
        agent.load_image(work.converted.image)
        result = agent.run(work.inputs[0, :STEPS], work.elapsed[0, :STEPS], state=work.state0, count_cycles=True)
        assert np.array_equal(result.states, work.golden_states[0, :STEPS])
        assert np.all(result.cycles > 0)
        assert agent.retries == 0
        assert chip.pulses == STEPS
        assert not chip.marker()


@pytest.mark.parametrize(
    ("name", "core_hz"), [("nucleo-f072", 8_000_000), ("frdm-kl25z", 10_485_760), ("raspberry-pi-pico", 12_000_000)]
)
def test_a_clock_that_never_starts_is_told_by_firmware_that_runs_from_another(name: str, core_hz: int) -> None:
    chip, agent = connected(name, clock_starts=False)
    with chip:
        assert chip.core_hz() == core_hz
        assert agent.identify().defect == Defect.CLOCK
        assert agent.echo(b"still there") == b"still there"


def test_a_core_that_a_debugger_resets_alone_starts_again_from_the_pll() -> None:
    """As the RP2040's: what was set up of clocks, pins and UART stays."""
    chip, agent = connected("raspberry-pi-pico")
    with chip:
        assert agent.echo(b"once") == b"once"
        system = chip.peripheral_at(0xE000E000)
        assert system is not None
        system.reset()
        chip.core.reset()
        again = attached(chip)
        assert chip.core_hz() == chip.board.clock_hz
        assert again.identify().defect == 0
        assert again.echo(b"again") == b"again"


@pytest.mark.parametrize(
    ("name", "file", "right", "wrong", "why"),
    [
        ("nucleo-f072", "stm32f0/clock.c", "RCC_CFGR |= RCC_CFGR_PLLMUL12;", "", "runs its UART at"),
        ("frdm-kl25z", "kinetis/clock.c", "SIM_CLKDIV1_OUTDIV1 | SIM_CLKDIV1_OUTDIV4", "0", "runs the core at"),
        ("raspberry-pi-pico", "rp2040/uart_port.h", "NVIC_ISPR = 1u << RP2040_UART0_IRQ;", "", "both wait"),
        ("lpc845-brk", "lpc8xx/port.c", "SYSCON_FRODIRECTCLKUEN = 1;", "", "runs its UART at"),
    ],
)
def test_a_port_with_a_defect_is_found(  # noqa: PLR0917
    tmp_path: Path, name: str, file: str, right: str, wrong: str, why: str
) -> None:
    root = Path(shutil.copytree(firmware_dir(), tmp_path / "firmware", ignore=shutil.ignore_patterns("build")))
    source = root / "port" / file
    text = source.read_text()
    assert text.count(right) == 1
    source.write_text(text.replace(right, wrong))
    artefact = build(load_board(name), firmware_root=root)
    assert artefact.bin is not None
    with pytest.raises(AssertionError, match=why):
        connected(name, artefact.bin.read_bytes())[1].identify()
