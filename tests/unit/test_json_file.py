"""A JSON file is there whole or not at all, and one that cannot be written is told before the work."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest

from hil.errors import InputError
from hil.report.json_file import prepare_json, write_json

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = {"a": 1}, {"a": list(range(1000))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "r.json"


def test_nothing_but_the_file_is_left(path: Path) -> None:
    prepare_json(path)
    assert list(path.parent.iterdir()) == []
    for data in (OLD, NEW):
        write_json(path, data)
        assert json.loads(path.read_text()) == data
        assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_json(path, OLD)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=f"{path} cannot be written") as caught:
        write_json(path, NEW)
    assert caught.value.cause == "No space left on device"
    assert json.loads(path.read_text()) == OLD
    assert list(path.parent.iterdir()) == [path]


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    write_json(path, OLD)
    link = tmp_path / "latest.json"
    link.symlink_to(path)
    write_json(link, NEW)
    assert link.is_symlink()
    assert json.loads(path.read_text()) == NEW


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    prepare_json(pipe)
    write_json(pipe, OLD)
    reader.join(10)
    assert json.loads(got[0]) == OLD


@pytest.mark.parametrize("place", ["file/r.json", "folder", "/proc/r.json"])
def test_what_cannot_be_written_is_told_beforehand(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written") as caught:
        prepare_json(tmp_path / place)
    assert caught.value.cause
