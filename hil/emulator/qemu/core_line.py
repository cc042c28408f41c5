"""The interrupt line into QEMU's core, held up for a moment so that the core cannot sleep.

It goes through QEMU's qtest protocol (docs/devel/qtest.rst of QEMU, system/qtest.c), which is there beside TCG as well:
one line of text for a request, one for its answer, carried out between two instructions.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from hil.emulator.gdb.gdb_rsp import GdbClosedError
from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

_TIMEOUT_S: Final = 10.0
_CHUNK: Final = 4096
_CORE: Final = "/machine/nrf51/armv6m/cpu"  # found with the monitor's qom-list
_RAISE: Final = f"set_irq_in {_CORE} unnamed-gpio-in 0 1"
_LET_GO: Final = "writel 0xe000e100 0x0"  # NVIC_ISER takes ones only: nothing is enabled, but QEMU drives the line anew


class CoreLine:
    """The line by which the NVIC tells the core that an exception is pending.

    QEMU's core does not sleep while the line is up, and takes only an exception that the NVIC has for it: raising the
    line wakes it and does nothing else. It is never lowered: the NVIC is made to drive it again, to what it wants then,
    so that an interrupt that came meanwhile stays pending.

    Args:
        sock: connected to QEMU's qtest; it is owned, `close` closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.settimeout(_TIMEOUT_S)

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """Keep the core awake for the time of the block.

        Raises:
            GdbClosedError: QEMU has ended.
            MachineError: QEMU does not know the line, or does not answer within 10 s.
        """
        self._request(_RAISE)
        try:
            yield
        finally:
            self._request(_LET_GO)

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def _request(self, line: str) -> None:
        try:
            self._sock.sendall(line.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                data = self._sock.recv(_CHUNK)
                if not data:
                    raise GdbClosedError("the emulator closed its qtest connection")
                answer += data
        except TimeoutError as error:
            raise MachineError(f"the emulator did not answer '{line}' within {_TIMEOUT_S:g} s") from error
        except OSError as error:
            raise GdbClosedError("the emulator closed its qtest connection", cause=str(error)) from error
        if not answer.startswith(b"OK"):
            raise MachineError(f"the emulator answered '{answer.decode(errors='replace').strip()}' to '{line}'")
