"""The ladder, on an emulated board whose probe fails as often as it is told to, and on a computer that it goes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pyocd.core import exceptions

from hil import flash
from hil.board import Board, load_board
from hil.emulator.machine import CoreState, MemoryFault
from hil.emulator.power import PoweredBoard, power
from hil.errors import RigError
from hil.find.probes import attached_probes
from hil.flash import FlashSession
from hil.probe import choice, lock, usb_power
from hil.probe import identify as identifying
from hil.probe.coresight import TargetBus
from hil.probe.emulated import EmulatedProbe
from hil.probe.identify import Is, identify
from hil.probe.lock import IMPATIENT, ProbeLock
from tests.rig.trees import STLINK_V21

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hil.find.probes import Probe
    from tests.rig.trees import Computer

NUCLEO = load_board("nucleo-l031")
UID = str(STLINK_V21.serial)
DEAF = "Target not detected. Check connection to target. Potentially reduce debug clock."  # pyOCD's words
BLOB = bytes(range(1, 129)) * 4


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PoweredBoard]:
    """One for all tests here: to power it takes longer than most of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIL_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        board = power(NUCLEO)
    with board:
        yield board


@pytest.fixture
def powered(kept: PoweredBoard) -> PoweredBoard:
    """Its flash is erased."""
    kept.machine.set_flash_image(bytes(NUCLEO.memory.flash.bytes))
    return kept


