"""Probes and their serial ports, as real computers list them: the right port, or the right sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.dut import attached, selection
from hil.dut.attached import port_again
from hil.dut.options import DutOptions
from hil.dut.selection import Selection, select
from hil.errors import HilError, InputError, RigError
from hil.find.ports import ports_of
from hil.find.probes import attached_probes, same_serial
from hil.probe.identify import Identified, Is
from tests.rig.trees import (
    FRDM,
    FTDI_CABLE,
    HUB,
    JLINK,
    KEYBOARD,
    LPC845_BRK,
    MICROBIT,
    STLINK_V2,
    STLINK_V3_2VCP,
    STLINK_V21,
    Device,
)

if TYPE_CHECKING:
    from hil.board import Board
    from hil.find.probes import Probe
    from tests.rig.trees import Computer

NUCLEO = load_board("nucleo-l031")
MICRO = load_board("microbit")
FIRST = STLINK_V21.with_page("0790")
SECOND = STLINK_V21.with_serial("0672FF485550755187121724").with_page("0790")
FOREIGN = STLINK_V21.with_serial("0671FF485550755187121725").with_page("0720")  # NUCLEO-F401RE


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The probes that were opened to ask them; none knows anything."""
    asked: list[str] = []

    def identify(_: Board, probe: Probe) -> Identified:
        asked.append(probe.uid)
        return Identified(Is.UNKNOWN, f"probe {probe.uid} is deaf")

    monkeypatch.setattr(attached, "identify", identify)
    return asked


def complaint(kind: type[HilError], board: Board, **options: str) -> str:
    with pytest.raises(kind) as caught:
        select(board, DutOptions(**options))
    assert type(caught.value) is kind
    return str(caught.value)


def on(device: str, uid: str) -> Selection:
    return Selection("hardware", emulated=False, probe=uid, port=device, follows_probe=True)


