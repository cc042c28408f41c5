"""What a port serves, pins, clocks and baud rates, as hil (port.yaml), CMake (port.cmake) and C say it: the same."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from pathlib import Path

import cmake
import pytest

from hil.port import Port, each_pin
from hil.resources import firmware_dir
from hil.yaml_file import load_yaml

PORTS = firmware_dir() / "port"
NAMES = sorted(path.parent.name for path in PORTS.glob("*/port.yaml"))
LINES = ("uart.tx", "uart.rx", "spi.nss", "spi.sck", "spi.miso", "spi.mosi", "spi.data_ready", "marker")
DECIDES = {"baud": ("uart.c", "port.c"), "clock_hz": ("clock.c", "port.c")}
"""The file that has the say is the first of these that a port has."""
ASKED = """\
foreach(command target_sources target_compile_definitions target_include_directories target_link_options
        target_link_libraries target_compile_options set_target_properties set_source_files_properties
        add_custom_command)
  function(${command})
  endfunction()
endforeach()
set(HIL_UART_BAUD 115200)
set(HIL_SPI_MODE 0)
set(HIL_SPI_DATA_READY "")
set(HIL_MARKER "")
function(ask)
  foreach(fact ${ARGN})
    string(REPLACE "=" ";" fact ${fact})
    list(GET fact 0 name)
    list(GET fact 1 value)
    set(HIL_${name} ${value})
  endforeach()
  include(port/${port}/port.cmake)
endfunction()
"""


@cache
def port_file(name: str) -> Port:
    return load_yaml(PORTS / name / "port.yaml", Port, "port file")


def listed(name: str, line: str) -> tuple[str, ...] | None:
    """The pins of a line; None where the port has no such link, or takes any."""
    value: object = port_file(name)
    for part in line.split("."):
        value = getattr(value, part, None)
    return None if value is None else tuple(each_pin(value))  # type: ignore[arg-type]


def every_pin(name: str) -> list[str]:
    """All that the port's file names anywhere, and for each bank of pins one that no chip has."""
    named = chain.from_iterable(listed(name, line) or () for line in LINES)
    packages = chain.from_iterable(each_pin(pins) for pins in port_file(name).packages.values())
    pins = dict.fromkeys(chain(named, packages))
    banks = {re.sub(r"\d+$", "", pin) for pin in pins}
    return [*pins, *(f"{bank}99" for bank in sorted(banks))]


def facts(name: str, line: str, pin: str) -> dict[str, str] | None:
    """Of a build with a pin on a line, and others on the other lines; None where one of those must have it."""
    found = {"LINK": "spi" if line.startswith("spi.") else "uart"}
    taken = {pin}
    for other in LINES:
        pins = listed(name, other)
        if pins is None or (other == "marker" != line) or (other.startswith("spi.") and found["LINK"] == "uart"):
            continue
        free = pin if other == line else next((each for each in pins if each not in taken), None)
        if free is None:
            return None
        taken.add(free)
        found[other.upper().replace(".", "_")] = free
    return found


def cmake_says(name: str, folder: Path, builds: list[dict[str, str]]) -> str:
    """What CMake has against the first of the builds that it has something against; empty where nothing."""
    script = folder / f"{abs(hash(str(builds)))}.cmake"
    calls = (" ".join(f'"{key}={value}"' for key, value in build.items()) for build in builds)
    script.write_text(ASKED.replace("${port}", name) + "".join(f"ask({call})\n" for call in calls))
    command = [str(Path(cmake.CMAKE_BIN_DIR) / "cmake"), "-P", str(script)]
    done = subprocess.run(command, cwd=firmware_dir(), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else " ".join(done.stderr.split())


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", NAMES)
def test_cmake_takes_the_pins_that_the_file_lists_and_no_other(tmp_path: Path, name: str, line: str) -> None:
    pins = listed(name, line)
    if pins is None:
        assert line.startswith("spi."), "each port has a UART, and says which markers it raises"
        assert "no link over SPI" in cmake_says(name, tmp_path, [{"LINK": "spi"}])
        return
    builds = [build for pin in pins if (build := facts(name, line, pin)) is not None]
    assert len(builds) >= len(pins) - 2, "two at most are those of the link alone"
    assert not cmake_says(name, tmp_path, builds)
    others = [pin for pin in every_pin(name) if pin not in pins]
    assert others
    wrong = [build for pin in others if (build := facts(name, line, pin)) is not None]
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(lambda build: cmake_says(name, tmp_path, [build]), wrong)
        for build, words in zip(wrong, said, strict=True):
            assert f"HIL_{line.upper().replace('.', '_')} is '" in words, build


def compiler_says(name: str, folder: Path, what: str, clock_hz: int, baud: int) -> str:
    """What C has against a clock or a baud rate; empty where nothing."""
    flash = port_file(name).flash
    assert flash is not None
    waits = next((step.cycles for step in flash.fetch_wait_states if clock_hz <= step.up_to_hz), 0)
    define = {"BOARD_CLOCK_HZ": clock_hz, "BOARD_UART_BAUD": baud, "BOARD_FETCH_WAITS": waits}
    pins = [f"BOARD_UART_{line}_{fact}" for line in ("TX", "RX") for fact in ("PORT", "PIN", "MUX")]
    (folder / "board.h").touch()
    source = next(path for each in DECIDES[what] if (path := PORTS / name / each).exists())
    includes = [folder, source.parent, PORTS, firmware_dir() / "agent"]
    includes += [PORTS / each for each in ("armv6m", "stm32", "uart", "marker")]
    command = ["arm-none-eabi-gcc", "-fsyntax-only", "-mcpu=cortex-m0", "-mthumb", "-std=c11"]
    command += [f"-I{each}" for each in includes] + [f"-D{key}={value}u" for key, value in define.items()]
    command += [f"-D{pin}=1u" for pin in pins]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False)
    return done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_c_takes_the_clocks_that_the_file_lists_and_no_other(tmp_path: Path, name: str) -> None:
    clocks = port_file(name).clock_hz
    assert clocks
    for clock_hz in clocks:
        assert not compiler_says(name, tmp_path, "clock_hz", clock_hz, 115200)
        assert "board's clock_hz is" in compiler_says(name, tmp_path, "clock_hz", clock_hz + 1, 115200)


@pytest.mark.parametrize("name", NAMES)
def test_c_takes_the_baud_rates_that_the_file_does(tmp_path: Path, name: str) -> None:
    """Usual ones, and those about the limits."""
    port = port_file(name)
    assert port.uart is not None
    assert port.clock_hz
    bauds = port.uart.baud
    verdicts = set()
    for clock_hz in port.clock_hz:
        asked = {9600, 115200, 460800, 921600, 1000000}
        for divider in filter(None, (bauds.least_divider, bauds.most_divider)):
            edge = clock_hz // divider
            asked |= {edge, edge * 101 // 100, edge * 99 // 100, edge * 11 // 10, edge * 9 // 10}
        if bauds.least_divider is None:
            asked |= {bauds.least, bauds.least - 1, bauds.most or 1, (bauds.most or 1) + 1}
        for baud in sorted(asked - {0}):
            mistake = bauds.mistake(baud, clock_hz)
            said = compiler_says(name, tmp_path, "baud", clock_hz, baud)
            assert ("no such baud rate" in said) == bool(said) == bool(mistake), (clock_hz, baud, mistake, said)
            verdicts.add(bool(mistake))
    assert verdicts == {True, False}
