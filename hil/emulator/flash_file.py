"""The file in which an emulated board keeps its flash while it has no power.

It holds two copies, each with sequence number and CRC; a save overwrites the older one, so that whenever the writer is
killed one of them is whole, and no temporary file exists that could be left behind. The kernel's lock on the file
itself (flock) says that the board is powered: it ends with the process that holds it, so it is never stale.
"""

from __future__ import annotations

import errno
import os
import shlex
import struct
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.errors import RigError
from hil.file_lock import is_gone, lock_holder, take_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC: Final = b"hilflash"
_HEADER: Final = struct.Struct("<8sIII")  # magic, sequence number, bytes, CRC-32
_DATA_AT: Final = 4096
_SLOT_BYTES: Final = 64  # from one header to the next
_PATIENCE_S: Final = 3.0


class BoardBusyError(RigError):
    """The board is powered by another process."""


def open_locked(path: Path, *, patient: bool = True) -> int:
    """Open (or create) a flash file and lock it; the descriptor carries the lock until its last copy is closed.

    Args:
        path: the file.
        patient: wait for a board whose holder has just ended: its supervisor still saves the flash.

    Raises:
        BoardBusyError: another process has the board powered.
        RigError: a folder is in its place.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except IsADirectoryError as error:
        raise RigError(
            f"{path} is a folder, but emulated board '{path.stem}' keeps its flash in a file of that name",
            hint="move it away, or set HIL_STATE_DIR to another folder",
        ) from error
    if take_lock(descriptor, _PATIENCE_S if patient else 0.0, is_gone):
        return descriptor
    holder = lock_holder(descriptor)
    os.close(descriptor)
    by = f" by process {holder}" if holder else ""
    kind = path.stem.partition(".")[0]
    raise BoardBusyError(
        f"emulated board '{path.stem}' is powered already{by}",
        hint=f"{kind}.2, {kind}.3 and so on are further boards of this kind; or end that process",
    )


class FlashFile:
    """An open, locked flash file.

    Args:
        descriptor: from `open_locked`; it is owned.
        size: bytes of flash of the board.
        erased: what each of them reads as when it is erased.
    """

    def __init__(self, descriptor: int, size: int, erased: int = 0xFF) -> None:
        self._erased = erased
        self._descriptor = descriptor
        self._size = size
        self._sequence = 0
        self._saved: bytes | None = None

    def load(self) -> bytes:
        """The newest whole copy; erased flash when nothing was ever saved. Room for what will be saved is made now.

        Raises:
            RigError: the file holds something else, or the flash of a board of another size; or there is no room.
        """
        used = os.pread(self._descriptor, _DATA_AT, 0).strip(b"\0")
        if not used:
            with self._written_whole():
                self._reserve()
            return bytes([self._erased]) * self._size
        copies = [copy for slot in (0, 1) if (copy := self._read(slot))]
        if not copies:
            raise RigError(f"flash file {self._path} of the emulated board is damaged", hint=self._delete)
        self._sequence, self._saved = max(copies, key=lambda copy: copy[0])
        if len(self._saved) != self._size:
            raise RigError(
                f"flash file {self._path} holds {len(self._saved)} bytes, the board has {self._size}", hint=self._delete
            )
        with self._written_whole():
            self._reserve()
        return self._saved

    def save(self, image: bytes) -> None:
        """Keep this image; nothing is written when it is the one already kept.

        Raises:
            RigError: it cannot be written; the one kept before stays.
        """
        if image == self._saved:
            return
        sequence = self._sequence + 1
        slot = sequence % 2
        header = _HEADER.pack(_MAGIC, sequence, len(image), zlib.crc32(image))
        with self._written_whole():
            self._write(image, _DATA_AT + slot * self._size)
            self._write(header, slot * _SLOT_BYTES)
        self._sequence = sequence
        self._saved = image

    def _reserve(self) -> None:
        """Take the room of both copies, as a disk that is full would otherwise be noticed when all is done."""
        os.posix_fallocate(self._descriptor, 0, _DATA_AT + 2 * self._size)

    def _write(self, data: bytes, at: int) -> None:
        while data:
            done = os.pwrite(self._descriptor, data, at)
            if not done:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data, at = data[done:], at + done

    @contextmanager
    def _written_whole(self) -> Iterator[None]:
        """What the system says of a write, in words."""
        try:
            yield
        except OSError as error:
            raise RigError(
                f"the flash of the emulated board cannot be kept in {self._path}",
                cause=error.strerror,
                hint="make room there, or set HIL_STATE_DIR to another folder",
            ) from error

    @property
    def _path(self) -> str:
        try:
            return str(Path(f"/proc/self/fd/{self._descriptor}").readlink())  # the supervisor gets the descriptor alone
        except OSError:
            return "(path unknown)"

    @property
    def _delete(self) -> str:
        return f"to get an erased board, delete it: rm {shlex.quote(self._path)}"

    def close(self) -> None:
        """Close the file, which gives up the lock."""
        os.close(self._descriptor)

    def _read(self, slot: int) -> tuple[int, bytes] | None:
        header = os.pread(self._descriptor, _HEADER.size, slot * _SLOT_BYTES)
        if len(header) < _HEADER.size:
            return None
        magic, sequence, size, crc = _HEADER.unpack(header)
        image = os.pread(self._descriptor, size, _DATA_AT + slot * size)
        if magic != _MAGIC or len(image) != size or zlib.crc32(image) != crc:
            return None
        return sequence, image
