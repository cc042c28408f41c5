"""A firmware that has stopped: a user of stock pyOCD reads why, and so does the terminal of ``hil emulate``, once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.contract.keeper import printed_when_powered
from tests.contract.test_noticed import ended, hil
from tests.contract.test_pyocd_commands import TIMEOUT_S, emulate, gdb, gdbserver, pyocd
from tests.contract.tiny_firmware import SOURCE, TinyFirmware, build

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOARD = "nucleo-l031"
OPTIONS = ("-u", f"emulated:{BOARD}", "-t", "stm32l031x6")
START = "    ready = 0x600D;\n"
NO_INSTRUCTION = r"an instruction that ARMv6-M does not have at"
UNDEFINED = '__asm volatile(".short 0xde01");'
# What it does when it has started, and what is to be read of it.
ENDS = {
    "not modelled": (
        "(void)REG(0x40012400);",
        r"stopped: the firmware at (0x080000\w\w) reads a register of ADC1, which the twin does not model",
    ),
    "lockup": (
        f"counter = 0xDEAD; {UNDEFINED}",
        rf"stopped: HardFault by {NO_INSTRUCTION} (0x080000\w\w), then lockup by {NO_INSTRUCTION} 0x080000\w\w",
    ),
    "hard fault": (
        UNDEFINED,
        rf"stopped: HardFault by {NO_INSTRUCTION} (0x080000\w\w)(?!, then)",
    ),
}
UNCLOCKED = "REG(0x40010800) = 1;"  # CR1 of TIM21
NOTICED = "noticed: TIM21 is accessed while its bus clock is off"


@pytest.fixture(autouse=True)
def _own_boards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def firmware(tmp_path: Path) -> Callable[[str], TinyFirmware]:
    def make(does: str) -> TinyFirmware:
        return build(tmp_path, SOURCE.replace(START, START + does), BOARD)

    return make


def told(log: str) -> list[str]:
    """Lines of pyOCD's log with the reason, which must be errors."""
    lines = [line for line in log.splitlines() if " stopped: " in line]
    assert all(re.match(rf"\d+ E emulated:{BOARD} stopped: ", line) for line in lines), log
    return lines


def test_nothing_is_told_of_a_board_without_firmware_and_of_one_that_runs(
    firmware: Callable[[str], TinyFirmware],
) -> None:
    log = pyocd("flash", *OPTIONS, firmware("").hex)
    log += pyocd("reset", *OPTIONS)
    log += pyocd("erase", *OPTIONS, "--chip") + pyocd("reset", *OPTIONS)
    assert "stopped" not in log
    assert "noticed" not in log


@pytest.mark.parametrize("end", ENDS)
def test_flash_and_reset_tell_the_reason_once(firmware: Callable[[str], TinyFirmware], end: str) -> None:
    does, words = ENDS[end]
    made = firmware(does)
    for command in (("flash", *OPTIONS, made.hex), ("reset", *OPTIONS)):
        (line,) = told(pyocd(*command))
        assert re.search(words, line), line


def test_registers_can_be_read_where_the_twin_cannot_go_on(firmware: Callable[[str], TinyFirmware]) -> None:
    does, words = ENDS["not modelled"]
    made = firmware(does)
    pyocd("flash", *OPTIONS, made.hex)
    with emulate(BOARD):
        again = ("-c", "continue", "-c", "sleep 50", "-c", "status", "-c", "reg pc")
        log = pyocd("commander", *OPTIONS, "-O", "connect_mode=attach", "-c", "status", "-c", "reg", *again)
    (line,) = told(log)
    found = re.search(words, line)
    assert found, line
    behind = int(found[1], 16) + 2
    assert re.findall(r"pc(?::| =) 0x(\w{8})", log) == [f"{behind:08x}"] * 2, log
    for register in ("sp", "lr", "xpsr"):
        assert re.search(rf"\b{register}: 0x\w{{8}}", log), log
    assert log.count("Halted") == 2
    assert "cannot read" not in log


def test_a_lockup_is_one_until_the_core_is_halted(firmware: Callable[[str], TinyFirmware]) -> None:
    pyocd("flash", *OPTIONS, firmware(ENDS["lockup"][0]).hex)
    with emulate(BOARD):
        attach = ("-O", "connect_mode=attach", "-c", "status")
        log = pyocd("commander", *OPTIONS, *attach, "-c", "halt", "-c", "status", "-c", "reg xpsr")
    (line,) = told(log)
    assert re.search(ENDS["lockup"][1], line)
    assert log.index("Lockup") < log.index("Halted")
    assert re.search(r"xpsr = 0x\w{6}03", log), log


def test_gdb_comes_back_and_the_server_tells_why(firmware: Callable[[str], TinyFirmware]) -> None:
    made = firmware(ENDS["not modelled"][0])
    logs: list[str] = []
    with gdbserver(BOARD, "stm32l031x6", logs.append) as port:
        output = gdb(
            port, made.elf, "load", "monitor reset halt", "continue", 'printf "AT %x\\n", $pc', "stepi", "continue"
        )
    (line,) = told(logs[0])
    found = re.search(ENDS["not modelled"][1], line)
    assert found, line
    assert output.count("Program received signal SIGSTOP") == 3, output
    assert f"AT {int(found[1], 16) + 2:x}\n" in output, output


def test_what_is_noticed_is_a_warning_once(firmware: Callable[[str], TinyFirmware]) -> None:
    pyocd("flash", *OPTIONS, firmware(UNCLOCKED).hex)
    log = pyocd("commander", *OPTIONS, "-c", "status", "-c", "reset", "-c", "sleep 50", "-c", "status")
    (line,) = [line for line in log.splitlines() if "noticed" in line]
    assert re.match(rf"\d+ W emulated:{BOARD} {NOTICED}", line), log


def test_at_the_end_of_monitor(firmware: Callable[[str], TinyFirmware]) -> None:
    does, words = ENDS["not modelled"]
    pyocd("flash", *OPTIONS, firmware(does).hex)
    printed = hil("monitor", BOARD, "--seconds", "0.5").communicate(timeout=TIMEOUT_S)[0]
    assert re.search(words, " ".join(printed.split())), printed


@pytest.fixture
def keeper() -> Iterator[subprocess.Popen[str]]:
    """``hil emulate`` in a process, to be read from: it has power."""
    process = hil("emulate", BOARD)
    printed_when_powered(process)
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("end", ENDS)
def test_at_the_terminal_of_emulate_when_it_happens_and_once(
    firmware: Callable[[str], TinyFirmware], keeper: subprocess.Popen[str], end: str
) -> None:
    does, words = ENDS[end]
    assert keeper.stdout is not None
    pyocd("flash", *OPTIONS, firmware(does).hex)
    line = keeper.stdout.readline()
    assert re.match(words + "\n", line), line
    pyocd("commander", *OPTIONS, "-O", "connect_mode=attach", "-c", "status", "-c", "sleep 600")
    assert ended(keeper).splitlines() == ["ST NUCLEO-L031K6 is off"]
