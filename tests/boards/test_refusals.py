"""What a port cannot do is refused by line and key before a build, and by CMake and C where nobody asked hil."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import cmake
import ninja
import pytest

from hil.board import load_board, load_board_file
from hil.build_plan import plan_build
from hil.dut.board_check import check_board
from hil.errors import InputError
from hil.resources import boards_dir, firmware_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

SPI = "\n  spi: {max_hz: 1000000, nss: PA4, sck: PA5, miso: PA6, mosi: PA7}"


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "says"),
    [
        ("nucleo-l053", "rx: PA3}", "rx: PA10}", "links.uart.rx", "cannot receive on 'PA10'"),
        ("nucleo-l053", "bytes: 0x800}", "bytes: 0x1000}", "memory.eeprom.bytes", "has 0x800 bytes"),
        ("nucleo-l073", "bytes: 0x5000}", "bytes: 0x8000}", "memory.ram.bytes", "has 0x5000 bytes"),
        ("nucleo-f072", "clock_hz: 48000000", "clock_hz: 24000000", "clock_hz", "cannot set up 24000000 Hz"),
        ("nucleo-f072", "rx: PA3}", f"rx: PA3}}{SPI}", "links.spi", "has no link over SPI"),
        ("nucleo-f072", "marker: PA8", "marker: PA14", "marker", "cannot raise a marker on 'PA14'"),
        ("nucleo-f072", "bytes: 0x4000}", "bytes: 0x8000}", "memory.ram.bytes", "has 0x4000 bytes"),
        ("nucleo-f091", "cortex-m0\n", "cortex-m0plus\n", "core", "is for a cortex-m0, not cortex-m0plus"),
        ("stm32f0-discovery", "baud: 115200", "baud: 4000000", "links.uart.baud", "a divider of 12, not from 16"),
        ("nucleo-f072", "part: STM32F072RB", "part: STM32G031K8", "part", "is for parts STM32F0…, not STM32G031K8"),
        ("lpc845-brk", "part: LPC845M301JBD48", "part: LPC824M201", "part", "is for parts LPC84…, not LPC824M201"),
        ("stm32f0-discovery", "0x400, e", "0x800, e", "", ""),  # pages differ within the family
        ("frdm-kl25z", "clock_hz: 48000000", "clock_hz: 24000000", "clock_hz", "cannot set up 24000000 Hz"),
        ("frdm-kl25z", "tx: PTA2", "tx: PTB1", "links.uart.tx", "cannot transmit on 'PTB1'"),
        ("frdm-kl25z", "baud: 115200", "baud: 4500000", "links.uart.baud", "makes 6000000 baud of it"),
        ("frdm-kl25z", "marker: PTD4", "marker: PTA3", "marker", "cannot raise a marker on 'PTA3'"),
        ("frdm-kl25z", "marker: PTD4", "marker: PTE18", "marker", "has no pin 'PTE18'"),
        ("frdm-kl25z", "marker: PTD4", "marker: PTA2", "marker", "the link needs 'PTA2'"),
        ("raspberry-pi-pico", "125000000  ", "133000000  ", "clock_hz", "cannot set up 133000000 Hz"),
        ("raspberry-pi-pico", "tx: GP0", "tx: GP4", "links.uart.tx", "cannot transmit on 'GP4'"),
        ("raspberry-pi-pico", "0x42000}", "0x43000}", "memory.ram.bytes", "has 0x42000 bytes"),
        ("lpc845-brk", "tx: PIO0_25", "tx: PIO0_2", "links.uart.tx", "cannot transmit on 'PIO0_2'"),
        ("lpc845-brk", "0x3FE0}", "0x4000}", "memory.ram.bytes", "has 0x3fe0 bytes"),
        ("lpc845-brk", "baud: 115200", "baud: 460800", "links.uart.baud", "makes 500000 baud of it"),
    ],
)
def test_by_line_and_key(  # noqa: PLR0917
    tmp_path: Path, name: str, old: str, new: str, key: str, says: str
) -> None:
    good = (boards_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    assert good.count(old) == 1
    path = tmp_path / f"{name}.yaml"
    path.write_text(good.replace(old, new), encoding="utf-8")
    board = load_board_file(path)
    if not key:
        check_board(board)
        return
    with pytest.raises(InputError, match=rf"^board file {path}, line \d+, key '{key}'.*{says}"):
        check_board(board)


def configured(name: str, folder: Path, changes: Mapping[str, str]) -> str:
    """What CMake says of a board's facts with some of them changed."""
    plan = plan_build(load_board(name))
    variables = {
        "CMAKE_TOOLCHAIN_FILE": str(plan.root / "cmake" / "arm-none-eabi.cmake"),
        "CMAKE_MAKE_PROGRAM": str(Path(ninja.BIN_DIR) / "ninja"),
        "CMAKE_C_COMPILER_WORKS": "1",
        "CMAKE_ASM_COMPILER_WORKS": "1",
        **plan.facts,
        **changes,
    }
    done = subprocess.run(
        [
            str(Path(cmake.CMAKE_BIN_DIR) / "cmake"),
            *("-S", str(firmware_dir()), "-B", str(folder), "-G", "Ninja"),
            *(f"-D{key}={value}" for key, value in variables.items()),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "variable", "value", "says"),
    [
        ("nucleo-f072", "HIL_UART_RX", "PA10", "receives on PA3 or PA15"),
        ("frdm-kl25z", "HIL_UART_TX", "PTB1", "UART0 of a KL25 has no TX"),
        ("frdm-kl25z", "HIL_MARKER", "PTA20", "which the link, the debugger, the crystal or reset needs"),
        ("raspberry-pi-pico", "HIL_LINK", "spi", "has no link over SPI"),
        ("lpc845-brk", "HIL_MARKER", "PIO0_25", "which the link needs"),
    ],
)
def test_by_cmake(tmp_path: Path, name: str, variable: str, value: str, says: str) -> None:
    assert says in configured(name, tmp_path / "build", {variable: value})


