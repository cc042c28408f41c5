"""Power an emulated board and hold it: as long as the holder lives, so does the board, and no longer."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import hil
from hil.backends import EMULATED, is_supervised
from hil.emulator import registry
from hil.emulator.backend import find_backend
from hil.emulator.flash_file import BoardBusyError, open_locked
from hil.emulator.machine import CoreState, MachineError, MachineSpec
from hil.emulator.remote import RemoteMachine
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.state import state_dir
from hil.errors import InputError, RigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.board import Board
    from hil.emulator.machine import Status

PROBE_PREFIX = f"{EMULATED}:"
_END_TIMEOUT_S = 20.0
_HIGHEST_INSTANCE = 256
_VECTORS_BYTES = 8  # the stack pointer and the first instruction


class Counter(Protocol):
    """What makes an emulator count cycles: `hil.cycles.counter.CycleCounter`."""

    @property
    def fd(self) -> int:
        """A descriptor that the emulator must inherit."""

    @property
    def arguments(self) -> Sequence[str]:
        """What to start the emulator with."""


class PoweredBoard:
    """An emulated board under power, as a context manager.

    `close` cuts the power, or only lets go of a board that ``hil emulate`` keeps powered.

    Attributes:
        board: the description it was made from.
        name: which of the boards of this kind: ``microbit``, ``microbit.2``, …
        backend: what emulates it.
        probe_uid: what pyOCD calls its probe, for ``-u``.
        serial_path: the pty that is its serial port.
        spi_pins: address of its SPI bus, for `hil.emulator.spi_pins.SpiPins`; empty without.
        spi_path: the pty of a simulated SPIDriver on that bus; empty without.
        machine: the core, its memory and its flash; not to be driven while a debug session is open on the probe.
    """

    def __init__(
        self, board: Board, machine: RemoteMachine, facts: dict[str, Any], process: subprocess.Popen[bytes] | None
    ) -> None:
        self.board = board
        self.name: str = facts["name"]
        self.backend: str = facts["backend"]
        self.probe_uid = PROBE_PREFIX + self.name
        self.serial_path: str = facts["serial_path"]
        self.spi_pins: str = facts["spi_pins"]
        self.spi_path: str = facts["spi_path"]
        self.supervisor_pid: int = facts["pid"]
        self.machine = machine
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def address_of(self, link: str) -> str:
        """Where a link to its firmware is: the serial port, or for ``spi`` a simulated SPIDriver."""
        return self.serial_path if link == "uart" else f"spidriver:{self.spi_path}"

    def close(self) -> None:
        """Let go of the board. One powered here is saved and switched off when this returns. Safe to repeat."""
        self.machine.close()
        if self._process is not None:
            _await_end(self._process)

    def why_stopped(self, status: Status) -> str:
        """What stopped its firmware, in words; empty while nothing has, and where its flash holds none."""
        if not status.detail or status.state is CoreState.OFF:
            return ""
        flash = self.board.memory.flash
        vectors = self.machine.read_memory(flash.origin, _VECTORS_BYTES)
        return "" if vectors == bytes([flash.erased_byte]) * _VECTORS_BYTES else status.detail

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the board's supervisor ends, and no longer than that; only for one powered here.

        Returns:
            Whether it has ended.
        """
        if self._process is not None:
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
        return True

    def why_ended(self) -> MachineError:
        """After `wait`: what the supervisor said last, or printed where it said nothing."""
        try:
            self.machine.receive()
        except MachineError as error:
            printed = "" if self._process is None else _await_end(self._process)
            last = printed.splitlines()[-1] if printed else None
            return MachineError(error.message, cause=error.cause or last, hint=error.hint)
        return MachineError(f"the supervisor of emulated board '{self.name}' ended by itself")


def instance_name(board: Board, instance: str) -> str:
    """Name of a board's instance: the first has the board's own name.

    Raises:
        InputError: the instance is no number.
    """
    if instance in ("", "1"):
        return board.name
    if not instance.isascii() or not instance.isdecimal() or int(instance) > _HIGHEST_INSTANCE or instance[0] == "0":
        raise InputError(
            f"'{instance}' names no instance of emulated board '{board.name}'",
            hint=f"a number from 1 to {_HIGHEST_INSTANCE}, as in {board.name}.2",
        )
    return f"{board.name}.{instance}"


def usual_backend(board: Board) -> str | None:
    """The backend that a board is powered with where none was asked for: its first that can be; None without one."""
    return next((each.backend for each in board.emulators if is_supervised(each.backend)), None)


