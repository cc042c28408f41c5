"""The client of a supervisor: a `Machine` at the other end of a socket."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hil.emulator.activity_record import ActivityRecord
from hil.emulator.machine import Access, CoreState, HaltReason, MachineError, Status
from hil.emulator.rpc import Message, MessageReader, encode, result_of

if TYPE_CHECKING:
    import socket


class RemoteMachine:
    """A `Machine` at the other end of a socket. Safe to use from several threads.

    Args:
        sock: connected to a supervisor; it is owned.
        name: the board's name, for messages.
        timeout_s: longest wait for an answer, in seconds.
    """

    def __init__(self, sock: socket.socket, name: str, *, timeout_s: float = 60.0) -> None:
        self._sock = sock
        self._name = name
        self._reader = MessageReader()
        self._lock = threading.Lock()
        self._unanswered = False  # a request was given up before its answer came, which may come yet
        self._last: Message | None = None  # what the supervisor said before it ended by itself
        sock.settimeout(timeout_s)

    def close(self) -> None:
        """Close the socket: a supervisor whose holder this is powers off."""
        self._sock.close()

    def receive(self) -> Message:
        """The next message from the supervisor.

        Raises:
            MachineError: it ended, does not answer, or reports an error.
        """
        return result_of(self._last or self._next())

    def _next(self) -> Message:
        try:
            while (message := self._reader.next()) is None:
                data = self._sock.recv(1 << 18)
                if not data:
                    raise MachineError(f"the supervisor of emulated board '{self._name}' has ended")
                self._reader.feed(data)
        except TimeoutError as error:
            raise MachineError(f"the supervisor of emulated board '{self._name}' does not answer") from error
        except OSError as error:
            raise MachineError(f"emulated board '{self._name}' was lost", cause=str(error)) from error
        if message[0].get("last"):
            self._last = message
        return message

    def _call(self, op: str, payload: bytes = b"", **args: Any) -> Message:
        with self._lock:
            if self._last is not None:
                return result_of(self._last)
            if self._unanswered:
                raise MachineError(f"a request to emulated board '{self._name}' was interrupted; power it again")
            self._unanswered = True
            try:
                self._sock.sendall(encode({"op": op, "args": args}, payload))
            except OSError as error:
                with suppress(MachineError):
                    while self._last is None:
                        self._next()
                if self._last is not None:
                    return result_of(self._last)
                raise MachineError(f"emulated board '{self._name}' was lost", cause=str(error)) from error
            message = self._next()
            self._unanswered = False
        return result_of(message)

    def power_on(self) -> None:
        """See `Machine`."""
        self._call("power_on")

    def power_off(self) -> None:
        """See `Machine`."""
        self._call("power_off")

    def status(self) -> Status:
        """See `Machine`."""
        result = self._call("status")[0]["result"]
        reason = HaltReason(result["reason"]) if result["reason"] else None
        return Status(CoreState(result["state"]), reason, result["detail"], tuple(result["noticed"]))

    def halt(self) -> None:
        """See `Machine`."""
        self._call("halt")

    def resume(self) -> None:
        """See `Machine`."""
        self._call("resume")

    def step(self, *, mask_interrupts: bool = True) -> None:
        """See `Machine`."""
        self._call("step", mask_interrupts=mask_interrupts)

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        """See `Machine`."""
        self._call("reset", halt=halt, through_core=through_core)

    def read_memory(self, address: int, size: int) -> bytes:
        """See `Machine`."""
        return self._call("read_memory", address=address, size=size)[1]

    def write_memory(self, address: int, data: bytes) -> None:
        """See `Machine`."""
        self._call("write_memory", data, address=address)

    def read_register(self, name: str) -> int:
        """See `Machine`."""
        return int(self._call("read_register", name=name)[0]["result"])

    def write_register(self, name: str, value: int) -> None:
        """See `Machine`."""
        self._call("write_register", name=name, value=value)

    def set_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        self._call("set_breakpoint", address=address)

    def remove_breakpoint(self, address: int) -> None:
        """See `Machine`."""
        self._call("remove_breakpoint", address=address)

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        self._call("set_watchpoint", address=address, size=size, access=access.value)

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        """See `Machine`."""
        self._call("remove_watchpoint", address=address, size=size, access=access.value)

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        """See `Machine`."""
        self._call("set_debug", enabled=enabled, catch_hard_fault=catch_hard_fault)

    def flash_image(self) -> bytes:
        """See `Machine`."""
        return self._call("flash_image")[1]

    def set_flash_image(self, image: bytes) -> None:
        """See `Machine`."""
        self._call("set_flash_image", image)

    def record_activity(self, *, on: bool) -> None:
        """See `Machine`."""
        self._call("record_activity", on=on)

    def take_activity(self) -> ActivityRecord:
        """See `Machine`."""
        fields, payload = self._call("take_activity")
        return ActivityRecord.of(fields["result"], payload)