@pytest.mark.parametrize("name", ["nucleo-f072", "frdm-kl25z", "raspberry-pi-pico", "lpc845-brk"])
@pytest.mark.parametrize(
    ("define", "says"), [("BOARD_CLOCK_HZ=7000000u", "clock_hz"), ("BOARD_UART_BAUD=20000000u", "baud")]
)
def test_by_the_compiler(tmp_path: Path, name: str, define: str, says: str) -> None:
    """The one file of the port that has the say."""
    board = load_board(name)
    (tmp_path / "board.h").write_text(
        "".join(
            f"#ifndef {macro}\n#define {macro} {value}u\n#endif\n"
            for macro, value in (
                ("BOARD_CLOCK_HZ", board.clock_hz),
                ("BOARD_UART_BAUD", 115200),
                ("BOARD_FETCH_WAITS", 1),
            )
        )
        + "".join(f"#define BOARD_UART_{line}_{what} 1u\n" for line in ("TX", "RX") for what in ("PORT", "PIN", "MUX")),
    )
    port = firmware_dir() / "port"
    folder = port / board.port
    file = "uart.c" if says == "baud" and (folder / "uart.c").exists() else "clock.c"
    source = next(path for path in (folder / file, folder / "port.c") if path.exists())
    if says == "baud" and file == "clock.c":
        source = folder / "port.c"
    includes = [
        tmp_path,
        folder,
        port,
        *(port / each for each in ("armv6m", "stm32", "uart", "marker")),
        firmware_dir() / "agent",
    ]
    command = [
        "arm-none-eabi-gcc",
        "-fsyntax-only",
        "-mcpu=cortex-m0",
        "-mthumb",
        "-std=c11",
        *(f"-I{each}" for each in includes),
    ]
    good = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    bad = subprocess.run([*command, f"-D{define}", str(source)], capture_output=True, text=True, check=False)
    assert bad.returncode != 0
    assert says in bad.stderr
