"""A board on the desk, from its place in /sys to the right bits: the twin behind an ST-LINK that only /sys knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hil.board import load_board
from hil.cycle_golden import golden_path, load_golden
from hil.dut.opening import open_dut, open_prepared, prepare_dut
from hil.dut.options import DutOptions
from hil.emulator.power import PoweredBoard, power
from hil.errors import LinkError, RigError
from hil.probe import choice
from hil.probe.emulated import EmulatedProbe
from hil.probe.lock import IMPATIENT, ProbeBusyError, ProbeLock, holder_of
from hil.resources import examples_dir
from tests.host_c import REPO
from tests.rig.trees import MICROBIT, STLINK_V21, Computer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.dut.dut import Dut

pytest_plugins = ["pytester"]

CASE = REPO / "tests/hil/tiny_dense.hil.yaml"
NUCLEO = load_board("nucleo-l031")
BOARD = STLINK_V21.with_page("0790")
UID = str(BOARD.serial)
NETWORK = examples_dir() / "networks/tiny_dense.model.npz"
PLACE = "1-4"


class StLink(EmulatedProbe):
    """As pyOCD would show the ST-LINK: a probe that says that it is emulated is never taken for hardware."""

    @property
    def unique_id(self) -> str:
        return UID


class Desk:
    """A computer, and a board that can be plugged into it."""

    def __init__(self, computer: Computer, powered: PoweredBoard) -> None:
        self.computer = computer
        self._powered = powered

    def plug(self) -> str:
        (port,) = self.computer.plug(PLACE, BOARD)
        Path(port).parent.mkdir(exist_ok=True)
        Path(port).symlink_to(self._powered.serial_path)
        return port

    def unplug(self) -> None:
        for port in Path(self.computer.dev).iterdir():
            port.unlink()
        self.computer.unplug(PLACE)

    def probes(self, *, unique_id: str, **_: Any) -> list[EmulatedProbe]:
        there = (self.computer.sys / f"bus/usb/devices/{PLACE}").exists()
        assert unique_id == (f"stlink:{UID}" if there else UID)  # no other kind of probe is looked through
        return [StLink.of(self._powered)] if there else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    computer = Computer(tmp_path / "computer", dev=str(tmp_path / "computer/ports"))
    computer.install(monkeypatch)
    with power(NUCLEO) as powered:
        made = Desk(computer, powered)
        monkeypatch.setattr(choice.ConnectHelper, "get_all_connected_probes", made.probes)
        yield made


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    path = tmp_path / "few.npz"
    np.savez(path, inputs=np.linspace(-1, 1, 10).reshape(5, 2))
    return path


def lose_the_link(dut: Dut) -> None:
    """As after a cable that came loose: whoever is next gets a new link."""
    with pytest.raises(LinkError), dut._connection.guard():
        raise LinkError("a loose cable")


def test_it_is_found_flashed_and_runs_without_any_configuration(desk: Desk, vectors: Path) -> None:
    port = desk.plug()
    with open_dut(NUCLEO) as dut:
        assert (dut.provenance.backend, dut.provenance.emulated, dut.provenance.probe) == ("hardware", False, UID)
        assert dut.provenance.flashed.bytes_written > 0
        assert dut.run(NETWORK, vectors).bits_equal
        assert dut._connection._realised.link_address == port
        holder = holder_of(UID)
        assert holder is not None
        assert (holder.pid, holder.board) == (os.getpid(), "nucleo-l031")
        with pytest.raises(ProbeBusyError):
            ProbeLock(UID, "nucleo-l031", IMPATIENT)
    assert holder_of(UID) is None


def test_a_run_says_for_whom_it_waits(desk: Desk) -> None:
    desk.plug()
    told: list[str] = []
    script = f"""
import sys
from hil.probe.lock import IMPATIENT, ProbeLock
with ProbeLock({UID!r}, "nucleo-l031", IMPATIENT):
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        prepared = prepare_dut(NUCLEO, DutOptions())

        def tell(sentence: str) -> None:
            told.append(sentence)
            other.communicate(timeout=10)

        with open_prepared(prepared, tell=tell) as dut:
            assert dut.provenance.probe == UID
    (sentence,) = told
    assert sentence.startswith(f"probe {UID} of board 'nucleo-l031' is in use by process {other.pid} (")
    assert sentence.endswith("waiting for it, for at most 60 s")


def test_its_port_is_found_under_another_number_when_it_comes_back(desk: Desk, vectors: Path) -> None:
    desk.plug()
    with open_dut(NUCLEO) as dut:
        assert dut.run(NETWORK, vectors).bits_equal
        lose_the_link(dut)
        desk.unplug()
        (taken,) = desk.computer.plug("1-2", MICROBIT)
        port = desk.plug()
        assert (Path(taken).name, Path(port).name) == ("ttyACM0", "ttyACM1")
        assert dut.run(NETWORK, vectors).bits_equal
        assert dut._connection._realised.link_address == port


def test_a_board_that_is_unplugged_in_mid_run_is_a_rig_error_and_the_next_test_has_it_again(
    desk: Desk, tmp_path: Path, vectors: Path
) -> None:
    desk.plug()
    long = tmp_path / "long.npz"
    np.savez(long, inputs=np.zeros((200, 20, 2)))
    pulled = []

    with open_dut(NUCLEO) as dut:

        def pull(_: object) -> None:
            if not pulled:
                pulled.append(1)
                desk.unplug()
                raise LinkError("port went away while it was in use")  # what the kernel does to an open port

        with pytest.raises(RigError, match=rf"\(probe {UID}\) has gone from USB in the middle of the session"):
            dut.run(NETWORK, long, on_sequence=pull)
        with pytest.raises(RigError):
            dut.run(NETWORK, vectors)
        desk.plug()
        result = dut.run(NETWORK, vectors)
        assert result.bits_equal
        assert result.provenance.flashed.retries[0].endswith("; the board was opened anew for what came next")


def test_without_the_board_its_emulator_says_so(desk: Desk) -> None:
    with open_dut(NUCLEO, DutOptions(instance="2")) as dut:
        assert str(dut.provenance).startswith("nucleo-l031 on twin")
        assert "(emulated; no board attached)" in str(dut.provenance)
    assert desk.computer.ports() == []


def test_a_bench_begins_with_goldens_of_its_own(desk: Desk, pytester: pytest.Pytester) -> None:
    """As docs/nightly.md says: those of emulators are none of silicon's, and stay when silicon's are recorded."""
    desk.plug()
    case = pytester.path / CASE.name
    case.write_text(CASE.read_text().replace("../../examples", str(examples_dir())))
    golden_path(case).write_text(golden_path(CASE).read_text())
    hardware = ("--board=nucleo-l031", "--hil-backend=hardware", f"--junitxml={pytester.path / 'junit.xml'}", case.name)

    done = pytester.runpytest_inprocess(*hardware)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*there is no golden of the cycles of *on nucleo-l031 (silicon*"])

    done = pytester.runpytest_inprocess(*hardware, "--hil-update-golden")
    assert done.ret == 0, done.stdout.str()
    entries = load_golden(golden_path(case)).entries
    old = load_golden(golden_path(CASE)).entries
    assert [each for each in entries if each.platform.kind == "emulator"] == list(old)
    assert [each.platform.board for each in entries if each.platform.kind == "silicon"] == ["nucleo-l031"]

    assert pytester.runpytest_inprocess(*hardware).ret == 0
