"""What ``hil doctor`` finds on the bench: probes, who may open them, ports, the rig file, and who has which probe."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import version
from typing import TYPE_CHECKING

import libusb_package
import usb.backend.libusb1  # type: ignore[import-untyped]

from hil.commands.finding import Finding
from hil.errors import HilError
from hil.find.match import Fit, fit, pluggable_boards
from hil.find.ports import ports_of, serial_ports
from hil.find.probes import attached_probes
from hil.find.udev import FILE, INSTALL, covering, installed
from hil.probe.lock import all_holders
from hil.probe.usb_power import INSTALL as INSTALL_UHUBCTL
from hil.probe.usb_power import PROGRAM
from hil.rig import load_rig, rig_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.board import Board
    from hil.find.probes import Probe
    from hil.probe.lock import Holder

_GROUP = "add yourself to its group ('sudo usermod -aG dialout $USER') and log in again"


def bench_findings() -> list[Finding]:
    """Lines about what is plugged in; nothing of it has to be there, and nothing is opened."""
    probes = attached_probes()
    boards = pluggable_boards()
    found = [_probe(probe, boards) for probe in probes]
    if not found:
        found = [Finding("debug probes", "-", "none attached: boards are emulated")]
    return [*found, _library(), _rules(probes), _ports(), _rig(), *_locks(), _usb_power()]


def _probe(probe: Probe, boards: Sequence[Board]) -> Finding:
    """One probe: where it is, which board it is part of, its port, and whether it can be opened."""
    subject = f"probe {probe.uid}" if probe.uid else "probe without a serial number"
    what = f"{probe.description}, USB {probe.usb.place}"
    sure = [board.name for board in boards if fit(board, probe) is Fit.YES]
    maybe = [board.name for board in boards if fit(board, probe) is Fit.ASK]
    if sure:
        what += f", board {' or '.join(sure)}"
    elif maybe:
        what += f", maybe board {' or '.join(maybe)} (it is asked when a run looks for one)"
    elif probe.target:
        what += f", part of a board with {probe.target}"
    own = ports_of(probe).own
    what += f", port {' and '.join(own)}" if own else ", no serial port"
    if probe.flaw:
        return Finding(subject, "absent", f"{what}; it cannot be used: {probe.flaw}")
    if closed := probe.usb.closed:
        files = " and ".join(map(str, closed))
        return Finding(subject, "absent", f"{what}; you may not open {files}: {INSTALL}; then plug it in again")
    return Finding(subject, "ok", what)


def _library() -> Finding:
    """What pyOCD reaches probes through: it brings one, which need not fit this computer."""
    if usb.backend.libusb1.get_backend(find_library=libusb_package.find_library) is None:
        return Finding("libusb", "absent", "pyOCD reaches no probe without it; sudo apt-get install --yes libusb-1.0-0")
    return Finding("libusb", "ok", f"libusb-package {version('libusb-package')}")


def _rules(probes: Sequence[Probe]) -> Finding:
    """Which udev rules there are for what is plugged in."""
    lacking = [probe for probe in probes if not covering((probe.usb.vendor, probe.usb.product_id))]
    if lacking and any(probe.usb.closed for probe in lacking):
        numbers = ", ".join(sorted({f"{each.usb.vendor:04x}:{each.usb.product_id:04x}" for each in lacking}))
        return Finding("udev rules", "absent", f"none for {numbers}: {INSTALL}")
    if lacking:
        return Finding("udev rules", "-", "none for the probes plugged in, which you may open all the same")
    if probes:
        return Finding("udev rules", "ok", "there are rules for every probe plugged in")
    there = installed()
    said = f"{FILE} is installed" if there else f"{FILE} is not installed; for users to open probes: {INSTALL}"
    return Finding("udev rules", "ok" if there else "-", said)


def _ports() -> Finding:
    ports = [port.device for port in serial_ports() if port.place]
    closed = [port for port in ports if os.path.exists(port) and not os.access(port, os.R_OK | os.W_OK)]  # noqa: PTH110
    if closed:
        return Finding("serial ports", "absent", f"you may not open {', '.join(closed)}: {_GROUP}")
    return Finding("serial ports", "-", ", ".join(ports) or "none plugged in")


def _rig() -> Finding:
    try:
        rig = load_rig()
    except HilError as error:
        return Finding("rig file", "missing", f"{error.message}; {error.hint}" if error.hint else error.message)
    if rig.file is None:
        return Finding("rig file", "-", f"no {rig_path()}: boards are found by themselves; 'hil rig scan' writes it")
    return Finding("rig file", "ok", f"{rig.file}: {', '.join(rig.boards) or 'no board'}")


def _locks() -> list[Finding]:
    holders = all_holders()
    if not holders:
        return [Finding("locks", "-", "no run has a probe now")]
    return [Finding("lock", "-", f"probe {each.uid}{_as(each)}: {each}; --wait waits for it") for each in holders]


def _as(holder: Holder) -> str:
    return f", as board {holder.board}" if holder.board else ""


def _usb_power() -> Finding:
    if shutil.which(PROGRAM):
        return Finding("USB power", "ok", f"{PROGRAM} is there, for a board that has gone from a hub that can switch")
    told = f"no {PROGRAM}: a board that has gone from USB stays so until somebody plugs it in; {INSTALL_UHUBCTL}"
    return Finding("USB power", "-", told)
