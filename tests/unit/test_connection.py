"""What a failure on the link says of what is behind it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Self

import pytest

from hil.board import load_board
from hil.dut import connection
from hil.dut.connection import Connection
from hil.emulator.machine import EmulatorEndedError
from hil.errors import BoardGoneError, HilError, LinkError, RigError, TargetFault
from hil.frame import Defect

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARD = load_board("microbit")
ARTEFACT = SimpleNamespace(build_id="00ff", elf="/cache/microbit-00ff/agent.elf")
IDENTITY = SimpleNamespace(board_name="microbit", build_id="00ff", defect=0)


@dataclass
class FakeClient:
    asked: int = 0
    epoch: int = 77
    traffic: tuple[str, ...] = ("last heard: reply IDENTIFY 1 OK",)
    found: set[int] = field(default_factory=lambda: {0})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def identify(self) -> SimpleNamespace:
        self.asked += 1
        return IDENTITY


@dataclass
class FakeBoard:
    """What runs the firmware; a look at it ends as told."""

    found: HilError | None = None
    link_address: str = "/dev/pts/1"
    probe_uid: str = ""
    noticed: tuple[str, ...] = ()
    finds: list[set[int]] = field(default_factory=list)
    restarts: int = 0
    clients: list[FakeClient] = field(default_factory=list)
    pairing_hint: str = "name the port of that probe"
    lost: list[HilError | None] = field(default_factory=list)

    def confirm(self) -> None:
        if self.lost and (error := self.lost.pop(0)):
            raise error

    def restart(self) -> None:
        self.restarts += 1

    def check(self) -> tuple[str, ...]:
        if self.found is not None:
            raise self.found
        return ("the core was running, in thread mode",)


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> FakeBoard:
    behind = FakeBoard()

    def client(*_: object, **__: object) -> FakeClient:
        found = {"found": behind.finds.pop(0)} if behind.finds else {}
        behind.clients.append(FakeClient(**found))
        return behind.clients[-1]

    monkeypatch.setattr(connection, "AgentClient", client)
    return behind


@pytest.fixture
def link(behind: FakeBoard) -> Iterator[Connection]:
    with ExitStack() as stack:
        yield Connection(BOARD, ARTEFACT, behind, stack, link="uart")


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        (Defect.CRYSTAL, "its crystal oscillator does not start"),
        (Defect.CLOCK, "an oscillator or the PLL of its core does not start"),
        (9, "its firmware reports the unknown defect 9"),
    ],
)
def test_a_defect_of_the_board_is_no_verdict_about_the_firmware(
    behind: FakeBoard, monkeypatch: pytest.MonkeyPatch, defect: int, words: str
) -> None:
    monkeypatch.setattr(IDENTITY, "defect", defect)
    with ExitStack() as stack, pytest.raises(RigError, match=f"board 'microbit' is defective: {words}"):
        Connection(BOARD, ARTEFACT, behind, stack, link="uart")


@pytest.mark.parametrize("first", [{0}, {5}], ids=["fresh", "used"])
def test_a_board_that_the_probe_does_not_restart_is_another_board(behind: FakeBoard, first: set[int]) -> None:
    behind.probe_uid = "123"
    behind.finds = [first, {77}]
    words = "what answers on port /dev/pts/1 has not been restarted by probe 123: they belong to two boards"
    with ExitStack() as stack, pytest.raises(RigError, match=words) as caught:
        Connection(BOARD, ARTEFACT, behind, stack, link="uart")
    assert "name the port of that probe" in caught.value.hint
    assert [client.asked for client in behind.clients] == [0, 0]  # whatever firmware it has, it is no verdict


def test_lost_answers_are_no_proof_of_another_board(behind: FakeBoard) -> None:
    behind.probe_uid = "123"
    behind.finds = [{0}, set(), {9}, {0}]
    with ExitStack() as stack:
        assert Connection(BOARD, ARTEFACT, behind, stack, link="uart").client is behind.clients[3]
    assert behind.restarts == 3
    behind.finds = [set()] * 6
    with ExitStack() as stack, pytest.raises(LinkError, match="not known whether port /dev/pts/1 belongs to probe 123"):
        Connection(BOARD, ARTEFACT, behind, stack, link="uart")


def test_what_was_done_on_a_board_that_was_lost_meanwhile_does_not_count(link: Connection, behind: FakeBoard) -> None:
    worked = []
    for lost, times in (([None, BoardGoneError("place lost")], 1), ([BoardGoneError("place lost")], 0)):
        behind.lost = lost
        worked.clear()
        with pytest.raises(RigError, match="place lost"), link.guard():
            worked.append(True)
        assert len(worked) == times
        assert link.lost is not None  # so that what comes next opens the board anew


def silence(link: Connection, cause: str | None = None) -> None:
    with link.guard():
        raise LinkError("board 'microbit' does not answer", cause=cause)


def test_a_firmware_that_has_ended_is_told_instead_of_its_silence(link: Connection, behind: FakeBoard) -> None:
    behind.found = TargetFault("it sits in a HardFault")
    with pytest.raises(TargetFault, match="HardFault"):
        silence(link)


def test_an_emulator_that_has_ended_is_told_instead_of_its_silence(link: Connection, behind: FakeBoard) -> None:
    behind.found = EmulatorEndedError("the emulator has ended")
    with pytest.raises(RigError, match="the emulator has ended") as caught:
        silence(link)
    assert caught.value.exit_code == 10


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (None, "the core cannot be looked at: the probe is gone (USB)"),
        ("no byte in 2 s", "no byte in 2 s; and the core cannot be looked at: the probe is gone (USB)"),
    ],
)
def test_a_look_that_fails_does_not_hide_the_silent_link(
    link: Connection, behind: FakeBoard, cause: str | None, words: str
) -> None:
    behind.found = RigError("the probe is gone", cause="USB")
    with pytest.raises(LinkError, match="does not answer") as caught:
        silence(link, cause)
    assert caught.value.cause == words
    assert caught.value.exit_code == 5


def test_after_a_failure_the_next_user_gets_a_restarted_firmware(link: Connection, behind: FakeBoard) -> None:
    with pytest.raises(LinkError):
        silence(link)
    assert link.client is behind.clients[1]
    assert behind.restarts == 1


def test_identity_is_asked_for_once_a_connection(link: Connection, behind: FakeBoard) -> None:
    assert link.identity is link.identity is IDENTITY
    assert behind.clients[0].asked == 1
