from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut import attached, selection
from hil.dut.options import DutOptions
from hil.dut.selection import Selection, select
from hil.errors import HilError, InputError, RigError
from hil.find import ports
from hil.find.ports import SerialPort
from hil.find.probes import Probe
from hil.find.usb import UsbDevice
from hil.probe.identify import Identified, Is

if TYPE_CHECKING:
    from pathlib import Path

MICROBIT = load_board("microbit")
HOST = load_board("host")


def probe(uid: str, name: str, board_id: str, place: str, vendor: int = 0x0D28) -> Probe:
    product_id = 0x0204 if vendor == 0x0D28 else 0x3748
    device = UsbDevice(place, vendor, product_id, uid, product=name)
    return Probe(uid, "cmsisdap" if vendor == 0x0D28 else "stlink", board_id, device)


DAPLINK = probe("9900360140", "micro:bit", "9900", "1-1")
STLINK = probe("0672FF", "STLINK-V2", "", "1-2", 0x0483)
OTHER = probe("1234", "FRDM", "0200", "1-3")


@pytest.fixture(autouse=True)
def attach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def attach(*probes: Probe) -> None:
        for module in (selection, attached):
            monkeypatch.setattr(module, "attached_probes", lambda: list(probes))

    attach()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(attached, "identify", lambda *_: Identified(Is.UNKNOWN, "it is deaf"))
    monkeypatch.setattr(ports, "serial_ports", list)
    return attach


def complaint(kind: type[HilError], **options: str) -> str:
    with pytest.raises(kind) as caught:
        select(MICROBIT, DutOptions(**options))
    return str(caught.value)


def test_nothing_attached_means_the_emulator_with_its_reason() -> None:
    assert select(MICROBIT, DutOptions()) == Selection("qemu", emulated=True, reason="no board attached")


def test_probes_of_other_boards_are_not_taken(attach) -> None:
    attach(OTHER, STLINK)
    assert select(MICROBIT, DutOptions()).backend == "qemu"


def test_an_emulator_asked_for_by_name_needs_no_reason_and_no_look_at_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "attached_probes", None)
    assert select(MICROBIT, DutOptions(backend="qemu")) == Selection("qemu", emulated=True)
    assert select(HOST, DutOptions()) == Selection("native", emulated=True)


def test_an_attached_board_is_taken_and_its_port_asked_for(attach) -> None:
    attach(OTHER, DAPLINK)
    assert "port of board 'microbit' (probe 9900360140) is not known: the probe brings none" in complaint(RigError)
    taken = select(MICROBIT, DutOptions(port="/dev/ttyACM0"))
    assert taken == Selection("hardware", emulated=False, probe="9900360140", port="/dev/ttyACM0")


def test_the_port_of_a_probe_is_that_of_its_usb_device(monkeypatch: pytest.MonkeyPatch, attach) -> None:
    attach(DAPLINK)
    found = [SerialPort("/dev/ttyS0"), SerialPort("/dev/ttyACM1", "1-1", "1.1"), SerialPort("/dev/ttyACM0", "1-2")]
    monkeypatch.setattr(ports, "serial_ports", lambda: found)
    taken = Selection("hardware", emulated=False, probe="9900360140", port="/dev/ttyACM1", follows_probe=True)
    assert select(MICROBIT, DutOptions()) == taken
    given = select(MICROBIT, DutOptions(port="/dev/ttyUSB0"))
    assert (given.port, given.follows_probe) == ("/dev/ttyUSB0", False)


def test_a_port_that_is_not_clear_is_asked_for(monkeypatch: pytest.MonkeyPatch, attach) -> None:
    attach(DAPLINK)
    found = [SerialPort("/dev/ttyACM1", "1-1", "1.3"), SerialPort("/dev/ttyACM0", "1-1", "1.1")]
    monkeypatch.setattr(ports, "serial_ports", lambda: found)
    told = complaint(InputError)
    assert (
        "the probe has /dev/ttyACM0 and /dev/ttyACM1\n  hint: name one with --port, or in the rig file; or take" in told
    )
    assert "--backend qemu" in told
    monkeypatch.setattr(ports, "serial_ports", list)
    bare = MICROBIT.model_copy(update={"emulators": ()})
    with pytest.raises(RigError) as caught:
        select(bare, DutOptions())
    assert caught.value.hint == "name it with --port, e.g. --port /dev/ttyACM0, or in the rig file"