@pytest.fixture
def wire(computer: Computer, powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """An ST-LINK on this computer, behind which pyOCD finds the twin; as long as it is plugged in."""
    computer.plug("1-1.4", STLINK_V21)

    def probes(*, unique_id: str | None = None, **_: Any) -> list[EmulatedProbe]:
        assert unique_id == f"stlink:{UID}"  # no other probe is looked at
        return [EmulatedProbe.of(powered)] if (computer.sys / "bus/usb/devices/1-1.4").exists() else []

    for module in (choice, identifying):
        monkeypatch.setattr(module.ConnectHelper, "get_all_connected_probes", probes)
    return computer


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have the probe's connection fail so many times."""

    def times(count: int) -> None:
        left = [count]

        def connect(self: EmulatedProbe, protocol: Any = None) -> None:
            if left[0]:
                left[0] -= 1
                raise exceptions.TransferError("no ACK")
            real(self, protocol)

        real = EmulatedProbe.connect
        monkeypatch.setattr(EmulatedProbe, "connect", connect)

    return times


@pytest.mark.usefixtures("wire")
def test_a_probe_that_works_needs_no_ladder_and_is_locked_meanwhile() -> None:
    with FlashSession(NUCLEO, UID) as opened:
        opened.program_blob(BLOB, NUCLEO.image_slot.origin)
        assert opened.retries == ()
        with pytest.raises(RigError, match=f"probe {UID} of board 'nucleo-l031' is in use"):
            FlashSession(NUCLEO, UID).__enter__()
    ProbeLock(UID, "x", IMPATIENT).release()


@pytest.mark.usefixtures("wire")
def test_the_first_failure_is_met_under_reset_and_told(fail: Callable[[int], None]) -> None:
    fail(1)
    with FlashSession(NUCLEO, UID) as opened:
        (told,) = opened.retries
    assert told == (
        f"board 'nucleo-l031' cannot be reached through probe '{UID}' ({DEAF}); tried again with the reset pin held"
    )


@pytest.mark.usefixtures("wire")
def test_the_flash_is_erased_only_where_that_was_allowed(fail: Callable[[int], None], powered: PoweredBoard) -> None:
    with FlashSession(NUCLEO, UID) as opened:
        opened.program_blob(BLOB, NUCLEO.image_slot.origin)
    held = powered.machine.flash_image()
    fail(2)
    with pytest.raises(RigError, match="cannot be reached"):
        FlashSession(NUCLEO, UID).__enter__()
    assert powered.machine.flash_image() == held
    fail(2)
    with FlashSession(NUCLEO, UID, may_erase=True) as opened:
        assert [each.rpartition("; ")[2] for each in opened.retries] == [
            "tried again with the reset pin held",
            "its whole flash was erased, as was allowed",
        ]
    assert powered.machine.flash_image()[: len(held)] == bytes(len(held))


@pytest.mark.usefixtures("wire")
def test_each_rung_is_climbed_once(fail: Callable[[int], None]) -> None:
    fail(99)
    opened = FlashSession(NUCLEO, UID, may_erase=True)
    with pytest.raises(RigError, match="cannot be reached"):
        opened.__enter__()
    assert len(opened.retries) == 2
    ProbeLock(UID, "x", IMPATIENT).release()  # what did not open holds nothing


@pytest.mark.usefixtures("wire")
def test_a_write_that_fails_climbs_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    real = flash.MemoryLoader
    losses = iter([exceptions.TransferError("lost")] * 2)

    class Losing(real):
        def commit(self) -> None:
            for loss in losses:
                raise loss
            super().commit()

    monkeypatch.setattr(flash, "MemoryLoader", Losing)
    with FlashSession(NUCLEO, UID, may_erase=True) as opened:
        opened.program_blob(BLOB, NUCLEO.image_slot.origin)
        assert opened.read_memory(NUCLEO.image_slot.origin, len(BLOB)) == BLOB
        assert len(opened.retries) == 2


@pytest.mark.usefixtures("wire")
def test_a_write_that_never_works_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    class Losing(flash.MemoryLoader):
        def commit(self) -> None:
            raise exceptions.TransferError("lost")

    monkeypatch.setattr(flash, "MemoryLoader", Losing)
    with FlashSession(NUCLEO, UID, may_erase=True) as opened:
        with pytest.raises(RigError, match="cannot be written") as caught:
            opened.program_blob(BLOB, NUCLEO.image_slot.origin)
        assert len(opened.retries) == 2  # each rung once
    assert "it was the third attempt, after: 512 bytes at 0x08004000 cannot be written" in str(caught.value.cause)


@pytest.fixture
def uhubctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A program of that name first on PATH; returns where it writes its arguments."""

    def install(script: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        said = tmp_path / "said"
        program = folder / "uhubctl"
        program.write_text(f'#!/bin/sh\necho "$@" >> {said}\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return said

    return install


def test_a_board_that_is_gone_has_its_power_cycled(
    wire: Computer, uhubctl: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = uhubctl(f"touch {tmp_path}/cycled")
    with FlashSession(NUCLEO, UID) as opened:
        wire.unplug("1-1.4")
        real = usb_power.find_again

        def find_again(probe: Probe) -> Probe | None:
            if (tmp_path / "cycled").exists() and not (wire.sys / "bus/usb/devices/1-1.4").exists():
                wire.plug("1-1.4", STLINK_V21)  # what the hub's port does
            return real(probe)

        monkeypatch.setattr(usb_power, "find_again", find_again)
        opened._probe.recover(RigError("probe lost"))
        (told,) = opened.retries
        assert told == "probe lost; it was gone from USB, and the power of its port was cut and given again"
        assert opened.read_memory(NUCLEO.memory.flash.origin, 4)
    assert said.read_text() == "-l 1-1 -p 4 -a cycle -d 2\n"


@pytest.mark.usefixtures("wire")
def test_power_is_never_cycled_while_the_device_is_there(
    uhubctl: Callable[[str], Path], fail: Callable[[int], None]
) -> None:
    said = uhubctl("exit 0")
    fail(99)
    with pytest.raises(RigError):
        FlashSession(NUCLEO, UID).__enter__()
    assert not said.exists()


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("echo 'No compatible devices detected at location 1-1!' >&2; exit 1", "No compatible devices detected"),
        ("exit 3", "uhubctl ended with 3"),
        ("sleep 60", "timed out"),
        ("exit 0", "has not come back within"),
    ],
)
def test_a_hub_that_cannot_is_told_in_time(
    wire: Computer, uhubctl: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    monkeypatch.setattr(usb_power, "_PROGRAM_S", 0.3)
    monkeypatch.setattr(usb_power, "_BACK_S", 0.2)
    uhubctl(script)
    with FlashSession(NUCLEO, UID) as opened:
        wire.unplug("1-1.4")
        with pytest.raises(RigError) as caught:
            opened._probe.recover(RigError("probe lost"))
    assert words in str(caught.value)


def test_without_the_program_a_board_that_is_gone_is_only_told(wire: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usb_power.shutil, "which", lambda _: None)
    wire.unplug("1-1.4")
    with pytest.raises(RigError, match=f"no debug probe with uid 'stlink:{UID}' is attached"):
        FlashSession(NUCLEO, f"stlink:{UID}").__enter__()


def board_with(**changes: Any) -> Board:
    return Board.model_validate({**NUCLEO.model_dump(), **changes})


def test_another_chip_is_found_before_anything_is_written(wire: Computer, powered: PoweredBoard) -> None:
    assert wire.ports()
    before = powered.machine.flash_image()
    assert NUCLEO.chip_ids is not None
    other = board_with(chip_ids={**NUCLEO.chip_ids.model_dump(), "values": (0x457,)})
    with pytest.raises(RigError, match="says that it is 0x425, that of board 'nucleo-l031' is 0x457"):
        FlashSession(other, UID).__enter__()
    assert powered.machine.flash_image() == before


def test_a_chip_that_does_not_say_what_it_is_is_not_written(
    wire: Computer, powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert wire.ports()
    before = powered.machine.flash_image()
    ids = NUCLEO.chip_ids
    assert ids is not None
    read = TargetBus.read
    answers: list[Callable[[], bytes]] = [lambda: bytes(4)]

    def answer(self: TargetBus, address: int, size: int) -> bytes:
        return answers[-1]() if address == ids.address else read(self, address, size)

    monkeypatch.setattr(TargetBus, "read", answer)
    for uid in (UID, ""):
        with pytest.raises(RigError, match=f"the chip behind probe '{uid}' does not say what it is") as caught:
            FlashSession(NUCLEO, uid).__enter__()
        assert caught.value.hint == "is it the one of board 'nucleo-l031'? Nothing was written"

    def no_answer() -> bytes:
        raise exceptions.TransferFaultError(fault_address=ids.address)

    answers.append(no_answer)
    with pytest.raises(RigError, match=f"the chip behind probe '{UID}' does not say what it is"):
        FlashSession(NUCLEO, UID).__enter__()
    assert powered.machine.flash_image() == before


@pytest.mark.usefixtures("wire")
def test_the_only_probe_there_is_is_locked_also_where_nobody_names_it() -> None:
    with FlashSession(NUCLEO), pytest.raises(RigError, match=f"probe {UID} of board 'nucleo-l031' is in use"):
        FlashSession(NUCLEO).__enter__()


@pytest.mark.usefixtures("wire")
def test_a_board_is_identified_by_the_id_that_its_probe_tells_then_by_its_chip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (probe,) = attached_probes()
    assert identify(NUCLEO, probe).is_ is Is.THE_BOARD  # by its chip
    assert NUCLEO.chip_ids is not None
    other = board_with(chip_ids={**NUCLEO.chip_ids.model_dump(), "values": (0x457,)})
    assert identify(other, probe).is_ is Is.ANOTHER
    answer = identify(board_with(chip_ids=None), probe)
    assert (answer.is_, answer.why) == (Is.UNKNOWN, f"probe {UID} does not say which board it is part of")
    for said, is_ in (("0790", Is.THE_BOARD), ("0720", Is.ANOTHER)):
        monkeypatch.setattr(EmulatedProbe, "board_id", said, raising=False)
        assert identify(other, probe).is_ is is_


@pytest.mark.usefixtures("wire")
def test_what_runs_on_a_board_that_does_not_say_its_chip_runs_on(
    powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = (NUCLEO.memory.ram.origin + 0x400).to_bytes(4, "little") + (NUCLEO.memory.flash.origin + 9).to_bytes(
        4, "little"
    )
    endless = bytes.fromhex("fee7")  # b .
    powered.machine.set_flash_image((vectors + endless).ljust(NUCLEO.memory.flash.bytes, b"\0"))
    powered.machine.reset(halt=False)
    ids = NUCLEO.chip_ids
    assert ids is not None
    assert ids.clock is not None
    clock = powered.machine.read_memory(ids.clock.address, 4)
    read = TargetBus.read

    def fails(self: TargetBus, address: int, size: int) -> bytes:
        if address == ids.address:
            raise MemoryFault(address)
        return read(self, address, size)

    monkeypatch.setattr(TargetBus, "read", fails)
    (probe,) = attached_probes()
    answer = identify(NUCLEO, probe)
    assert answer.is_ is Is.UNKNOWN
    assert answer.why == f"there is no memory at 0x{ids.address:08x}"
    assert powered.machine.status().state is CoreState.RUNNING
    assert powered.machine.read_memory(ids.clock.address, 4) == clock


@pytest.mark.usefixtures("wire")
def test_a_board_that_cannot_be_asked_is_told_and_nothing_is_tried_twice(fail: Callable[[int], None]) -> None:
    (probe,) = attached_probes()
    fail(1)
    answer = identify(NUCLEO, probe)
    assert answer.is_ is Is.UNKNOWN
    assert answer.why.endswith(f"cannot be reached through probe '{UID}' ({DEAF})")
    assert identify(NUCLEO, probe).is_ is Is.THE_BOARD


@pytest.mark.usefixtures("wire")
def test_a_probe_that_another_run_has_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    (probe,) = attached_probes()
    monkeypatch.setattr(EmulatedProbe, "open", None)
    with ProbeLock(UID, "nucleo-l031", IMPATIENT):
        assert identify(NUCLEO, probe).is_ is Is.THE_BOARD
    with ProbeLock(UID, "other", IMPATIENT):
        assert identify(NUCLEO, probe).is_ is Is.ANOTHER
    with ProbeLock(UID, "", IMPATIENT, "that serves it on the network"):
        answer = identify(NUCLEO, probe)
        assert answer.is_ is Is.UNKNOWN
        assert f"probe {UID} is in use by process " in answer.why
        assert " that serves it on the network (" in answer.why
    with ProbeLock(UID, "other", IMPATIENT):
        lock.lock_path(UID).write_text("")
        monkeypatch.setattr(identifying, "_ASKING_S", 0.1)
        answer = identify(NUCLEO, probe)
        assert answer.is_ is Is.UNKNOWN
        assert "is in use by process" in answer.why


@pytest.mark.usefixtures("wire")
def test_a_probe_that_is_only_being_asked_is_waited_for() -> None:
    """Two workers of one run look for the board at the same time, and neither takes the other's look for a board."""
    (probe,) = attached_probes()
    asked = ProbeLock(UID, "", IMPATIENT, identifying._ASKED)
    waits = []

    def wait(_: float) -> None:
        waits.append(1)
        asked.release()

    assert identify(NUCLEO, probe, wait).is_ is Is.THE_BOARD
    assert waits == [1]
