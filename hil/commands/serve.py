"""``hil serve UID``: a debug probe of this computer, served on the network for whoever holds its board.

While it is served no run on this computer can take it, as if another run had it.
"""

from __future__ import annotations

import signal
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

from hil.backends import REMOTE
from hil.emulator import registry
from hil.emulator.power import PROBE_PREFIX
from hil.errors import RigError
from hil.probe.choice import choose_probe, on_usb
from hil.probe.lock import IMPATIENT, ProbeLock
from hil.probe.server import serve_probe

if TYPE_CHECKING:
    from rich.console import Console

_SERVES: Final = "that serves it on the network"
_ENDS: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


def serve(uid: str, host: str, port: int, console: Console) -> None:
    """Serve a probe until Ctrl-C, SIGTERM or SIGHUP.

    Args:
        uid: what pyOCD calls it, or a part that only it has.
        host: address to listen on.
        port: TCP port; 0 for any.
        console: told where it is served.

    Raises:
        RigError: there is no such probe, a run has it, or it cannot be listened there.
    """
    probe = _probe_of(uid)
    lock = nullcontext() if probe.unique_id.startswith(PROBE_PREFIX) else _locked(probe)
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDS)  # in this thread and those that it starts: waited for below
    with lock, serve_probe(probe, host, port) as at:
        console.print(f"probe {probe.unique_id} is served on {host}:{at}   (pyocd list -u {REMOTE}:{host}:{at})")
        console.print("  stop         Ctrl-C")
        console.file.flush()
        signal.sigwait(_ENDS)


def _locked(probe: Any) -> ProbeLock:
    return ProbeLock(probe.unique_id, "", IMPATIENT, _SERVES)  # as which board it is used says whoever is its client


def _probe_of(uid: str) -> Any:
    """The probe, not open yet."""
    name = uid.removeprefix(PROBE_PREFIX)
    if name != uid and name.removesuffix(".1") not in registry.powered():
        # Opening it would power it, and its serial port would be known to nobody.
        raise RigError(f"no emulated board '{name}' is powered", hint=f"hil emulate {name}")
    return choose_probe(None, uid, on_usb(uid))
