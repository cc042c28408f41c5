"""The one list of backends: every module in it keeps what a backend promises, and a new line is all that one needs."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from types import ModuleType

import pytest

from hil.backends import LISTED, Listed, backend_options, is_supervised, known_backend
from hil.board import EmulatorSpec, board_names, load_board
from hil.dut.options import DutOptions
from hil.emulator.backend import Backend, counts_cycles, emulator_version, find_backend
from hil.emulator.machine import MachineSpec
from hil.emulator.power import power, usual_backend
from hil.errors import InputError, RigError

THERE = [name for name, line in LISTED.items() if line.module]


@pytest.mark.parametrize("name", THERE)
def test_every_backend_is_one(name: str) -> None:
    backend = find_backend(name)
    assert isinstance(backend, Backend)
    assert (backend.machine is not None) == is_supervised(name)
    assert known_backend(name) == name


@pytest.mark.parametrize("name", board_names())
def test_all_emulators_of_a_board_keep_the_same_memories(name: str) -> None:
    board = load_board(name)
    memory, uart = board.memory, board.links.uart
    assert uart is not None
    spec = MachineSpec(
        *(name, "", memory.flash.origin, memory.flash.bytes, memory.ram.origin, memory.ram.bytes),
        part=board.part,
        erased=memory.flash.erased_byte,
        baud=uart.baud,
        serial_pins=(uart.tx, uart.rx),
    )
    sizes = set()
    for each in board.emulators:
        if make := find_backend(each.backend).machine:
            with closing(make(spec, lambda _: None)) as machine:
                sizes.add(machine.kept_bytes)
    assert len(sizes) <= 1


def test_backends_to_come_are_options_of_no_board(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LISTED, "bochs", Listed())
    assert "bochs" in backend_options()
    with pytest.raises(ValueError, match="there is no backend 'bochs', known are 'native', 'qemu', 'renode'"):
        EmulatorSpec(backend="bochs")
    with pytest.raises(InputError, match="there is no backend 'bochs'"):
        DutOptions(backend="bochs").check(load_board("microbit"))


def test_naming_backends_imports_the_standard_library_only() -> None:
    code = (
        "import hil.emulator.backend as b, hil.backends as l, hil.emulator.supervisor, sys\n"
        f"assert all(b.find_backend(name) for name in {THERE})\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'hil'})"
    )
    said = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["__main__"] or said.split() == []


def test_a_line_is_all_that_a_backend_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bochs_backend")
    module.BACKEND = Backend(version=lambda: "2.8", counts_cycles=lambda: True)
    monkeypatch.setitem(sys.modules, "bochs_backend", module)
    monkeypatch.setitem(LISTED, "bochs", Listed("bochs_backend"))
    microbit = load_board("microbit")
    board = microbit.model_copy(update={"emulators": (EmulatorSpec(backend="bochs"),)})
    assert "bochs" in backend_options()
    assert usual_backend(board) == "bochs"
    assert (emulator_version("bochs"), counts_cycles("bochs")) == ("2.8", True)
    assert known_backend("bochs") == "bochs"


def test_hardware_has_no_emulator() -> None:
    assert (emulator_version("hardware"), counts_cycles("hardware")) == ("", False)


def test_board_without_an_emulator_to_power() -> None:
    with pytest.raises(RigError, match="board 'host' has no emulator that can be powered") as caught:
        power(load_board("host"))
    assert caught.value.hint == "it has: none"
    with pytest.raises(RigError, match="board 'host' has no emulator 'native'"):
        power(load_board("host"), "native")
