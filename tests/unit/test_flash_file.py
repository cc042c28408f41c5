"""The flash file: newest whole copy, whatever happened to the writer; one holder at a time."""

from __future__ import annotations

import errno
import os
import resource
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from hil.emulator.flash_file import BoardBusyError, FlashFile, open_locked
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 8192
IMAGES = [bytes([number]) * SIZE for number in range(4)]


def saved(path: Path) -> bytes:
    file = FlashFile(open_locked(path), SIZE)
    try:
        return file.load()
    finally:
        file.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "microbit.flash"


def test_a_new_file_is_erased_flash(path: Path) -> None:
    assert saved(path) == b"\xff" * SIZE


def test_a_folder_in_its_place_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(RigError, match=f"{path} is a folder, but emulated board 'microbit' keeps its flash"):
        open_locked(path)


def test_the_newest_image_is_loaded(path: Path) -> None:
    for image in IMAGES:
        file = FlashFile(open_locked(path), SIZE)
        file.load()
        file.save(image)
        file.close()
        assert saved(path) == image


@pytest.mark.parametrize("cut", [0, 1, SIZE // 2, SIZE - 1, SIZE])
def test_a_save_cut_short_leaves_the_image_before(path: Path, cut: int, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FlashFile(open_locked(path), SIZE)
    file.save(IMAGES[1])
    file.save(IMAGES[2])
    write = os.pwrite

    def torn(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) < SIZE or not cut:
            raise KeyboardInterrupt
        return write(descriptor, data[:cut], offset)

    monkeypatch.setattr(os, "pwrite", torn)
    with pytest.raises(KeyboardInterrupt):
        file.save(IMAGES[3])
    monkeypatch.undo()
    file.close()
    assert saved(path) == IMAGES[2]


def test_the_same_image_is_not_written_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FlashFile(open_locked(path), SIZE)
    file.save(IMAGES[1])
    file.load()

    def refuse(*_: object) -> int:
        raise AssertionError("written")

    monkeypatch.setattr(os, "pwrite", refuse)
    file.save(IMAGES[1])
    with pytest.raises(AssertionError):
        file.save(IMAGES[2])
    file.close()


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """No file can become larger, which is told as a full disk is, but for the reason."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 1000, 5000, 4096 + SIZE])
def test_a_full_disk_is_told_at_once_and_leaves_no_damaged_file(path: Path, room: int) -> None:
    file = FlashFile(open_locked(path), SIZE)
    with disk_of(room):
        with pytest.raises(RigError, match=f"the flash of the emulated board cannot be kept in {path}") as caught:
            file.load()
        with pytest.raises(RigError, match="cannot be kept"):
            file.save(IMAGES[2])
    assert caught.value.cause == "File too large"
    file.close()
    assert saved(path) == b"\xff" * SIZE


def test_what_was_loaded_can_be_saved_on_a_disk_that_is_full_since(path: Path) -> None:
    file = FlashFile(open_locked(path), SIZE)
    file.load()
    with disk_of(path.stat().st_size):
        for image in IMAGES:
            file.save(image)
    file.close()
    assert saved(path) == IMAGES[-1]


def test_a_disk_that_fills_up_leaves_the_image_before(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FlashFile(open_locked(path), SIZE)
    file.load()
    file.save(IMAGES[1])
    write = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if offset % 4096:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data[:1000], offset)

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(RigError, match="cannot be kept") as caught:
        file.save(IMAGES[2])
    monkeypatch.undo()
    assert caught.value.cause == "No space left on device"
    assert file.load() == IMAGES[1]
    file.save(IMAGES[3])
    file.close()
    assert saved(path) == IMAGES[3]


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    path.write_bytes(b"not a flash file" * 4096)
    with pytest.raises(RigError, match=f"flash file {path} of the emulated board is damaged") as caught:
        saved(path)
    assert caught.value.hint == f"to get an erased board, delete it: rm {path}"


def test_the_file_of_another_board_is_refused(path: Path) -> None:
    file = FlashFile(open_locked(path), SIZE)
    file.save(IMAGES[1])
    file.close()
    other = FlashFile(open_locked(path), 2 * SIZE)
    with pytest.raises(RigError, match=f"flash file {path} holds 8192 bytes, the board has 16384"):
        other.load()
    other.close()


def test_one_holder_at_a_time_named_in_the_error(path: Path) -> None:
    first = open_locked(path)
    with pytest.raises(BoardBusyError, match=f"'microbit' is powered already by process {os.getpid()}"):
        open_locked(path)
    os.close(first)
    os.close(open_locked(path))