def test_hardware_never_falls_back() -> None:
    assert "no debug probe is plugged in" in complaint(RigError, backend="hardware")
    assert "no debug probe is plugged in" in complaint(RigError, port="/dev/ttyACM0")


def test_a_probe_is_named_by_a_part_of_its_uid_that_fits_one(attach) -> None:
    attach(DAPLINK, STLINK)
    assert select(MICROBIT, DutOptions(probe="0672", port="/dev/x")).probe == "0672FF"
    told = complaint(RigError, probe="zzz", port="/dev/x")
    assert told.startswith("no debug probe 'zzz' is attached\n  hint: attached: 9900360140 (micro:bit), part")
    assert "; 0672FF (STLINK-V2)" in told
    assert "'0' fits 2 probes" in complaint(InputError, probe="0", port="/dev/x")


def test_one_probe_without_a_known_board_is_taken_when_hardware_was_asked_for(attach) -> None:
    attach(STLINK)
    assert select(MICROBIT, DutOptions(backend="hardware", port="/dev/x")).probe == "0672FF"


def test_a_probe_of_another_part_is_never_taken_for_it(attach) -> None:
    attach(OTHER)
    for options in ({"backend": "hardware", "port": "/dev/x"}, {"port": "/dev/x"}):
        assert complaint(RigError, **options) == (
            "no board 'microbit' (nrf51) is attached: the only probe there is that of a board with kl25z\n"
            "  hint: attached: 1234 (FRDM), part of a board with kl25z"
        )
    attach(OTHER, probe("77", "another", "0790", "1-4", 0x0483))
    told = complaint(RigError, backend="hardware", port="/dev/x")
    assert "the only probes are those of boards with kl25z, stm32l031x6" in told
    told = complaint(RigError, probe="1234", port="/dev/x")
    assert told.startswith("probe '1234' is part of a board with kl25z, board 'microbit' has nrf51\n  hint: at")
    attach(OTHER, STLINK)  # the one that could be it
    assert select(MICROBIT, DutOptions(backend="hardware", port="/dev/x")).probe == "0672FF"


def test_two_probes_that_could_both_be_it_have_to_be_named(attach) -> None:
    attach(STLINK, probe("0673FF", "STLINK-V2", "", "1-4", 0x0483))
    assert "2 debug probes are attached" in complaint(InputError, backend="hardware", port="/dev/x")


def test_an_emulated_probe_is_never_hardware() -> None:
    assert "is an emulated board, but --backend hardware asks for silicon" in complaint(
        InputError, backend="hardware", probe="emulated:microbit", port="/dev/pts/1"
    )
    kept = select(MICROBIT, DutOptions(probe="emulated:microbit", port="/dev/pts/1"))
    assert (kept.backend, kept.emulated, kept.reason) == ("qemu", True, "kept powered")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"backend": "renode"}, "has no backend 'renode'\n  hint: what there is for it: qemu"),
        ({"backend": "qmu"}, "there is no backend 'qmu'"),
        (
            {"link": "spi", "backend": "qemu"},
            "has no link over SPI\n  hint: emulators of board 'microbit' that have: twin",
        ),
        ({"link": "can"}, "there is no link 'can'\n  hint: known: uart, spi"),
        ({"flash": "sometimes"}, "there is no flash 'sometimes'"),
        ({"backend": "qemu", "probe": "1"}, "backend 'qemu' brings its own"),
    ],
)
def test_options_that_do_not_fit_are_told(options: dict[str, str], words: str) -> None:
    assert words in complaint(InputError, **options)
