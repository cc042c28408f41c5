"""One QEMU process: started with sockets that are already connected, and never left behind.

All sockets are passed by descriptor, so no port listens and no socket file exists. QEMU is killed by the kernel when
the process that started it dies, by whatever means.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import socket
import subprocess
from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.gdb_rsp import GdbRemote
from hil.emulator.machine import MachineError
from hil.emulator.qemu.core_line import CoreLine
from hil.emulator.qemu.stepper import Stepper
from hil.orphan import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.emulator.machine import MachineSpec

PROGRAM: Final = "qemu-system-arm"
_MONITOR_CHUNK: Final = 1 << 16


def not_installed() -> MachineError:
    """The error where there is no QEMU."""
    return MachineError(f"{PROGRAM} is not installed", hint="sudo apt-get install --yes qemu-system-arm")


def _die_with_parent() -> Callable[[], None]:
    """What a child runs between fork and exec so that it cannot outlive this process, nor leave a core file."""
    die = die_with_parent()

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        die()

    return prepare


class QemuProcess:
    """A started QEMU whose core waits before its first instruction.

    Args:
        spec: names QEMU's machine, and what else to start it with.
        uart: QEMU's end of the UART stream; it stays open here, so that the stream survives a restart.

    Attributes:
        gdb: its stub.
        stepper: steps its core while that is stopped.

    Raises:
        MachineError: QEMU is not installed or did not start.
    """

    def __init__(self, spec: MachineSpec, uart: socket.socket) -> None:
        near, far = socket.socketpair()
        self._monitor, monitor = socket.socketpair()
        self._monitor.setblocking(False)
        line, qtest = socket.socketpair()
        self._messages = os.memfd_create("qemu-stderr")
        command = [
            *(PROGRAM, "-machine", spec.machine, "-nodefaults", "-display", "none", "-monitor", "none", "-S"),
            *("-chardev", f"socket,id=gdb,fd={far.fileno()}", "-gdb", "chardev:gdb"),
            *("-chardev", f"socket,id=uart,fd={uart.fileno()}", "-serial", "chardev:uart"),
            *("-chardev", f"socket,id=monitor,fd={monitor.fileno()}", "-mon", "chardev=monitor,mode=readline"),
            *("-chardev", f"socket,id=qtest,fd={qtest.fileno()}", "-qtest", "chardev:qtest", "-qtest-log", "none"),
            *spec.arguments,
        ]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._messages,
                stderr=self._messages,
                pass_fds=(far.fileno(), uart.fileno(), monitor.fileno(), qtest.fileno(), *spec.descriptors),
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - nothing else runs before exec; one thread here
            )
        except FileNotFoundError as error:
            near.close()
            line.close()
            self._monitor.close()
            os.close(self._messages)
            raise not_installed() from error
        finally:
            far.close()
            monitor.close()
            qtest.close()
        self.gdb = GdbRemote(near)
        self._line = CoreLine(line)
        self.stepper = Stepper(self.gdb, self._line)

    def wake(self) -> None:
        """Have QEMU's main loop look at its UART again.

        It does not poll a UART that is not ready to receive, and nothing tells it when the program makes it ready:
        bytes that arrive before would wait for ever. An empty line on the monitor makes it look.
        """
        with contextlib.suppress(OSError):
            self._monitor.recv(_MONITOR_CHUNK)
        with contextlib.suppress(OSError):
            self._monitor.send(b"\n")

    def messages(self) -> str:
        """What QEMU printed."""
        return os.pread(self._messages, 65536, 0).decode("utf-8", "replace").strip()

    def wait(self) -> int:
        """Wait for the end of a QEMU that closed its connection, and return its exit status."""
        try:
            return self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def close(self) -> None:
        """End QEMU at once and release everything that belongs to it."""
        self._process.kill()
        self._process.wait()
        self.gdb.close()
        self._line.close()
        self._monitor.close()
        os.close(self._messages)


def lockup_reason(messages: str) -> str | None:
    """The sentence with which QEMU gives up when the core locks up, or None when it ended for another reason."""
    found = re.search(r"fatal: (Lockup: .*)", messages)
    return found[1].strip() if found else None


def dumped_registers(messages: str) -> dict[str, int]:
    """The core registers that QEMU prints when it gives up, by the names of `hil.emulator.machine.REGISTERS`."""
    names = {13: "sp", 14: "lr", 15: "pc"}
    registers = {
        names.get(int(number), f"r{int(number)}"): int(value, 16)
        for number, value in re.findall(r"\bR(\d\d)=([0-9a-f]{8})", messages)
    }
    xpsr = re.search(r"\bXPSR=([0-9a-f]{8})", messages)
    return registers | ({"xpsr": int(xpsr[1], 16)} if xpsr else {})
