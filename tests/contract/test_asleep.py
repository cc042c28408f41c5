"""A core asleep in WFI under a debugger, as on silicon: halted it is awake, let go it goes on behind the WFI."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build as build_agent
from hil.emulator.machine import REGISTERS, Access, CoreState, HaltReason, Status
from hil.emulator.power import power
from hil.flash import FlashSession
from hil.link.client import AgentClient
from tests.contract.emulated import BOARDS, MICROBIT, PLACE_IDS, PLACES, Bench, Emulated
from tests.contract.test_pyocd_commands import gdb, gdbserver, pyocd
from tests.contract.tiny_firmware import SLEEPY_SOURCE, TinyFirmware, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NVIC_PENDING = 0xE000E200
NVIC_ENABLED = 0xE000E100
SOON_S = 5.0  # a stub that never answers is given up after 10 s
SETTLED_S = 0.1
WFI = b"\x30\xbf"


@pytest.fixture(scope="module")
def sleepy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TinyFirmware]:
    return {each.name: build(tmp_path_factory.mktemp("sleepy"), SLEEPY_SOURCE, each.name) for each in BOARDS}


@pytest.fixture(params=PLACES, ids=PLACE_IDS)
def idle(request: pytest.FixtureRequest, tmp_path: Path, sleepy: dict[str, TinyFirmware]) -> Iterator[Bench]:
    board, make = request.param
    with make(board, tmp_path / "state") as (machine, uart_fd):
        bench = Bench(machine, uart_fd, sleepy[board.name], board)
        machine.set_flash_image(bench.firmware.flash_image())
        machine.reset(halt=False)
        bench.until(lambda: bench.word_at(NVIC_ENABLED) == 1 << board.interrupt)
        bench.settle(SETTLED_S)  # now it sleeps: nothing reports that
        assert bench.word("wakes") == 0
        yield bench


def sleeps_at(firmware: TinyFirmware) -> int:
    """Where its WFI is."""
    origin = firmware.flash.origin
    return next(origin + at for at in range(0, 0x400, 2) if firmware.flash_image()[at : at + 2] == WFI)


def send_while_halted(bench: Bench, byte: bytes) -> None:
    """The interrupt is pending afterwards, but on the twin: its time stands still with its core."""
    os.write(bench.uart_fd, byte)
    if bench.board is MICROBIT:
        bench.until(lambda: bench.word_at(NVIC_PENDING) == 1 << bench.board.interrupt)


def test_halted_core_steps_on_behind_the_wfi_and_over_the_next(idle: Bench) -> None:
    machine, sleep, begun = idle.machine, sleeps_at(idle.firmware), time.monotonic()
    machine.halt()
    assert machine.read_register("pc") == sleep + 2
    machine.step()
    assert machine.status() == Status(CoreState.HALTED, HaltReason.STEP)
    assert machine.read_register("pc") == sleep + 4
    while machine.read_register("pc") != sleep:
        machine.step()
    assert idle.word("wakes") == 1
    for mask in (True, False):
        machine.write_register("pc", sleep)
        machine.step(mask_interrupts=mask)
        assert machine.read_register("pc") == sleep + 2
    assert time.monotonic() < begun + SOON_S


def test_every_register_of_a_sleeping_core_is_read_and_it_wakes_once(idle: Bench) -> None:
    machine, begun = idle.machine, time.monotonic()
    machine.halt()
    first = {name: machine.read_register(name) for name in REGISTERS}
    assert {name: machine.read_register(name) for name in reversed(REGISTERS)} == first
    assert first["pc"] == sleeps_at(idle.firmware) + 2
    assert first["msp"] == first["sp"] == idle.board.stack
    assert (first["primask"], first["control"]) == (0, 0)
    machine.resume()
    idle.until(lambda: idle.word("wakes") == 1)
    idle.settle(SETTLED_S)
    assert idle.word("wakes") == 1  # it sleeps again
    assert time.monotonic() < begun + SOON_S


def test_core_that_is_let_go_has_woken(idle: Bench) -> None:
    for times in range(1, 4):
        idle.machine.halt()
        idle.machine.resume()
        idle.until(lambda times=times: idle.word("wakes") == times)
        idle.settle(SETTLED_S)  # it has to get back to sleep


def test_memory_is_read_without_waking_it(idle: Bench) -> None:
    idle.machine.write_memory(0x20001000, b"data")
    assert idle.machine.read_memory(0x20001000, 4) == b"data"
    assert idle.machine.flash_image() == idle.firmware.flash_image()
    idle.settle(SETTLED_S)
    assert idle.word("wakes") == 0


def test_peripherals_are_written_while_it_sleeps(idle: Bench) -> None:
    set_pins, pins = idle.board.pins
    idle.machine.write_memory(set_pins, (1 << 7).to_bytes(4, "little"))
    assert idle.word_at(pins) & 1 << 7
    assert idle.machine.status().state is CoreState.RUNNING


@pytest.mark.parametrize("meanwhile", ["nothing", "step", "registers", "step before", "peripheral"])
def test_interrupt_that_comes_while_halted_is_taken_once_let_go(idle: Bench, meanwhile: str) -> None:
    machine = idle.machine
    machine.halt()
    if meanwhile == "step before":
        machine.step()
    send_while_halted(idle, b"a")
    if meanwhile == "step":
        machine.step()
    elif meanwhile == "registers":
        assert machine.read_register("primask") == 0
    elif meanwhile == "peripheral":
        machine.write_memory(idle.board.pins[0], bytes(4))
    assert idle.word("bytes") == 0
    if idle.board is MICROBIT:
        assert idle.word_at(NVIC_PENDING) == 1 << idle.board.interrupt
    machine.resume()
    idle.until(lambda: idle.word("bytes") == ord("a"))
    os.write(idle.uart_fd, b"b")
    idle.until(lambda: idle.word("bytes") == int.from_bytes(b"ab", "big"))


def test_step_without_a_mask_takes_the_interrupt(idle: Bench) -> None:
    machine = idle.machine
    machine.halt()
    machine.write_memory(NVIC_PENDING, (1 << idle.board.interrupt).to_bytes(4, "little"))
    machine.step(mask_interrupts=False)
    assert machine.read_register("xpsr") & 0x3F == 16 + idle.board.interrupt
    assert machine.read_register("pc") == idle.firmware.symbols["uart"]
    # What is done on the debugger's behalf now must not be interrupted either.
    assert machine.read_register("control") == 0
    machine.resume()
    idle.until(lambda: idle.word("wakes") == 1)


def test_a_debugger_wakes_it_with_an_interrupt(idle: Bench) -> None:
    idle.machine.write_memory(NVIC_PENDING, (1 << idle.board.interrupt).to_bytes(4, "little"))
    idle.until(lambda: idle.word("wakes") == 1)


def test_stops_right_behind_the_wfi_are_met(idle: Bench) -> None:
    machine, woken = idle.machine, sleeps_at(idle.firmware) + 2
    machine.halt()
    machine.set_breakpoint(woken)
    machine.resume()
    idle.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == woken
    machine.remove_breakpoint(woken)
    machine.set_breakpoint(woken + 2)
    machine.resume()
    idle.until_status(CoreState.HALTED, HaltReason.BREAKPOINT)
    assert machine.read_register("pc") == woken + 2
    machine.remove_breakpoint(woken + 2)
    # A load right behind a WFI, with a watchpoint on what it loads.
    machine.write_memory(0x20001000, bytes.fromhex("30bf0868fee7"))  # wfi; ldr r0, [r1]; b .
    machine.set_watchpoint(0x20001100, 4, Access.READ)
    machine.write_register("r1", 0x20001100)
    machine.write_register("pc", 0x20001000)
    machine.resume()
    idle.settle(SETTLED_S)
    machine.halt()
    assert machine.read_register("pc") == 0x20001002
    machine.resume()
    idle.until_status(CoreState.HALTED, HaltReason.WATCHPOINT)
    assert machine.read_register("pc") == 0x20001004


@pytest.fixture(params=BOARDS, ids=str)
def emulated(
    request: pytest.FixtureRequest,
    sleepy: dict[str, TinyFirmware],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Emulated:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    emulated: Emulated = request.param
    pyocd("flash", "-u", f"emulated:{emulated.name}", "-t", emulated.target, sleepy[emulated.name].hex)
    return emulated


@pytest.fixture
def flashed(emulated: Emulated, sleepy: dict[str, TinyFirmware]) -> TinyFirmware:
    return sleepy[emulated.name]


def test_stock_pyocd_halts_steps_and_reads_it(flashed: TinyFirmware, emulated: Emulated) -> None:
    commands = ["sleep 200", "halt", "reg pc", "step", "reg pc", "reg msp", "reg psp", "reg primask", "reg control"]
    commander = ("commander", "-u", f"emulated:{emulated.name}")
    begun = time.monotonic()
    pyocd(*commander, "-c", "status")
    idle = time.monotonic() - begun
    output = pyocd(*commander, *(word for command in commands for word in ("-c", command)))
    assert time.monotonic() - begun < 4 * idle + SOON_S  # most of it is pyOCD's own start
    woken = sleeps_at(flashed) + 2
    assert re.findall(r"pc = 0x(\w{8})", output) == [f"{woken:08x}", f"{woken + 2:08x}"]
    assert f"msp = 0x{emulated.stack:08x}" in output


def test_gdb_steps_from_its_sleep(flashed: TinyFirmware, emulated: Emulated) -> None:
    sleep = sleeps_at(flashed)
    with gdbserver(emulated.name, emulated.target) as port:
        begun = time.monotonic()
        output = gdb(
            port,
            flashed.elf,
            'printf "AT %x\\n", $pc',
            "next",
            'printf "NEXT %d\\n", wakes',
            "info registers msp psp primask control",
            "detach",
        )
        assert time.monotonic() < begun + SOON_S
    assert f"AT {sleep + 2:x}\n" in output, output
    assert "NEXT 1\n" in output, output
    assert re.search(f"msp +0x{emulated.stack:x}", output), output


def test_gdb_that_steps_in_hardware_steps_over_a_sleep(flashed: TinyFirmware, emulated: Emulated) -> None:
    """Left to itself gdb takes the target for Linux: it steps by breakpoints, and the core sleeps on its way to one."""
    sleep = sleeps_at(flashed)
    with gdbserver(emulated.name, emulated.target) as port:
        begun = time.monotonic()
        output = gdb(
            port,
            flashed.elf,
            "set osabi none",
            "stepi",
            'printf "STEPI %x\\n", $pc',
            f"tbreak *0x{sleep:x}",
            "continue",
            "stepi",
            'printf "OVER %x\\n", $pc',
            f"tbreak *0x{sleep:x}",
            "continue",
            "next",
            'printf "NEXT %x\\n", $pc',
            "detach",
        )
        assert time.monotonic() < begun + SOON_S
    assert f"STEPI {sleep + 4:x}\n" in output, output
    assert f"OVER {sleep + 2:x}\n" in output, output
    assert f"NEXT {sleep + 2:x}\n" in output, output


@pytest.mark.parametrize("name", [each.name for each in BOARDS])
def test_post_mortem_of_an_idle_agent_that_then_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    board = load_board(name)
    artefact = build_agent(board)
    assert artefact.hex is not None
    with power(board) as powered, FlashSession(board, powered.probe_uid) as session:
        session.program(artefact.hex)
        session.reset()
        with AgentClient(powered.serial_path, board_name=board.name) as client:
            before = client.identify()
            time.sleep(SETTLED_S)
            begun = time.monotonic()
            found = session.post_mortem()
            assert time.monotonic() < begun + SOON_S
            assert found.exception == "thread mode"
            assert found.registers["primask"] == 1  # it sleeps with interrupts masked
            assert found.registers["sp"] == found.registers["msp"]
            session.resume()
            after = client.identify()
            assert after == replace(before, stack_unused_bytes=after.stack_unused_bytes)
            assert after.stack_unused_bytes <= before.stack_unused_bytes  # an interrupt may have come deeper meanwhile