def test_one_board_needs_no_configuration(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-2", KEYBOARD)
    (cable,) = computer.plug("1-3", FTDI_CABLE)
    (port,) = computer.plug("1-4", FIRST)
    assert (cable, port) == ("/dev/ttyUSB0", "/dev/ttyACM0")
    assert select(NUCLEO, DutOptions()) == on(port, "066DFF485550755187121723")
    assert opened == []


def test_of_two_equal_boards_one_has_to_be_named(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-4", FIRST)
    computer.plug("1-1", SECOND)
    for backend in ("auto", "hardware"):
        told = complaint(InputError, NUCLEO, backend=backend)
        assert told.startswith("2 debug probes are attached, and any of them could be board 'nucleo-l031'\n")
        assert "--probe 066DFF485550755187121723 for the one at USB 1-4" in told
        assert "--probe 0672FF485550755187121724 for the one at USB 1-1" in told
        assert "'hil rig scan'" in told
    assert select(NUCLEO, DutOptions(probe="0672ff")) == on("/dev/ttyACM1", "0672FF485550755187121724")
    assert select(NUCLEO, DutOptions(probe="066dff")) == on("/dev/ttyACM0", "066DFF485550755187121723")
    assert opened == []


def test_the_number_of_a_port_tells_nothing(computer: Computer) -> None:
    computer.plug("1-4", FIRST)
    computer.plug("1-1", SECOND)
    computer.unplug("1-4")
    computer.plug("1-3.2", FTDI_CABLE)
    computer.plug("1-2", MICROBIT)  # has ttyACM0 now
    computer.plug("1-4", FIRST)
    assert select(NUCLEO, DutOptions(probe="066D")).port == "/dev/ttyACM2"
    assert select(MICRO, DutOptions()).port == "/dev/ttyACM0"


def test_a_board_behind_hubs(computer: Computer) -> None:
    computer.plug("1-1", HUB)
    computer.plug("1-1.4", HUB)
    computer.plug("1-1.4.1", FOREIGN)
    (port,) = computer.plug("1-1.4.3", FIRST)
    assert select(NUCLEO, DutOptions()) == on(port, "066DFF485550755187121723")
    (probe,) = [each for each in attached_probes() if each.board_id == "0790"]
    assert (probe.usb.hub, probe.usb.port_number) == ("1-1.4", 3)


def test_a_foreign_st_link_is_never_taken(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-4", FOREIGN)
    assert select(NUCLEO, DutOptions()) == Selection("twin", emulated=True, reason="no board attached")
    told = complaint(RigError, NUCLEO, backend="hardware")
    assert told.startswith("no board 'nucleo-l031' (stm32l031x6) is attached: the only probe there is that of a board")
    assert "0671FF485550755187121725 (STMicroelectronics STM32 STLink)" in told
    told = complaint(RigError, NUCLEO, probe="0671")
    assert "probe '0671' is part of a board with " in told
    assert opened == []


def test_where_one_says_that_it_is_the_board_no_other_is_opened(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-3", STLINK_V21.with_serial("0671FF485550755187121725"))  # of some board
    (port,) = computer.plug("1-4", FIRST)[-1:]
    for backend in ("auto", "hardware"):
        selected = select(NUCLEO, DutOptions(backend=backend))
        assert (selected.probe, selected.port) == (FIRST.serial, port)
        assert selected.reason.startswith("it says that it is one; probe 0671FF485550755187121725 does not say")
    assert opened == []


def test_a_probe_that_nothing_tells_from_another_is_not_taken(computer: Computer, opened: list[str]) -> None:
    nameless = Device(**{**FIRST.__dict__, "serial": None})
    computer.plug("1-4", nameless)
    told = "the probe at USB 1-4 (STMicroelectronics STM32 STLink) has no serial number: nothing tells it from another"
    for backend in ("auto", "hardware"):
        assert told in complaint(RigError, NUCLEO, backend=backend)
    computer.unplug("1-4")
    computer.plug("1-4", FIRST)
    computer.plug("1-2", Device(**{**FIRST.__dict__, "page": None}))
    told = "the probes at USB 1-2 and 1-4 have the same serial number 066DFF485550755187121723: pyOCD takes whichever"
    for options in ({}, {"probe": "066D"}):
        assert told in complaint(RigError, NUCLEO, **options)
    assert opened == []


def test_an_st_link_that_says_nothing_is_asked_and_others_are_not(
    computer: Computer, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.plug("1-1", MICROBIT)
    computer.plug("1-2", JLINK)
    computer.plug("1-3", STLINK_V2)
    computer.plug("1-4", STLINK_V21)  # its mass storage is not mounted
    selected = select(NUCLEO, DutOptions())
    assert opened == ["066DFF485550755187121723"]
    assert selected.backend == "twin"
    assert selected.reason == "no board attached that says so: probe 066DFF485550755187121723 is deaf"
    monkeypatch.setattr(attached, "identify", lambda *_: Identified(Is.THE_BOARD))
    assert select(NUCLEO, DutOptions()) == on("/dev/ttyACM2", "066DFF485550755187121723")
    monkeypatch.setattr(attached, "identify", lambda *_: Identified(Is.ANOTHER))
    assert select(NUCLEO, DutOptions()).reason == "no board attached"


def test_a_probe_of_no_board_is_asked_only_where_hardware_is_wanted(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-3", STLINK_V2)
    assert select(NUCLEO, DutOptions()).reason == "no board attached"
    assert opened == []
    told = complaint(RigError, NUCLEO, backend="hardware")  # the only one there: it is taken, and has no port
    assert opened == ["606162636465666768696A6B"]
    assert "(probe 606162636465666768696A6B) is not known: the probe brings none\n" in told


def test_a_probe_without_a_port_says_what_is_beside_it(computer: Computer) -> None:
    computer.plug("1-1", HUB)
    computer.plug("1-1.1", STLINK_V2)
    computer.plug("1-1.2", FTDI_CABLE)
    computer.plug("1-3", MICROBIT)
    told = complaint(RigError, NUCLEO, probe="60616263")
    assert "name it with --port, e.g. --port /dev/ttyACM0, or in the rig file" in told
    assert "; on the same hub there is /dev/ttyUSB0" in told
    given = select(NUCLEO, DutOptions(probe="60616263", port="/dev/ttyUSB0"))
    assert given == Selection("hardware", emulated=False, probe="606162636465666768696A6B", port="/dev/ttyUSB0")


def test_a_probe_with_two_ports(computer: Computer) -> None:
    computer.plug("1-1", STLINK_V3_2VCP)
    told = complaint(InputError, NUCLEO, probe="001D")
    assert "the probe has /dev/ttyACM0 and /dev/ttyACM1\n" in told


def test_a_j_link_has_its_own_port_and_no_zeros(computer: Computer) -> None:
    computer.plug("1-1", FIRST)
    (port,) = computer.plug("1-2", JLINK)
    assert select(NUCLEO, DutOptions(probe="683012345")) == on(port, "683012345")
    (probe,) = [each for each in attached_probes() if each.kind == "jlink"]
    assert probe.pyocd_uid == "jlink:683012345"


def test_a_microbit_is_known_by_its_serial_number(computer: Computer, opened: list[str]) -> None:
    computer.plug("1-1", FRDM)
    (port,) = computer.plug("1-2", MICROBIT)
    assert select(MICRO, DutOptions()) == on(port, str(MICROBIT.serial))
    assert [probe.board_id for probe in attached_probes()] == ["0200", "9900"]
    computer.unplug("1-2")
    assert select(MICRO, DutOptions()).reason == "no board attached"
    assert "that of a board with kl25z" in complaint(RigError, MICRO, backend="hardware")
    assert opened == []


def test_nothing_is_plugged_in(computer: Computer) -> None:
    assert select(NUCLEO, DutOptions()).reason == "no board attached"
    assert "no debug probe is plugged in" in complaint(RigError, NUCLEO, backend="hardware")
    assert "no debug probe 'x' is attached\n  hint: attached: none" in complaint(RigError, NUCLEO, probe="x")
    assert computer.ports() == []


def test_a_board_without_an_emulator_is_the_one_of_its_kind(computer: Computer, opened: list[str]) -> None:
    break_out = load_board("lpc845-brk")  # its probe says of no board
    told = complaint(RigError, break_out)
    assert told.endswith("plug it in and check 'hil doctor'; there is no emulator for it")
    computer.plug("1-3", JLINK)
    told = complaint(RigError, break_out)
    assert "the only probe there is that of a board with an unknown part" in told
    assert told.endswith("; where it hangs on 683012345: --backend hardware, or --probe")
    (port,) = computer.plug("1-4", LPC845_BRK)
    assert select(break_out, DutOptions()) == on(port, "04EB0F0D")
    assert opened == ["04EB0F0D"]
    computer.plug("1-5", LPC845_BRK.with_serial("04EB0F0E"))
    assert "2 debug probes are attached" in complaint(InputError, break_out)


def test_a_computer_without_usb_has_no_probes(monkeypatch: pytest.MonkeyPatch, computer: Computer) -> None:
    monkeypatch.setattr("hil.find.usb.SYS", computer.root / "nowhere")
    assert attached_probes() == []


def test_a_device_that_is_just_being_unplugged_is_not_there(computer: Computer) -> None:
    computer.plug("1-1", FIRST)
    (computer.sys / "bus/usb/devices/1-1/idProduct").unlink()
    assert attached_probes() == []


def test_the_port_is_found_again_under_another_number(computer: Computer) -> None:
    computer.plug("1-4", FIRST)
    assert port_again(NUCLEO, "066DFF485550755187121723") == "/dev/ttyACM0"
    computer.unplug("1-4")
    looks = []

    def wait(_: float) -> None:
        looks.append(1)
        if len(looks) == 1:
            computer.plug("1-4", without_port())
        if len(looks) == 2:
            computer.unplug("1-4")
            computer.plug("1-2", MICROBIT)
            computer.plug("1-3", FIRST)

    assert port_again(NUCLEO, "066DFF485550755187121723", wait) == "/dev/ttyACM1"
    assert len(looks) == 2


def without_port() -> Device:
    """The probe has enumerated, and the kernel has not made its serial port yet."""
    return Device(**{**FIRST.__dict__, "tty": (), "disk": None, "page": None})


def test_a_port_that_does_not_come_back_is_a_rig_error(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attached, "_BACK_S", 0.1)
    with pytest.raises(RigError, match="probe 066D of board 'nucleo-l031' has gone from USB, and its serial port with"):
        port_again(NUCLEO, "066D")
    computer.plug("1-4", without_port())
    with pytest.raises(RigError, match="the probe brings none"):
        port_again(NUCLEO, "066DFF485550755187121723")


def test_a_remote_probe_is_handed_to_pyocd_as_it_is(computer: Computer) -> None:
    computer.plug("1-1", FIRST)
    given = select(NUCLEO, DutOptions(probe="remote:farm:5555", port="socket://farm:4001"))
    assert given == Selection("hardware", emulated=False, probe="remote:farm:5555", port="socket://farm:4001")
    assert "give it a --port as well" in complaint(RigError, NUCLEO, probe="remote:farm:5555")


def test_an_emulator_asked_for_needs_no_look(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.plug("1-1", FIRST)
    monkeypatch.setattr(selection, "search", None)
    assert select(NUCLEO, DutOptions(backend="twin")) == Selection("twin", emulated=True)


def test_a_port_that_pyserial_tells_no_place_of_is_found_by_its_serial_number(computer: Computer) -> None:
    from hil.find.ports import SerialPort  # noqa: PLC0415

    computer.plug("1-1", JLINK)
    (probe,) = attached_probes()
    listing = [SerialPort("COM3", serial="683012345"), SerialPort("COM4", serial="683012346"), SerialPort("COM5")]
    assert ports_of(probe, listing).own == ("COM3",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("066DFF", "066dff", True),
        ("000683012345", "683012345", True),
        ("066DFF", "066DFE", False),
        ("", "", False),
        ("000", "0", False),
    ],
)
def test_serial_numbers_differ_in_case_and_padding(one: str, other: str, *, same: bool) -> None:
    assert same_serial(one, other) is same
    assert same_serial(other, one) is same
