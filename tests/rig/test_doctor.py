"""``hil doctor`` on benches: probes, who may open them, rules, ports, the rig file, locks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hil.commands.doctor_bench import bench_findings
from hil.find import udev
from hil.probe.lock import IMPATIENT, ProbeLock
from hil.rig import rig_path
from tests.rig.trees import FTDI_CABLE, JLINK, MICROBIT, STLINK_V2, STLINK_V21

if TYPE_CHECKING:
    from tests.rig.trees import Computer

INSTALL = "hil doctor --udev | sudo tee /etc/udev/rules.d/70-hil-probes.rules"


def found() -> dict[str, tuple[str, str]]:
    return {each.subject: (each.state, each.detail) for each in bench_findings()}


def test_an_empty_bench(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = found()
    assert lines["libusb"][0] == "ok"
    monkeypatch.setattr("usb.backend.libusb1.get_backend", lambda **_: None)
    assert found()["libusb"][0] == "absent"
    assert lines["debug probes"] == ("-", "none attached: boards are emulated")
    assert lines["serial ports"] == ("-", "none plugged in")
    assert lines["locks"] == ("-", "no run has a probe now")
    assert lines["rig file"] == ("-", f"no {rig_path()}: boards are found by themselves; 'hil rig scan' writes it")
    assert lines["udev rules"][0] == "-"
    assert INSTALL in lines["udev rules"][1]
    assert computer.ports() == []


def test_probes_with_their_boards_and_ports(computer: Computer) -> None:
    computer.plug("1-1", STLINK_V21.with_page("0790"))
    computer.plug("1-2", MICROBIT)
    computer.plug("1-3", STLINK_V21.with_serial("0672FF485550755187121724"))
    computer.plug("1-4", JLINK)
    computer.plug("1-5", STLINK_V2)
    computer.plug("1-6", FTDI_CABLE)
    computer.open_to_user()
    lines = found()
    assert lines["probe 066DFF485550755187121723"] == (
        "ok",
        "STMicroelectronics STM32 STLink, USB 1-1, board nucleo-l031, port /dev/ttyACM0",
    )
    assert lines[f"probe {MICROBIT.serial}"][1].endswith("USB 1-2, board microbit, port /dev/ttyACM1")
    maybe = lines["probe 0672FF485550755187121724"][1]
    assert re.search(r"maybe board .*nucleo-l031.*\(it is asked when a run looks for one\), port /dev/ttyACM2", maybe)
    assert lines["probe 683012345"] == ("ok", "SEGGER J-Link, USB 1-4, port /dev/ttyACM3")
    assert lines["probe 606162636465666768696A6B"][1].endswith(", no serial port")
    assert lines["serial ports"][1].count("/dev/tty") == 5
    assert lines["udev rules"] == ("-", "none for the probes plugged in, which you may open all the same")


def test_a_probe_that_the_user_may_not_open_comes_with_what_to_type(computer: Computer) -> None:
    computer.plug("1-2", MICROBIT)
    state, detail = found()[f"probe {MICROBIT.serial}"]
    assert state == "absent"
    assert re.search(r"you may not open \S*/dev/bus/usb/001/00\d and \S*/dev/hidraw3: ", detail)
    assert INSTALL in detail
    assert found()["udev rules"] == ("absent", f"none for 0d28:0204: {udev.INSTALL}")
    folder = computer.root / "etc/udev/rules.d"
    folder.mkdir(parents=True)
    (folder / udev.FILE).write_text(udev.rules())
    assert found()["udev rules"] == ("ok", "there are rules for every probe plugged in")
    assert found()[f"probe {MICROBIT.serial}"][0] == "absent"  # until it is plugged in again
    computer.open_to_user()
    assert found()[f"probe {MICROBIT.serial}"][0] == "ok"


@pytest.mark.parametrize(
    ("line", "covers"),
    [
        ('ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", MODE="0660"', True),
        ('ATTRS{idVendor}=="0483", MODE="0660"', True),
        ('# ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b"', False),
        ('ATTRS{idVendor}=="0483", ATTRS{idProduct}=="3748"', False),
        ('ATTRS{idVendor}=="0d28", ATTRS{idProduct}=="374b"', False),
    ],
)
def test_rules_of_others_count_as_well(computer: Computer, line: str, *, covers: bool) -> None:
    folder = computer.root / "usr/lib/udev/rules.d"
    folder.mkdir(parents=True)
    (folder / "49-other.rules").write_text(f"{line}\n")
    assert bool(udev.covering((0x0483, 0x374B))) is covers


def test_the_rules_name_every_probe_once_and_leave_serial_ports_alone() -> None:
    lines = udev.rules().splitlines()
    named = [line for line in lines if line.startswith("ATTRS")]
    assert len(named) == len(set(named)) > 25
    assert all('TAG+="uaccess"' in line for line in named)
    assert any('"0483", ATTRS{idProduct}=="374b"' in line for line in named)
    assert any('"0d28", ATTRS{idProduct}=="0204"' in line for line in named)
    assert not any("tty" in line for line in lines)


@pytest.mark.usefixtures("computer")
def test_rig_file_and_locks() -> None:
    rig_path().parent.mkdir(parents=True)
    rig_path().write_text("boards: {nucleo-l031: {probe: x}, microbit: {}}\n")
    with ProbeLock("066D", "nucleo-l031", IMPATIENT):
        lines = found()
    assert lines["rig file"] == ("ok", f"{rig_path()}: nucleo-l031, microbit")
    assert lines["lock"][1].startswith("probe 066D, as board nucleo-l031: process ")
    rig_path().write_text("bords: {}\n")
    state, detail = found()["rig file"]
    assert state == "missing"
    assert "line 1, key 'bords': unknown key; " in detail


def test_a_switching_hub_program(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert computer.ports() == []
    for there, state in (("/usr/sbin/uhubctl", "ok"), (None, "-")):
        monkeypatch.setattr("hil.commands.doctor_bench.shutil.which", lambda _, there=there: there)
        assert found()["USB power"][0] == state
