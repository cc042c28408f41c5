"""A board's file that does not fit its part, its port or its emulators: told by file, line and key before a build."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hil.backends import LISTED
from hil.board import Board, board_names, load_board, load_board_file
from hil.build import build
from hil.dut.board_check import check_board
from hil.emulator.twin.parts import KINDS
from hil.emulator.twin.stm32l031 import flash as twin_flash
from hil.emulator.twin.stm32l031 import part as twin_part
from hil.emulator.twin.stm32l031.variant import SERIAL_TX, STM32L031, STM32L053, Variant
from hil.errors import BuildError, InputError
from hil.port import Port
from hil.probe.flash_region import STM32L0
from hil.probe.targets import find_target
from hil.resources import boards_dir, firmware_dir
from hil.sources import firmware_sources
from hil.yaml_file import load_yaml


@pytest.mark.parametrize("name", board_names())
def test_a_shipped_board_fits(name: str) -> None:
    check_board(load_board(name))


@pytest.mark.parametrize(
    ("name", "old", "new", "key", "says", "hint"),
    [
        ("nucleo-l031", "bytes: 0x400}", "bytes: 0x800}", "memory.eeprom.bytes", "has 0x400 bytes", "0x400 or less"),
        (
            "nucleo-l031",
            "bytes: 0x2000}\n  e",
            "bytes: 0x4000}\n  e",
            "memory.ram.bytes",
            "0x2000 bytes from 0x20000000",
            "0x2000 or",
        ),
        (
            "nucleo-l031",
            "bytes: 0x8000,",
            "bytes: 0x8080,",
            "memory.flash.bytes",
            "0x8000 bytes from 0x08000000",
            "0x8000 or less",
        ),
        (
            "nucleo-l031",
            "n: 0x20000000",
            "n: 0x10000000",
            "memory.ram.origin",
            "at 0x10000000 the part has no ram",
            "at 0x20000000",
        ),
        (
            "nucleo-l031",
            "erased_byte: 0x00",
            "erased_byte: 0xFF",
            "memory.flash.erased_byte",
            "reads 0x00, not 0xff",
            "erased_byte: 0x00",
        ),
        (
            "nucleo-l031",
            "page_bytes: 0x80",
            "page_bytes: 0x400",
            "memory.flash.page_bytes",
            "0x80 bytes at a time",
            "page_bytes: 0x80",
        ),
        (
            "nucleo-l031",
            "stm32l031x6",
            "stm32l031k6",
            "pyocd_target",
            "no target 'stm32l031k6'",
            "did you mean 'stm32l031x6'?",
        ),
        (
            "nucleo-l031",
            "port: stm32l0 ",
            "port: stm32l ",
            "port",
            "there is no folder stm32l in ",
            "did you mean 'stm32l0'?",
        ),
        (
            "nucleo-l031",
            "core: cortex-m0plus",
            "core: cortex-m0",
            "core",
            "is for a cortex-m0plus",
            "write core: cortex-m0plus",
        ),
        (
            "nucleo-l031",
            "\nclock_hz: 16000000 ",
            "\nclock_hz: 24000000 ",
            "clock_hz",
            "set up 24000000 Hz",
            "16000000 or 32000000",
        ),
        ("nucleo-l031", "marker: PA8", "marker: PD8", "marker", "cannot raise a marker on 'PD8'", "PB0..PB15"),
        ("nucleo-l031", "marker: PA8", "marker: PA14", "marker", "cannot raise a marker on 'PA14'", "PA0..PA12, PA15"),
        ("nucleo-l031", "marker: PA8", "marker: PA15", "marker", "the link needs 'PA15'", "free pin"),
        ("nucleo-l031", "tx: PA2,", "tx: PA9,", "links.uart.tx", "cannot transmit on 'PA9'", "pins that can: PA2"),
        ("nucleo-l031", "rx: PA15}", "rx: pa15}", "links.uart.rx", "cannot receive on 'pa15'", "did you mean 'PA15'?"),
        (
            "nucleo-l031",
            ", rx: PA15}",
            "} #",
            "links.uart.rx",
            "names no pin to receive on",
            "pins that can: PA3, PA15",
        ),
        (
            "nucleo-l031",
            "baud: 115200",
            "baud: 921600",
            "links.uart.baud",
            "makes 941176 baud of it, 2.1% off",
            "write baud: 1000000;",
        ),
        (
            "nucleo-l031",
            "baud: 115200",
            "baud: 2000000",
            "links.uart.baud",
            "a divider of 8, not from 16",
            "write baud: 1000000;",
        ),
        ("nucleo-l031", "baud: 115200", "baud: 100", "links.uart.baud", "a divider of 160000", "write baud: 9600;"),
        ("nucleo-l031", "baud: 115200", "baud: 0", "links.uart.baud", "needs a baud rate", "write baud: 9600;"),
        (
            "nucleo-l031",
            "nss: PA4",
            "nss: PA5",
            "links.spi.nss",
            "cannot be selected by 'PA5'",
            "pins that can: PA4, PA15",
        ),
        ("nucleo-l031", "nss: PA4", "nss: PA15", "links.spi.nss", "'PA15' is links.uart.rx already", "a free pin"),
        ("nucleo-l031", "miso: PA6", "miso: pa6", "links.spi.miso", "cannot send over SPI on 'pa6'", "mean 'PA6'?"),
        ("nucleo-l031", "mosi: PA7", "mosi: PA6", "links.spi.mosi", "receive over SPI on 'PA6'", "PA7, PA12, PB5"),
        (
            "nucleo-l031",
            "data_ready: PB1",
            "data_ready: PA7",
            "links.spi.data_ready",
            "'PA7' is links.spi.mosi",
            "free",
        ),
        (
            "nucleo-l031",
            "data_ready: PB1",
            "data_ready: PA8",
            "links.spi.data_ready",
            "'PA8' is marker already",
            "free",
        ),
        ("nucleo-l031", "data_ready: PB1", "data_ready: PB9", "links.spi.data_ready", "has no pin 'PB9'", "PB0..PB8"),
        (
            "nucleo-l031",
            "max_hz: 8000000",
            "max_hz: 9000000",
            "links.spi.max_hz",
            "of 8000000 Hz at most",
            "max_hz: 8000000",
        ),
        (
            "nucleo-l031",
            "{backend: twin}",
            "{backend: qemu}",
            "emulators.0.backend",
            "the nRF51, not the STM32L031K6",
            "leave it out",
        ),
        (
            "nucleo-l031",
            "eeprom: {origin: 0x08080000",
            "eeprom: {origin: 0x08090000",
            "memory.eeprom.origin",
            "at 0x08090000 the part has no eeprom",
            "it begins at 0x08080000",
        ),
        (
            "nucleo-l031",
            "multiply_cycles: 1 ",
            "multiply_cycles: 32 ",
            "timing.multiply_cycles",
            "on the parts of port 'stm32l0' MULS takes 1, not 32 cycles",
            "write multiply_cycles: 1",
        ),
        (
            "nucleo-l031",
            "{origin: 0x50000000, bytes: 0x2000}",
            "{origin: 0x50000000, bytes: 0x100}",
            "timing.single_cycle_port.bytes",
            "have 0x2000 bytes from 0x50000000 on, not 0x100",
            "single_cycle_port: {origin: 0x50000000, bytes: 0x2000}",
        ),
        (
            "nucleo-l031",
            "{origin: 0x50000000, bytes: 0x2000}",
            "{origin: 0x40000000, bytes: 0x2000}",
            "timing.single_cycle_port.origin",
            "from 0x50000000 on, not from 0x40000000",
            "single_cycle_port: {origin: 0x50000000, bytes: 0x2000}",
        ),
        (
            "nucleo-l031",
            "name: SysTick",
            "name: TIM9",
            "counter.name",
            "counts with SysTick, not TIM9",
            "name: SysTick",
        ),
        ("nucleo-l031", "bits: 24", "bits: 32", "counter.bits", "which has 24 bits, not 32", "write bits: 24"),
        (
            "nucleo-l031",
            "fetch_wait_states: [{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 1}]",
            "fetch_wait_states: [{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 2}]",
            "memory.flash.fetch_wait_states",
            "port 'stm32l0' sets 1, not 2 wait states at 32000000 Hz",
            "[{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 1}]",
        ),
        (
            "nucleo-l031",
            "fetch_wait_states: [{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 1}]",
            "fetch_wait_states: [{up_to_hz: 16000000, cycles: 1}]",
            "memory.flash.fetch_wait_states",
            "sets 0, not 1 wait states at 16000000 Hz",
            "[{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 1}]",
        ),
        ("nucleo-l031", "marker: PA8", "marker: PC7", "marker", "the STM32L031K6 has no pin 'PC7'", "PB0..PB8, PC14"),
        (
            "nucleo-l031",
            "rx: PA15}",
            "rx: PA3}",
            "links.uart.rx",
            "backend 'twin' has its serial port's rx on PA15 alone, not on 'PA3'",
            "leave the emulator out",
        ),
        (
            "microbit",
            "multiply_cycles: 1}",
            "multiply_cycles: 32}",
            "timing.multiply_cycles",
            "on the parts of port 'nrf51' MULS takes 1, not 32 cycles",
            "write multiply_cycles: 1",
        ),
        ("microbit", "name: TIMER0", "name: TIMER1", "counter.name", "counts with TIMER0, not TIMER1", "name: TIMER0"),
        ("microbit", "bytes: 0x4000}\n", "bytes: 0x8000}\n", "memory.ram.bytes", "0x4000 bytes", "pyocd_target"),
        (
            "microbit",
            "clock_hz: 16000000",
            "clock_hz: 32000000",
            "clock_hz",
            "set up 32000000 Hz",
            "write clock_hz: 16000000",
        ),
        ("microbit", "tx: P0.24", "tx: P0.32", "links.uart.tx", "cannot transmit on 'P0.32'", "P0.0..P0.31"),
        ("microbit", "rx: P0.25", "rx: P0.24", "links.uart.rx", "'P0.24' is tx already", "the pin that receives"),
        (
            "microbit",
            "baud: 115200",
            "baud: 300",
            "links.uart.baud",
            "300 baud is not from 1200 to 1000000",
            "write baud: 9600;",
        ),
        ("microbit", "image_slot:", "marker: P0.1\nimage_slot:", "marker", "raises no marker", "leave the key out"),
        (
            "microbit",
            "machine: microbit",
            "machine: micro-bit",
            "emulators.0.machine",
            "no machine 'micro-bit'",
            "'microbit'?",
        ),
        (
            "microbit",
            "qemu, machine: microbit",
            "qemu",
            "emulators.0.machine",
            "missing",
            "known machines: microbit",
        ),
    ],
)
def test_a_mistake_is_named_by_file_line_and_key(  # noqa: PLR0917
    tmp_path: Path, name: str, old: str, new: str, key: str, says: str, hint: str
) -> None:
    good = (boards_dir() / f"{name}.yaml").read_text(encoding="utf-8")
    assert good.count(old) == 1
    path = tmp_path / f"{name}.yaml"
    path.write_text(good.replace(old, new), encoding="utf-8")
    line = 1 + good.count("\n", 0, good.index(old.lstrip("\n")))
    with pytest.raises(InputError) as caught:
        check_board(load_board_file(path))
    assert caught.value.message.startswith(f"board file {path}, line {line}, key '{key}': ")
    assert says in caught.value.message
    assert caught.value.hint is not None
    assert hint in caught.value.hint


def test_what_is_left_out_and_is_not_what_the_part_has_is_named_too(tmp_path: Path) -> None:
    good = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8")
    assert good.count(", erased_byte: 0x00") == 1
    path = tmp_path / "nucleo-l031.yaml"
    path.write_text(good.replace(", erased_byte: 0x00", ""), encoding="utf-8")
    where = rf"^board file {path}, line \d+, key 'memory\.flash\.erased_byte': erased flash .* reads 0x00, not 0xff\n"
    with pytest.raises(InputError, match=where):
        check_board(load_board_file(path))


def test_a_single_cycle_port_that_is_left_out_is_named_too(tmp_path: Path) -> None:
    good = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8")
    assert good.count("  single_cycle_port:") == 1
    path = tmp_path / "nucleo-l031.yaml"
    path.write_text(good.replace("  single_cycle_port:", "  #"), encoding="utf-8")
    where = (
        rf"^board file {path}, line \d+, key 'timing\.single_cycle_port': missing, and the parts .* have 0x2000 bytes"
    )
    with pytest.raises(InputError, match=where):
        check_board(load_board_file(path))


@pytest.mark.parametrize(
    "listed",
    [
        "[{up_to_hz: 16000000, cycles: 0}]",
        "[{up_to_hz: 24000000, cycles: 0}, {up_to_hz: 48000000, cycles: 1}]",
        "[]",
    ],
)
def test_wait_states_that_say_the_same_in_other_words_fit(tmp_path: Path, listed: str) -> None:
    good = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8")
    shipped = "[{up_to_hz: 16000000, cycles: 0}, {up_to_hz: 32000000, cycles: 1}]"
    assert good.count(shipped) == 1
    path = tmp_path / "nucleo-l031.yaml"
    path.write_text(good.replace(shipped, listed), encoding="utf-8")
    check_board(load_board_file(path))


def test_what_another_part_of_the_family_has_fits(tmp_path: Path) -> None:
    """Pins of a larger package, and a serial port where the twin has none."""
    good = (boards_dir() / "nucleo-l031.yaml").read_text(encoding="utf-8")
    path = tmp_path / "nucleo-l031.yaml"
    larger = good.replace("part: STM32L031K6", "part: STM32L031C6").replace("marker: PA8", "marker: PC13")
    path.write_text(larger, encoding="utf-8")
    check_board(load_board_file(path))
    path.write_text(larger.replace("rx: PA15}", "rx: PA3}").partition("emulators:")[0], encoding="utf-8")
    check_board(load_board_file(path))


def test_a_board_that_came_from_no_file_is_named_by_its_name() -> None:
    board = Board.model_validate(load_board("nucleo-l031").model_dump() | {"port": "stm32l1"})
    with pytest.raises(InputError, match=r"^board 'nucleo-l031', key 'port': there is no folder stm32l1 in "):
        check_board(board)


def test_a_port_that_tells_nothing_of_itself_has_its_say_in_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIL_CACHE_DIR", str(tmp_path / "cache"))
    sources = Path(shutil.copytree(firmware_dir(), tmp_path / "firmware", ignore=shutil.ignore_patterns("build")))
    board = load_board("nucleo-l031").model_copy(update={"clock_hz": 24_000_000})
    with pytest.raises(InputError, match="cannot set up 24000000 Hz"):
        check_board(board, sources)
    (sources / "port" / "stm32l0" / "port.yaml").unlink()
    check_board(board, sources)
    with pytest.raises(BuildError, match="clock_hz is neither 16000000 nor 32000000"):
        build(board, firmware_root=sources)


def test_a_ports_own_file_is_read_as_strictly(tmp_path: Path) -> None:
    path = tmp_path / "port.yaml"
    path.write_text("clock_hz: [1]\nmarker: [PA0..PB3]\n", encoding="utf-8")
    with pytest.raises(InputError, match=rf"port file {path}, line 2, key 'marker': 'PA0..PB3' is no range of pins"):
        load_yaml(path, Port, "port file")


def test_what_a_port_says_of_itself_is_no_part_of_the_firmware(tmp_path: Path) -> None:
    sources = Path(shutil.copytree(firmware_dir(), tmp_path / "firmware", ignore=shutil.ignore_patterns("build")))
    before = firmware_sources(sources, "stm32l0")
    (sources / "port" / "stm32l0" / "port.yaml").unlink()
    assert firmware_sources(sources, "stm32l0") == before


@pytest.mark.parametrize(("target", "variant"), [("stm32l031x6", STM32L031), ("stm32l053r8tx", STM32L053)])
def test_what_the_twin_has_is_what_pyocd_says_of_the_part(target: str, variant: Variant) -> None:
    known = find_target(target)
    assert known is not None
    regions = {region.name: (region.start, region.length) for region in known.MEMORY_MAP}
    assert regions["Flash"] == (twin_flash.FLASH_ORIGIN, variant.flash_bytes)
    assert regions["EEPROM"] == (twin_flash.EEPROM_ORIGIN, variant.eeprom_bytes)
    assert regions["RAM"] == (twin_part.RAM_ORIGIN, variant.ram_bytes)
    flash = load_yaml(firmware_dir() / "port" / "stm32l0" / "port.yaml", Port, "port file").flash
    assert flash is not None
    assert (flash.page_bytes, flash.erased_byte) == (twin_flash.PAGE_BYTES, STM32L0.erased)


def test_what_the_twin_has_is_what_the_list_and_the_port_say_of_it() -> None:
    pins = {each.name: (SERIAL_TX, each.serial_rx) for each in (STM32L031, STM32L053)}
    assert LISTED["twin"].serial_pins == pins
    assert LISTED["twin"].parts == tuple(kind.name for kind in KINDS)
    port = load_yaml(firmware_dir() / "port" / "stm32l0" / "port.yaml", Port, "port file")
    assert port.single_cycle_port is not None
    has = (port.single_cycle_port.origin, port.single_cycle_port.bytes)
    assert has == (twin_part.PORTS_ORIGIN, twin_part.PORTS_BYTES)
