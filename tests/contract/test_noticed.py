"""What the twin notices of a firmware reaches whoever runs it: with its result, or as the cause of what went wrong."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut.opening import open_dut
from hil.dut.options import DutOptions
from hil.emulator import registry
from hil.errors import LinkError
from hil.link.client import AgentClient
from hil.report.json_file import run_json
from hil.report.properties import run_properties
from hil.resources import examples_dir
from tests.host_c import REPO

if TYPE_CHECKING:
    from pathlib import Path

BOARD = load_board("nucleo-l031")
NETWORKS = examples_dir() / "networks"
MODEL, VECTORS = NETWORKS / "tiny_dense.model.npz", NETWORKS / "tiny_dense.vectors.npz"
TIMEOUT_S = 90
TIM21 = "TIM21 is accessed while its bus clock is off (PC 0x0800"


@pytest.fixture(autouse=True)
def _own_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


def changed(root: Path, right: str, wrong: str, file: str = "stm32l0/port.c") -> Path:
    """The firmware with one line of its port changed."""
    shutil.copytree(REPO / "firmware", root)
    port = root / "port" / file
    source = port.read_text()
    assert source.count(right) == 1
    port.write_text(source.replace(right, wrong))
    return root


def test_with_the_result_of_a_run(tmp_path: Path) -> None:
    line = "    systick_start();\n}"
    root = changed(tmp_path / "firmware", line, "    STM32L0_REGISTER(0x40010800u) = 1u; /* TIM21_CR1 */\n" + line)
    with open_dut(BOARD, DutOptions(firmware_root=root)) as dut:
        result = dut.run(MODEL, VECTORS)
    (sentence,) = result.provenance.noticed
    assert sentence.startswith(TIM21)
    assert str(result.provenance).endswith(f"; the emulator noticed: {sentence}")
    assert run_json(result)["noticed"] == [sentence]
    assert run_properties(result)["hil_noticed"] == sentence


def test_nothing_of_the_firmware_as_it_is() -> None:
    with open_dut(BOARD) as dut:
        result = dut.run(MODEL, VECTORS)
    assert result.provenance.noticed == ()
    assert "noticed" not in str(result.provenance)
    assert "hil_noticed" not in run_properties(result)


def serial_port(board: str) -> str:
    found = registry.connect(board)
    assert found is not None
    found[0].close()
    return str(found[1]["serial_path"])


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=TIMEOUT_S)
    return printed


def hil(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hil", *arguments]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=REPO
    )


def test_at_the_end_of_emulate_and_of_monitor(tmp_path: Path) -> None:
    line = "    systick_start();\n}"
    root = changed(tmp_path / "firmware", line, "    STM32L0_REGISTER(0x40010800u) = 1u; /* TIM21_CR1 */\n" + line)
    with open_dut(BOARD, DutOptions(firmware_root=root)):
        pass
    keeper = hil("emulate", BOARD.name)
    assert keeper.stdout is not None
    while "Ctrl-C" not in keeper.stdout.readline():
        pass
    with AgentClient(serial_port(BOARD.name), board_name=BOARD.name) as client:  # it has started
        client.echo(b"")
    printed = ended(keeper)
    assert f"the emulator noticed: {TIM21}" in printed
    assert printed.endswith(f"{BOARD.title} is off\n")
    listener = hil("monitor", BOARD.name, "--seconds", "1")
    printed, _ = listener.communicate(timeout=TIMEOUT_S)
    assert f"the emulator noticed: {TIM21}" in printed.replace("\n", " ")
    assert listener.returncode == 0


def test_as_the_cause_of_a_silent_link(tmp_path: Path) -> None:
    root = changed(tmp_path / "firmware", "GPIO_AFR_FUNCTION(STM32_USART2_AF, pin)", "0", "stm32/usart2.c")
    with pytest.raises(LinkError) as caught, open_dut(BOARD, DutOptions(firmware_root=root)):
        pass
    assert caught.value.cause is not None
    noticed = "the emulator noticed: a byte for USART2 is lost: PA15 is not set to alternate function 4 (USART2_RX)"
    assert noticed in caught.value.cause
