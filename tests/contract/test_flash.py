"""FlashSession on an emulated board: what is written, what is not, and what is said when it goes wrong."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
from pyocd.core import exceptions

from hil import flash
from hil.board import Board, load_board
from hil.emulator.power import PoweredBoard, power, power_or_connect
from hil.errors import FlashError, HilError, InputError, RigError
from hil.flash import FlashSession
from hil.probe.emulated import EmulatedProbe
from tests.contract.tiny_firmware import TinyFirmware, build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOARD = load_board("microbit")
SLOT = BOARD.image_slot.origin


@pytest.fixture(scope="module")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> TinyFirmware:
    return build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def powered() -> Iterator[PoweredBoard]:
    with power(BOARD) as board:
        yield board


@pytest.fixture
def session(powered: PoweredBoard) -> Iterator[FlashSession]:
    with FlashSession(BOARD, powered.probe_uid) as session:
        yield session


def echo(board: PoweredBoard, data: bytes) -> bytes:
    port = os.open(board.serial_path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(port, data)
        answer = b""
        while len(answer) < len(data):
            answer += os.read(port, 64)
        return answer
    finally:
        os.close(port)


def test_programs_starts_and_recognises_what_is_there(
    session: FlashSession, powered: PoweredBoard, firmware: TinyFirmware, capfd: pytest.CaptureFixture[str]
) -> None:
    first = session.program(firmware.hex)
    assert first.bytes_written == 1024
    assert not first.skipped
    assert first.bytes_total == len(firmware.bin.read_bytes())
    assert echo(powered, b"ab") == b"AB"
    second = session.program(firmware.bin)  # another file, the same content
    assert second.skipped
    assert echo(powered, b"cd") == b"CD"
    assert session.program(firmware.hex, mode="always").bytes_written == 1024
    assert capfd.readouterr() == ("", "")


def test_changed_content_under_the_same_name_is_written(
    session: FlashSession, firmware: TinyFirmware, tmp_path: Path
) -> None:
    path = tmp_path / "firmware.bin"
    path.write_bytes(firmware.bin.read_bytes())
    session.program(path)
    changed = bytearray(firmware.bin.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    assert session.program(path).bytes_written == 1024
    assert session.read_memory(0, len(changed)) == changed


def test_content_changed_on_the_target_is_written_again(
    session: FlashSession, powered: PoweredBoard, firmware: TinyFirmware
) -> None:
    session.program(firmware.hex)
    image = bytearray(powered.machine.flash_image())
    image[8] ^= 1
    powered.machine.set_flash_image(bytes(image))
    assert not session.program(firmware.hex).skipped
    assert powered.machine.flash_image() == firmware.flash_image()


def test_a_blob_leaves_its_surroundings(session: FlashSession, powered: PoweredBoard, firmware: TinyFirmware) -> None:
    session.program(firmware.hex)
    blob = bytes(range(1, 256)) * 20
    session.program_blob(bytes(range(256)) * 12, SLOT)
    assert session.program_blob(blob, SLOT + 1000).bytes_written == 6 * 1024
    wanted = bytearray(firmware.flash_image())
    wanted[SLOT : SLOT + 3072] = bytes(range(256)) * 12
    wanted[SLOT + 1000 : SLOT + 1000 + len(blob)] = blob
    assert powered.machine.flash_image() == bytes(wanted)
    assert session.program_blob(blob, SLOT + 1000).skipped
    session.reset()
    assert echo(powered, b"ok") == b"OK"


def test_never_writes_nothing_and_says_what_differs(
    session: FlashSession, powered: PoweredBoard, firmware: TinyFirmware
) -> None:
    with pytest.raises(FlashError, match=r"firmware tiny\.hex, and writing was forbidden") as caught:
        session.program(firmware.hex, mode="never")
    assert caught.value.cause is not None
    assert caught.value.cause.startswith("0x00000000 holds 0xff instead of 0x00")
    assert powered.machine.flash_image() == b"\xff" * BOARD.memory.flash.bytes
    session.program(firmware.hex)
    assert session.program(firmware.hex, mode="never").skipped


def test_content_that_does_not_fit_is_refused_before_anything_is_erased(
    session: FlashSession, powered: PoweredBoard, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="from 0x0003fff0 to 0x0004000f, outside the flash"):
        session.program_blob(b"x" * 32, 0x3FFF0)
    for name, content, complaint in (
        ("a.hex", b"no hex", "not Intel HEX"),
        ("b.hex", bytes(range(256)), "not Intel HEX"),
        ("c.txt", b"", "neither .hex nor .bin"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=complaint):
            session.program(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        session.program(tmp_path / "absent.hex")
    assert powered.machine.flash_image() == b"\xff" * BOARD.memory.flash.bytes


def test_flash_that_reads_back_differently_is_a_defect_and_not_tried_again(
    powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch, firmware: TinyFirmware
) -> None:
    class Spoiling(flash.MemoryLoader):
        writes = 0

        def commit(self) -> None:
            super().commit()
            Spoiling.writes += 1
            image = bytearray(powered.machine.flash_image())
            image[SLOT + 5] ^= 4
            powered.machine.set_flash_image(bytes(image))

    with FlashSession(BOARD, powered.probe_uid) as session:
        session.program(firmware.hex)
        monkeypatch.setattr(flash, "MemoryLoader", Spoiling)
        with pytest.raises(FlashError, match="10 bytes at 0x00020000 reads back differently") as caught:
            session.program_blob(b"0123456789", SLOT)
        assert session.retries == ()
    assert caught.value.cause == "0x00020005 holds 0x31 instead of 0x35, 1 bytes differ in all"
    assert Spoiling.writes == 1
    assert powered.machine.flash_image()[:SLOT] == firmware.flash_image()[:SLOT]  # nothing erased the rest


def lose_the_probe(monkeypatch: pytest.MonkeyPatch, times: int, how: Exception | None = None) -> None:
    """Lose the connection in the middle, after the first page of a write, the first ``times`` times."""

    real = flash.MemoryLoader

    class Losing(real):
        left = times

        def commit(self) -> None:
            if not Losing.left:
                super().commit()
                return
            Losing.left -= 1
            first = real(self._session, progress=lambda _: None, keep_unwritten=True)
            first.add_data(SLOT, list(BLOB[:1024]))
            first.commit()
            raise how or exceptions.TransferError("the cable is loose")

    monkeypatch.setattr(flash, "MemoryLoader", Losing)


BLOB = bytes(range(256)) * 12  # three pages


def test_a_sleeping_core_is_flashed_at_the_first_attempt(powered: PoweredBoard) -> None:
    machine = powered.machine
    machine.halt()
    machine.write_memory(0x20001000, bytes.fromhex("72b630bffde7"))  # cpsid i; wfi; b .-2
    machine.write_register("pc", 0x20001000)
    machine.resume()
    with FlashSession(BOARD, powered.probe_uid) as session:
        session.program_blob(BLOB, SLOT)
        assert session.retries == ()
        assert session.read_memory(SLOT, len(BLOB)) == BLOB


def test_a_lost_connection_is_tried_again_once_and_told(powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_the_probe(monkeypatch, 1)
    with FlashSession(BOARD, powered.probe_uid) as session:
        result = session.program_blob(BLOB, SLOT)
        assert session.read_memory(SLOT, len(BLOB)) == BLOB
        (told,) = session.retries
    assert told == (
        "3072 bytes at 0x00020000 cannot be written to board 'microbit' (the cable is loose); "
        "tried again with the core halted"
    )
    assert result.bytes_written == 2 * 1024  # the first page was there already


@pytest.mark.parametrize(
    ("failure", "kind", "retries"),
    [
        (exceptions.FlashFailure("flash init timed out"), RigError, 1),
        (exceptions.FlashEraseFailure("flash erase sector failure", result_code=3), FlashError, 0),
    ],
)
def test_a_core_that_does_not_answer_is_tried_again_and_flash_that_fails_is_not(
    powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch, failure: Exception, kind: type[HilError], retries: int
) -> None:
    lose_the_probe(monkeypatch, 99, failure)
    with FlashSession(BOARD, powered.probe_uid) as session:
        with pytest.raises(kind):
            session.program_blob(BLOB, SLOT)
        assert len(session.retries) == retries


def test_a_connection_lost_twice_is_a_rig_error_that_tells_both(
    powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_the_probe(monkeypatch, 99)
    with FlashSession(BOARD, powered.probe_uid) as session:
        with pytest.raises(RigError, match="cannot be written to board 'microbit'") as caught:
            session.program_blob(BLOB, SLOT)
        assert len(session.retries) == 1
    assert "the cable is loose; it was the second attempt, after: 3072 bytes" in str(caught.value.cause)


def test_a_reset_pin_is_held_where_there_is_one(powered: PoweredBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_the_probe(monkeypatch, 1)
    with FlashSession(board_with(reset_pin=True), powered.probe_uid) as session:
        session.program_blob(BLOB, SLOT)
        assert session.retries[0].endswith("tried again with the reset pin held")
    probe = EmulatedProbe.of(powered)
    probe.open()
    with pytest.raises(exceptions.ProbeError, match="'microbit' has no reset pin of its own"):
        probe.assert_reset(True)
    assert not probe.is_reset_asserted()
    probe.close()


@pytest.mark.parametrize(
    ("probe", "complaint"),
    [
        ("emulated:nano", "there is no emulated board 'nano'; known are: microbit"),
        ("no-such-uid", "no debug probe with uid 'no-such-uid' is attached"),
        ("bogus:1", "unknown debug probe type 'bogus'"),
    ],
)
def test_a_missing_probe_is_a_rig_error(probe: str, complaint: str) -> None:
    with pytest.raises(RigError, match=complaint), FlashSession(BOARD, probe):
        pass


def test_a_busy_probe_is_a_rig_error(session: FlashSession, powered: PoweredBoard) -> None:
    with (
        pytest.raises(RigError, match=f"'microbit' is in use by process {os.getpid()}"),
        FlashSession(BOARD, powered.probe_uid),
    ):
        pass
    session.reset()


def board_with(**changes: Any) -> Board:
    return Board.model_validate({**BOARD.model_dump(), **changes})


def test_the_wrong_core_is_found_before_anything_is_erased(powered: PoweredBoard) -> None:
    board = board_with(core="cortex-m0plus")
    with (
        pytest.raises(RigError, match=r"is a Cortex-M0, that of board 'microbit' is a Cortex-M0\+"),
        FlashSession(board, powered.probe_uid),
    ):
        pass


def test_a_board_without_a_known_target_is_refused(powered: PoweredBoard) -> None:
    with (
        pytest.raises(InputError, match="has no pyOCD target"),
        FlashSession(board_with(pyocd_target=None), powered.probe_uid),
    ):
        pass
    with (
        pytest.raises(RigError, match="cannot be reached") as caught,
        FlashSession(board_with(pyocd_target="nrf99"), powered.probe_uid),
    ):
        pass
    assert "nrf99" in str(caught.value.cause)


def test_a_lost_board_is_a_rig_error(powered: PoweredBoard) -> None:
    session = FlashSession(BOARD, powered.probe_uid)
    session.__enter__()
    powered.close()
    with pytest.raises(RigError, match="emulated board 'microbit'"):
        session.program_blob(b"x", SLOT)
    session.__exit__()


def test_post_mortem_of_a_fault(session: FlashSession, powered: PoweredBoard, firmware: TinyFirmware) -> None:
    session.program(firmware.hex)
    running = session.post_mortem()
    assert running.state == "running"
    assert running.exception == "thread mode"
    assert running.interrupted is None
    session.resume()
    powered.machine.set_breakpoint(firmware.symbols["hard_fault"])
    port = os.open(powered.serial_path, os.O_RDWR | os.O_NOCTTY)
    os.write(port, b"F")
    os.close(port)
    for _ in range(10_000):
        if powered.machine.status().state.value == "halted":
            break
    dead = session.post_mortem()
    assert dead.state == "halted"
    assert dead.exception == "HardFault"
    assert dead.interrupted is not None
    at = dead.interrupted["pc"]
    assert session.read_memory(at, 2) == b"\x01\xde"  # the undefined instruction
    assert dead.interrupted["xpsr"] & 0x3F == 0
    assert f"pc={firmware.symbols['hard_fault']:08x}" in "\n".join(dead.lines())
    assert f"pc={at:08x}" in "\n".join(dead.lines())


def test_pyocd_log_is_silent(powered: PoweredBoard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with FlashSession(BOARD, powered.probe_uid):
        pass
    assert not caplog.records


def test_a_board_let_go_can_be_taken_at_once(powered: PoweredBoard) -> None:
    for _ in range(50):
        with power_or_connect(BOARD) as board:
            assert board.name == powered.name
