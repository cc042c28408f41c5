"""The process that is one powered board: ``python -m hil.emulator.supervisor ARGUMENTS`` (JSON).

It owns the emulator, the flash file and the pty, and answers one holder over a socket it inherited. When the holder's
end closes, also by SIGKILL, the flash is saved, the emulator ended, and this process leaves. It also
listens on an abstract Unix socket, to which one client at a time may connect: a debug probe of the holder itself, or of
any process of the user when the board is announced (``hil emulate``).

It imports the standard library only (and modules of hil that do), so that a board is powered in tens of
milliseconds; a backend that needs more says so, see `hil.emulator.backend`.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any, Final

from hil.emulator.backend import find_backend
from hil.emulator.dispatch import answer
from hil.emulator.flash_file import FlashFile
from hil.emulator.machine import ENDED_HINT, CoreState, MachineError, MachineSpec
from hil.emulator.peer import peer_of
from hil.emulator.rpc import MessageReader, encode, encode_error
from hil.emulator.serial_bridge import SerialBridge
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.spi_ports import SpiPorts
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Callable

_ANSWER_TIMEOUT_S: Final = 10.0
_LOSING_INPUT: Final = ("reset", "power_off")  # what is on the wire meanwhile is lost


class _Client:
    """One connected socket and the requests that come through it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reader = MessageReader()
        sock.settimeout(_ANSWER_TIMEOUT_S)

    def send(self, message: bytes) -> bool:
        """Send an answer; false when the client is gone."""
        try:
            self.sock.sendall(message)
        except OSError:
            return False
        return True


