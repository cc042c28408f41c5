"""The pyOCD probe that a uid means: an emulated board's, one behind a network, or one that is plugged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# pyOCD has annotations but no py.typed.
from pyocd.core import exceptions  # type: ignore[import-untyped]
from pyocd.core.helpers import ConnectHelper  # type: ignore[import-untyped]

from hil.emulator.power import PROBE_PREFIX
from hil.errors import RigError
from hil.find.probes import attached_probes, probes_named
from hil.probe import remote
from hil.probe.emulated import EmulatedProbe
from hil.probe.usb_power import is_gone

if TYPE_CHECKING:
    from hil.board import Board
    from hil.find.probes import Probe


def on_usb(uid: str) -> Probe | None:
    """The probe with that uid, or the only one with it as a part, or for no uid the only one there is; else None."""
    if uid.startswith(PROBE_PREFIX):
        return None
    attached = attached_probes()
    probes = probes_named(uid, attached) if uid else attached
    return probes[0] if len(probes) == 1 else None


def choose_probe(board: Board | None, uid: str, plugged: Probe | None) -> Any:
    """The probe, not open.

    Args:
        board: the board that is to be behind it; None where any may be.
        uid: its uid, or a part that only its uid has; empty when only one is attached.
        plugged: what `on_usb` says of it.

    Raises:
        RigError: there is none, or several.
    """
    name = uid.removeprefix(PROBE_PREFIX)
    if board is not None and name != uid and name.partition(".")[0] == board.name:
        # pyOCD would look the name up, and would not find a board that only its file's path leads to.
        return EmulatedProbe(board, name.partition(".")[2])
    if uid.startswith(remote.PREFIX):
        return remote.RemoteProbe(uid.removeprefix(remote.PREFIX))
    wanted = plugged.pyocd_uid if plugged else uid
    try:
        probes = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=wanted or None)
    except exceptions.Error as error:
        raise RigError(str(error), hint="'pyocd list' shows the probes that are attached") from error
    if len(probes) == 1:
        return probes[0]
    if probes:
        uids = ", ".join(probe.unique_id for probe in probes)
        raise RigError(f"several debug probes match '{uid}': {uids}", hint="name one by its whole uid")
    if plugged is not None and not is_gone(plugged):
        raise RigError(
            f"debug probe {uid} is plugged in, but pyOCD does not get to it",
            cause=f"{plugged.usb.node} may not be open to you, or it lacks the library for its kind",
            hint="'hil doctor' says what is missing; 'hil doctor --udev' prints the rules that open probes to you",
        )
    what = f"no debug probe with uid '{uid}' is" if uid else "no debug probe is"
    uids = ", ".join(probe.uid for probe in attached_probes()) or "none"
    raise RigError(f"{what} attached", hint=f"attached are: {uids} ('hil doctor')")
