"""Powered boards: their names, the list of them, and the way to one.

Each has an abstract Unix socket, which exists exactly as long as the process that listens on it: nothing can be stale.
The name holds the user and the state directory, so that two users, or a test run, do not see each other's boards.
Those that ``hil emulate`` keeps powered are listed and open to every process of the user; all others are private to
the process that powered them, which reaches them by name as well: its debug probe is found by uid like a real one.
"""

from __future__ import annotations

import os
import socket
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hil.emulator.machine import MachineError
from hil.emulator.peer import peer_of
from hil.emulator.remote import RemoteMachine
from hil.emulator.state import state_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

_LISTENING: Final = 0x10000  # __SO_ACCEPTCON in the flags column of /proc/net/unix
_FLAGS_COLUMN: Final = 3
_PATH_COLUMN: Final = 7


def _prefix(*, public: bool) -> str:
    kind = "emulated" if public else "private"
    return f"hil-{kind}/{os.geteuid()}/{zlib.crc32(bytes(state_dir())):08x}/"


def announce(name: str, *, public: bool) -> socket.socket:
    """A socket on which the supervisor of the board ``name`` can be found; a public one is also listed.

    Raises:
        MachineError: the name is taken.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(f"\0{_prefix(public=public)}{name}")
    except OSError as error:
        listener.close()
        raise MachineError(f"another program answers for emulated board '{name}'", cause=str(error)) from error
    listener.listen()
    return listener


def powered() -> list[str]:
    """Names of the boards that are kept powered, sorted."""
    prefix = f"@{_prefix(public=True)}"
    return sorted(path.removeprefix(prefix) for path in _listening_paths() if path.startswith(prefix))


def _listening_paths() -> Iterator[str]:
    for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace").splitlines()[1:]:
        fields = line.split(maxsplit=_PATH_COLUMN)
        if len(fields) > _PATH_COLUMN and int(fields[_FLAGS_COLUMN], 16) & _LISTENING:
            yield fields[_PATH_COLUMN]


def description_file(name: str) -> Path:
    """Where it is noted which file describes a board that is kept powered, for those who find it by its name alone."""
    return state_dir() / f"{name}.board"


def description_of(name: str) -> Path | None:
    """The file that describes a board that is kept powered; None where nobody has noted it."""
    try:
        return Path(os.fsdecode(description_file(name).read_bytes()))
    except OSError:
        return None


def connect(name: str) -> tuple[RemoteMachine, dict[str, Any]] | None:
    """The machine of a powered board, and the facts its supervisor tells; None when there is no such board.

    Raises:
        MachineError: another client uses it, it is private to another process, or it belongs to another user.
    """
    sock = _reach(name, public=True) or _reach(name, public=False)
    if sock is None:
        return None
    uid, pid = peer_of(sock)
    if uid != os.geteuid():
        sock.close()
        raise MachineError(f"process {pid} of another user answers for emulated board '{name}'")
    machine = RemoteMachine(sock, name)
    try:
        return machine, machine.receive()[0]["result"]
    except MachineError:
        machine.close()
        raise


def _reach(name: str, *, public: bool) -> socket.socket | None:
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(f"\0{_prefix(public=public)}{name}")
    except ConnectionRefusedError:
        sock.close()
        return None
    return sock
