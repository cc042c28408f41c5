"""A board that has gone from USB: power to its port is cut and given again, where its hub can do that (uhubctl)."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Final

from hil.errors import RigError
from hil.find.probes import attached_probes
from hil.find.usb import usb_devices

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.find.probes import Probe

PROGRAM: Final = "uhubctl"
_OFF_S: Final = 2
_PROGRAM_S: Final = 15.0
_BACK_S: Final = 10.0
_LOOK_S: Final = 0.1
INSTALL: Final = f"sudo apt-get install --yes {PROGRAM}"


def is_gone(probe: Probe) -> bool:
    """Whether nothing at all is plugged in where the probe was: what is there and does not answer is not helped so."""
    return all(device.place != probe.usb.place for device in usb_devices()) and find_again(probe) is None


def find_again(probe: Probe) -> Probe | None:
    """The probe as it is plugged in now, maybe elsewhere; None where it is not."""
    return next((each for each in attached_probes() if (each.kind, each.uid) == (probe.kind, probe.uid)), None)


def can_cycle() -> bool:
    """Whether there is a program that switches ports of hubs."""
    return shutil.which(PROGRAM) is not None


def cycle(probe: Probe, wait: Callable[[float], None] = time.sleep) -> None:
    """Cut the power of the port that the probe was plugged into, give it again, and see the probe come back.

    Raises:
        RigError: the hub cannot, or the probe does not come back.
    """
    where = f"port {probe.usb.port_number} of USB hub {probe.usb.hub}"
    command = [PROGRAM, "-l", probe.usb.hub, "-p", str(probe.usb.port_number), "-a", "cycle", "-d", str(_OFF_S)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PROGRAM_S, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise RigError(f"the power of {where} cannot be switched", cause=str(error)) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise RigError(
            f"the power of {where} cannot be switched",
            cause=said[0] if said else f"{PROGRAM} ended with {done.returncode}",
            hint="few hubs can; plug the board in again by hand, or into one that can",
        )
    deadline = time.monotonic() + _BACK_S
    while find_again(probe) is None:
        if time.monotonic() > deadline:
            raise RigError(
                f"probe {probe.uid} has not come back within {_BACK_S:g} s of power on {where}",
                hint="check cable and board",
            )
        wait(_LOOK_S)  # what enumerates is told by udev alone, which need not run here
