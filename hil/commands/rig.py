"""``hil rig``: the rig file, which says what is plugged in on this bench."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.dut.rig_scan import scan
from hil.errors import InputError
from hil.find.ports import ports_of
from hil.find.probes import attached_probes
from hil.report.terminal import table
from hil.rig import load_rig, rig_path

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_HEADINGS = ("board", "probe", "plugged in", "port", "bridge", "analyzer")


def scan_rig(path: Path | None, console: Console) -> None:
    """Write what is plugged in into the rig file, and say what is new there, known, absent or unknown.

    Raises:
        InputError: the file is no rig file, or cannot be written.
    """
    done = scan(path or rig_path())
    for key, each in done.added.items():
        console.print(f"added    {key}: probe {each.probe.uid}, USB {each.probe.usb.place}")
    for key, each in done.known.items():
        console.print(f"known    {key}: probe {each.probe.uid}, USB {each.probe.usb.place}")
    for key in done.absent:
        console.print(f"absent   {key}: its probe is not plugged in; the entry stays")
    for sentence in done.unknown:
        console.print(f"unknown  {sentence}")
    if not (done.added or done.known or done.unknown):
        console.print("no debug probe is plugged in")
    console.print(f"rig file {done.path}")


def show_rig(path: Path | None, console: Console) -> None:
    """Print the rig file as it is understood, with what is plugged in of it.

    Raises:
        InputError: there is none, or it is no rig file.
    """
    rig = load_rig(path)
    if rig.file is None:
        raise InputError(f"there is no rig file {rig_path()}", hint="'hil rig scan' writes one; without, all is found")
    probes = {probe.uid.casefold(): probe for probe in attached_probes()}
    rows = []
    for key, entry in rig.boards.items():
        probe = probes.get((entry.probe or "").casefold())
        port = entry.port or (" and ".join(ports_of(probe).own) if probe else "") or "-"
        there = f"USB {probe.usb.place}" if probe else "no"
        rows.append((key, entry.probe or "-", there, port, entry.bridge or "-", entry.analyzer or "-"))
    console.print(f"rig file {rig.file}{f', bench {rig.bench}' if rig.bench else ''}")
    for line in table(_HEADINGS, rows):
        console.print(line)
