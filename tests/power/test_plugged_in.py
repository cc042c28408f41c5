"""Which analyzers are plugged in, from listings of serial ports, and through the boundaries of others' libraries."""

from __future__ import annotations

import re
import socket
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import pytest
from serial.tools.list_ports_common import ListPortInfo

from hil.commands import doctor
from hil.power import plugged_in
from hil.power.opening import _KINDS
from hil.power.plan import MeterPlan
from hil.power.plugged_in import analyzers
from tests.power.instruments.joulescope import Joulescope
from tests.power.instruments.source import constant

if TYPE_CHECKING:
    from hil.power.plugged_in import Analyzers


def port(device: str, vid: int | None = None, pid: int | None = None, serial: str | None = None) -> ListPortInfo:
    made = ListPortInfo(device)
    made.vid, made.pid, made.serial_number = vid, pid, serial
    return made


def found(kind: str, *ports: ListPortInfo) -> Analyzers:
    (each,) = (each for each in analyzers(ports) if each.kind == kind)
    return each


@pytest.fixture(autouse=True)
def _nobody_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Otii server, whatever runs on this computer."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(plugged_in, "_OTII", closed.getsockname())


def test_every_kind_that_can_be_opened_is_looked_for() -> None:
    assert {each.kind for each in analyzers([])} == set(_KINDS)


def test_none_is_plugged_in() -> None:
    each = found("ppk2", port("/dev/ttyS0"), port("/dev/ttyACM0", 0x0483, 0x374B, "066F"))
    assert each.addresses == ()
    assert each.package.startswith("ppk2lab ")
    assert each.absent
    assert found("lpm01a", port("/dev/ttyACM0", 0x0483, 0x374B)).addresses == ()


def test_a_ppk2_has_two_ports_of_which_the_first_counts() -> None:
    ports = [
        port("/dev/ttyACM3", 0x1915, 0xC00A, "B"),
        port("/dev/ttyACM1", 0x1915, 0xC00A, "A"),
        port("/dev/ttyACM0", 0x1915, 0xC00A, "A"),
        port("/dev/ttyACM2", 0x1915, 0xC00A, "B"),
    ]
    assert [each.partition("?")[0] for each in found("ppk2", *ports).addresses] == [
        "ppk2:/dev/ttyACM0",
        "ppk2:/dev/ttyACM2",
    ]


def test_an_lpm01a_may_be_any_virtual_port_of_st() -> None:
    (address,) = found("lpm01a", port("/dev/ttyACM5", 0x0483, 0x5740, "X")).addresses
    assert address.startswith("lpm01a:/dev/ttyACM5?")


def test_joulescopes_are_listed_by_their_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Joulescope(constant(0.0), paths=("u/js220/001234", "u/js110/000415"))
    monkeypatch.setattr("pyjoulescope_driver.Driver", device)
    addresses = found("joulescope").addresses
    assert [each.partition("?")[0] for each in addresses] == ["joulescope:000415", "joulescope:001234"]
    assert device.finalized


def test_a_driver_of_joulescopes_that_does_not_start_finds_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("jsdrv_initialize failed")

    monkeypatch.setattr("pyjoulescope_driver.Driver", broken)
    assert found("joulescope").addresses == ()


def test_an_otii_server_is_found_where_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("otii").addresses == ()
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(plugged_in, "_OTII", server.getsockname())
        (address,) = found("otii").addresses
        assert address.startswith(f"otii:127.0.0.1:{server.getsockname()[1]}?")


def test_what_is_to_be_typed_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyjoulescope_driver.Driver", Joulescope(constant(0.0)))
    ports = [port("/dev/ttyACM0", 0x1915, 0xC00A, "A"), port("/dev/ttyACM5", 0x0483, 0x5740, "X")]
    typed = [address for each in analyzers(ports) for address in each.addresses]
    assert len(typed) == 3
    for address in typed:
        assert MeterPlan.of(address).supply_V == 3.0


def test_a_package_that_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(plugged_in, "version", version)
    assert [each.lacks for each in analyzers([])] == ["ppk2lab", "", "pyjoulescope_driver", "otii-tcp-client"]


def test_doctor_says_what_there_is_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.list_ports, "comports", lambda: [port("/dev/ttyACM0", 0x1915, 0xC00A, "A")])
    lines = {each.subject: each for each in doctor._analyzers()}
    assert re.fullmatch(r"ppk2lab [\d.]+; it may be --meter 'ppk2:/dev/ttyACM0\?.*'", lines["Nordic PPK2"].detail)
    assert lines["ST X-NUCLEO-LPM01A"].detail == "none plugged in; plug in its USB connector"
    assert {each.state for each in lines.values()} == {"-"}
    monkeypatch.setattr(plugged_in, "version", lambda name: (_ for _ in ()).throw(PackageNotFoundError(name)))
    lines = {each.subject: each for each in doctor._analyzers()}
    assert (lines["Nordic PPK2"].state, lines["ST X-NUCLEO-LPM01A"].state) == ("absent", "-")
    assert lines["Nordic PPK2"].detail == "needed for --meter ppk2:…: ppk2lab; pip install 'hil-ltc[power]'"
