"""Our session on the emulated NUCLEO-L031K6: the algorithm of ours, beside stock pyOCD's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.emulator.power import power
from hil.emulator.twin.stm32l031.flash import NOTZEROERR, Flash
from hil.emulator.twin.stm32l031.nvm import Nvm
from hil.errors import FlashError
from hil.flash import FlashSession
from hil.probe.flash_region import STM32L0
from tests.contract.tiny_firmware import COUNTING_SOURCE, build
from tests.twin.flash_algorithm import assembled
from tests.twin.flash_runs import (
    BEFORE,
    CHANGES,
    ERASED,
    FULL,
    OTHER,
    PAGE,
    PATTERNS,
    agent,
    alternately,
    by_our_session,
    by_stock_pyocd,
)
from tests.twin.local_board import BOARD, FLASH, LocalBoard, our_session, powered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_algorithm_is_its_source_assembled() -> None:
    assert STM32L0.file.read_text() == assembled(), "tools/flash-algorithm writes it anew"


def test_the_algorithm_has_the_room_it_takes() -> None:
    algorithm = STM32L0.described(always=False)
    end = algorithm["load_address"] + 4 * len(algorithm["instructions"])
    assert end + 256 <= algorithm["begin_stack"] <= min(STM32L0.buffers)
    ram = BOARD.memory.ram
    marked = STM32L0.page_bytes + 4
    assert max(STM32L0.buffers) + marked <= ram.origin + ram.bytes
    assert abs(STM32L0.buffers[1] - STM32L0.buffers[0]) >= marked


@pytest.fixture(scope="module")
def images() -> dict[str, bytes]:
    return {**PATTERNS, "firmware": agent()}


@pytest.mark.parametrize("name", [*PATTERNS, "firmware"])
@pytest.mark.parametrize("before", BEFORE)
def test_half_the_calls_of_stock_pyocd(tmp_path: Path, images: dict[str, bytes], before: str, name: str) -> None:
    """Half the chip's time cannot be: each erase and each half-page takes 3.2 ms, whoever starts it. But no more."""
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(images[name])
    stock, ours = by_stock_pyocd(BEFORE[before], firmware), by_our_session(BEFORE[before], firmware)
    assert ours.calls <= stock.calls / 2
    assert ours.chip_s <= stock.chip_s
    assert (ours.chip_s > 0) == (images[name] != BEFORE[before])


def test_half_the_wall_time_of_stock_pyocd(tmp_path: Path) -> None:
    """Of a full chip onto another; for every content, `python -m tests.twin.bench_flash`."""
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(FULL)
    stock, ours = alternately(OTHER, firmware, rounds=8, wall=0.5)
    assert ours.wall_s <= stock.wall_s / 2


@pytest.mark.parametrize("name", CHANGES)
def test_no_more_of_the_chips_time_for_what_is_changed(tmp_path: Path, name: str) -> None:
    before, after = CHANGES[name]
    firmware = tmp_path / "firmware.bin"
    firmware.write_bytes(after)
    stock, ours = by_stock_pyocd(before, firmware), by_our_session(before, firmware)
    assert 0 < ours.chip_s <= stock.chip_s


@contextmanager
def operations(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, bytes]]]:
    """Offset and new content of each operation on the flash."""
    seen: list[tuple[int, bytes]] = []
    real = Nvm.begin

    def begin(self: Nvm, area: object, at: int, contents: tuple[bytes, ...], end: object) -> None:
        seen.append((at, contents[-1]))
        real(self, area, at, contents, end)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Nvm, "begin", begin)
        yield seen


def put(board: LocalBoard, data: bytes, at: int, mode: str = "auto") -> int:
    with our_session(board) as session:
        written = session.program_blob(data, FLASH.origin + at, mode=mode).bytes_written  # type: ignore[arg-type]
        assert session.read_memory(FLASH.origin + at, len(data)) == data
    return written


def test_only_what_must_be_is_erased_and_programmed(monkeypatch: pytest.MonkeyPatch) -> None:
    old = bytes(range(1, 129))
    content = [old, old, bytes(PAGE), old, b"\xff" * PAGE, bytes(64) + old[:64]]
    before = b"".join([old, bytes(PAGE), old, old[::-1], bytes(PAGE), bytes(PAGE)])
    with powered(before.ljust(FLASH.bytes, b"\x55")) as board, operations(monkeypatch) as seen:
        assert put(board, b"".join(content), 0) == 5 * PAGE
        assert board.machine.flash_image() == b"".join(content).ljust(FLASH.bytes, b"\x55")
    half = old[:64], old[64:]
    assert seen == [
        (PAGE, half[0]),  # was erased
        (PAGE + 64, half[1]),
        (2 * PAGE, bytes(PAGE)),  # is to be erased
        (3 * PAGE, bytes(PAGE)),  # another content
        (3 * PAGE, half[0]),
        (3 * PAGE + 64, half[1]),
        (4 * PAGE, b"\xff" * 64),  # was erased
        (4 * PAGE + 64, b"\xff" * 64),
        (5 * PAGE + 64, half[0]),  # the other half is to stay erased
    ]


def test_always_means_always(monkeypatch: pytest.MonkeyPatch) -> None:
    with powered(OTHER) as board:
        with operations(monkeypatch) as seen:
            assert put(board, OTHER[0x1000:0x1080], 0x1000) == 0
            assert seen == []
            assert put(board, OTHER[0x1000:0x1080], 0x1000, "always") == PAGE
        assert (0x1000, bytes(PAGE)) in seen
        assert (0x1040, OTHER[0x1040:0x1080]) in seen
        assert board.machine.flash_image() == OTHER


def test_a_blob_between_pages_leaves_its_surroundings() -> None:
    with powered(OTHER) as board:
        assert put(board, b"\xff" * 300, 0x1003) == 3 * PAGE
        assert board.machine.flash_image() == OTHER[:0x1003] + b"\xff" * 300 + OTHER[0x1003 + 300 :]


def test_flash_that_does_not_take_it_is_a_flash_error_with_its_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Flash, _at: int, _data: bytes) -> None:
        self._refuse(NOTZEROERR)

    with powered(ERASED) as board, our_session(board) as session:
        monkeypatch.setattr(Flash, "_program", refuse)
        with pytest.raises(FlashError, match="4 bytes at 0x08000100 cannot be written") as caught:
            session.program_blob(b"abcd", FLASH.origin + 0x100)
        assert session.retries == ()
    assert f"{NOTZEROERR:#x}" in str(caught.value.cause) or str(NOTZEROERR) in str(caught.value.cause)


def test_through_a_supervisor_and_over_power_cycles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    firmware = build(tmp_path, COUNTING_SOURCE, BOARD.name)
    blob = bytes(PAGE) + b"\xff" * PAGE + bytes(range(256)) * 8
    with power(BOARD) as board, FlashSession(BOARD, board.probe_uid) as session:
        session.program(firmware.hex)
        session.program_blob(blob, BOARD.image_slot.origin)
        session.reset()
    at = BOARD.image_slot.origin - FLASH.origin
    wanted = bytearray(firmware.flash_image())
    wanted[at : at + len(blob)] = blob
    with power(BOARD) as board:
        assert board.machine.flash_image() == bytes(wanted)
        with FlashSession(BOARD, board.probe_uid) as session:
            assert session.program(firmware.hex).skipped
            assert session.program_blob(blob, BOARD.image_slot.origin).skipped
            counter = firmware.symbols["counter"]
            assert session.read_memory(counter, 4) != session.read_memory(counter, 4)