class Supervisor:
    """The event loop around one machine.

    Args:
        arguments: ``spec`` (fields of `MachineSpec`), ``backend``, ``name``, ``holder_pid``, ``announced``, and the
            inherited descriptors ``control_fd``, ``flash_fd`` and ``listen_fd``.
    """

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._name: str = arguments["name"]
        self._holder_pid: int = arguments["holder_pid"]
        self._holder = _Client(socket.socket(fileno=arguments["control_fd"]))
        self._listener = socket.socket(fileno=arguments["listen_fd"])
        self._announced: bool = arguments["announced"]
        self._guest: _Client | None = None
        spi = arguments["spec"]["spi"]
        spec = MachineSpec(**{**arguments["spec"], "spi": spi and SpiWiring(**spi)})
        make = find_backend(arguments["backend"]).machine
        if make is None:
            raise MachineError(f"backend '{arguments['backend']}' has no board to power")
        self._machine = make(spec, self._keep)
        self._flash = FlashFile(arguments["flash_fd"], self._machine.kept_bytes, spec.erased)
        self._bridge = SerialBridge(self._machine.uart, self._machine.wake_uart)
        self._spi = SpiPorts(self._machine.spi, self._name)
        self._facts = {
            "name": self._name,
            "board": spec.board,
            "backend": arguments["backend"],
            "serial_path": self._bridge.path,
            **self._spi.facts(),
            "pid": os.getpid(),
        }
        self._ending = False

    def run(self) -> None:
        """Power the board and serve until the holder is gone or a signal says so."""
        wake, self._woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._end_on_signal)
        try:
            self._machine.restore(self._flash.load())
            self._machine.power_on()
            self._holder.send(encode({"result": self._facts}))
            self._serve(wake)
        except RigError as error:
            self._holder.send(encode_error(error))
        finally:
            self._close()

    def _keep(self, kept: bytes) -> None:
        self._flash.save(kept)

    def _end_on_signal(self, _number: int, _frame: object) -> None:
        self._ending = True

    def _serve(self, wake: int) -> None:
        fixed: dict[int, Callable[[], None]] = {
            wake: lambda: None,
            self._holder.sock.fileno(): self._serve_holder,
            self._listener.fileno(): self._admit,
        }
        holder = _process_descriptor(self._holder_pid)
        if holder is not None:
            fixed[holder] = self._end
        known: object = None
        actions = fixed
        poll = select.poll()
        while not self._ending:
            # Bytes of the UART come one by one: what is polled is set up anew only when it has changed.
            varying = (self._guest, self._machine.event_fd(), self._bridge.interest(), self._spi.interest())
            if varying != known:
                known = varying
                poll, actions = self._poll_of(fixed)
            waits = [wait for wait in (self._bridge.timeout_ms(), self._machine.timeout_ms()) if wait is not None]
            for fd, _ in poll.poll(min(waits, default=None)):
                actions[fd]()
            if self._machine.timeout_ms() == 0:
                self._machine.poll()
            self._bridge.push()
            self._look_after_emulator()

    def _look_after_emulator(self) -> None:
        """End with an emulator that has ended by itself: a board that is announced as powered has power.

        A private board stays, and tells its holder in its status. So does one whose core has locked up.
        """
        if not self._announced or self._machine.event_fd() is not None:
            return
        status = self._machine.status()
        if status.state is CoreState.OFF and status.detail:
            words = encode_error(
                MachineError(
                    f"the emulator of board '{self._name}' has ended by itself", cause=status.detail, hint=ENDED_HINT
                ),
                last=True,
            )
            for client in (self._holder, *([self._guest] if self._guest else [])):
                client.send(words)
            self._ending = True

    def _poll_of(self, fixed: dict[int, Callable[[], None]]) -> tuple[select.poll, dict[int, Callable[[], None]]]:
        """What to wait for now, and what to do about it."""
        poll = select.poll()
        actions = dict(fixed)
        if self._guest:
            actions[self._guest.sock.fileno()] = self._serve_guest
        emulator = self._machine.event_fd()
        if emulator is not None:
            actions[emulator] = self._machine.poll
        for fd in actions:
            poll.register(fd, select.POLLIN)
        for fd, events, action in (*self._bridge.interest(), *self._spi.interest()):
            poll.register(fd, events)
            actions[fd] = action
        return poll, actions

    def _end(self) -> None:
        self._ending = True

    def _serve_holder(self) -> None:
        if not self._serve_client(self._holder):
            self._ending = True

    def _serve_guest(self) -> None:
        if self._guest and not self._serve_client(self._guest):
            self._guest.sock.close()
            self._guest = None
            # What a client that was killed had set up must not stop the firmware later.
            if self._machine.status().state is not CoreState.OFF:
                self._machine.forget_debugger()

    def _serve_client(self, client: _Client) -> bool:
        """Read what there is and answer each whole request; false when the client is gone."""
        try:
            data = client.sock.recv(1 << 18)
        except OSError:
            return False
        client.reader.feed(data)
        while data and (request := client.reader.next()):
            if request[0]["op"] in _LOSING_INPUT:
                self._bridge.forget_input()
            if not client.send(answer(self._machine, request)):
                return False
        return bool(data)

    def _admit(self) -> None:
        """Take a new client, unless it is another user's or there is one already."""
        client = _Client(self._listener.accept()[0])
        if self._guest and select.select([self._guest.sock], [], [], 0)[0]:
            self._serve_guest()  # it may be gone: who lets a board go and takes it again must not meet himself
        uid, pid = peer_of(client.sock)
        if uid != os.geteuid():
            client.sock.close()
        elif self._guest or (pid != self._holder_pid and not self._announced):
            user = peer_of(self._guest.sock)[1] if self._guest else self._holder_pid
            client.send(encode_error(MachineError(f"emulated board '{self._name}' is in use by process {user}")))
            client.sock.close()
        else:
            self._guest = client
            client.send(encode({"result": self._facts}))

    def _close(self) -> None:
        self._listener.close()
        try:
            self._machine.close()
        finally:
            self._bridge.close()
            self._spi.close()
            self._flash.close()
            if self._guest:
                self._guest.sock.close()
            self._holder.sock.close()


def _process_descriptor(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; none on kernels that have no such thing.

    A child that the holder forked may keep its socket open: the holder's own end counts.
    """
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def main() -> None:
    """Run with the JSON arguments of the command line."""
    Supervisor(json.loads(sys.argv[1])).run()


if __name__ == "__main__":
    main()