def power(
    board: Board,
    backend: str | None = None,
    instance: str = "",
    *,
    announced: bool = False,
    paced: bool = False,
    counter: Counter | None = None,
) -> PoweredBoard:
    """Power an emulated board. Its firmware runs when this returns.

    Args:
        board: its description.
        backend: the emulator, one of those the description lists; by default the first of them.
        instance: which of the boards of this kind; ``auto`` takes the first that nobody has powered.
        announced: whether other processes can find it, see `registry`.
        paced: hold its time to the clock on the wall, where the emulator can.
        counter: counts cycles while the board has power; the caller keeps it open until then.

    Raises:
        RigError: the board has no such emulator, is powered already, or the emulator does not start.
        InputError: the instance is no number.
    """
    backend = backend or usual_backend(board)
    emulator = board.emulator(backend) if backend and is_supervised(backend) else None
    if backend is None or emulator is None:
        offered = ", ".join(each.backend for each in board.emulators if is_supervised(each.backend)) or "none"
        which = f" '{backend}'" if backend else " that can be powered"
        raise RigError(f"board '{board.name}' has no emulator{which}", hint=f"it has: {offered}")
    spec = MachineSpec(
        board=board.name,
        machine=emulator.machine,
        flash_origin=board.memory.flash.origin,
        flash_bytes=board.memory.flash.bytes,
        ram_origin=board.memory.ram.origin,
        ram_bytes=board.memory.ram.bytes,
        part=board.part,
        erased=board.memory.flash.erased_byte,
        baud=board.links.uart.baud if board.links.uart else 0,
        serial_pins=(board.links.uart.tx, board.links.uart.rx) if board.links.uart else ("", ""),
        paced=paced,
        spi=SpiWiring.of(board.links.spi) if board.links.spi else None,
        marker=board.marker,
        counter=counter.fd if counter else -1,
        arguments=tuple(counter.arguments) if counter else (),
        descriptors=(counter.fd,) if counter else (),
    )
    with ExitStack() as inherited:
        name, flash_fd = _take(board, instance)
        inherited.callback(os.close, flash_fd)
        near, far = socket.socketpair()
        inherited.callback(far.close)
        listener = inherited.enter_context(registry.announce(name, public=announced))
        arguments = {
            "spec": dataclasses.asdict(spec),
            "backend": backend,
            "name": name,
            "holder_pid": os.getpid(),
            "control_fd": far.fileno(),
            "flash_fd": flash_fd,
            "listen_fd": listener.fileno(),
            "announced": announced,
        }
        process = _start_supervisor(arguments, spec.descriptors, site=find_backend(backend).site_packages)
    machine = RemoteMachine(near, name)
    try:
        facts = machine.receive()[0]["result"]
    except MachineError as error:
        machine.close()
        messages = _await_end(process)
        if error.cause is None and messages:
            raise MachineError(error.message, cause=messages.splitlines()[-1]) from error
        raise
    return PoweredBoard(board, machine, facts, process)


def power_or_connect(board: Board, backend: str | None = None, instance: str = "") -> PoweredBoard:
    """The board that ``hil emulate`` or this process keeps powered, if one does; otherwise one powered here and now.

    Raises:
        RigError: as `power`, or the board that is powered is in use.
    """
    found = registry.connect(instance_name(board, instance))
    if found is None:
        return power(board, backend, instance)
    machine, facts = found
    return PoweredBoard(board, machine, facts, None)


def _take(board: Board, instance: str) -> tuple[str, int]:
    """Name and locked flash file of the instance asked for, or of the first that is free."""
    directory = state_dir()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return _take_in(directory, board, instance)
    except OSError as error:
        raise RigError(
            f"the flash of emulated boards cannot be kept in {directory}",
            cause=str(error),
            hint="set HIL_STATE_DIR to a folder that can be written",
        ) from error


def _take_in(directory: Path, board: Board, instance: str) -> tuple[str, int]:
    if instance != "auto":
        name = instance_name(board, instance)
        return name, open_locked(directory / f"{name}.flash")
    for number in range(1, _HIGHEST_INSTANCE + 1):
        name = instance_name(board, str(number))
        try:
            return name, open_locked(directory / f"{name}.flash", patient=False)
        except BoardBusyError:
            continue
    raise RigError(f"all {_HIGHEST_INSTANCE} emulated boards '{board.name}' are powered")


def _start_supervisor(arguments: dict[str, Any], more: Sequence[int], *, site: bool) -> subprocess.Popen[bytes]:
    descriptors = [*(value for key, value in arguments.items() if key.endswith("_fd")), *more]
    # -P, -S: it looks for nothing in the current directory, nor (as a rule) in site-packages.
    # In a session of its own Ctrl-C passes it by.
    return subprocess.Popen(
        [sys.executable, *(() if site else ("-S",)), "-P", "-m", "hil.emulator.supervisor", json.dumps(arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(hil.__file__).parent.parent)},
    )


def _await_end(process: subprocess.Popen[bytes]) -> str:
    """Wait for a supervisor whose holder let go, by force if need be; what it wrote to stderr."""
    if process.stderr is None or process.stderr.closed:
        return ""
    try:
        _, messages = process.communicate(timeout=_END_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, messages = process.communicate()
    return messages.decode("utf-8", "replace").strip()
