"""Writes what is plugged in into the rig file: new boards are added, and what a person wrote there stays."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from hil.find.match import Fit, fit, pluggable_boards
from hil.find.ports import serial_ports
from hil.find.probes import attached_probes
from hil.find.udev import FT232H
from hil.find.usb import usb_devices
from hil.power.plugged_in import PPK2
from hil.probe.identify import Is, identify
from hil.rig import Rig, load_rig
from hil.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from hil.board import Board
    from hil.find.probes import Probe
    from hil.find.usb import UsbDevice

_HEAD: Final = """\
What is plugged in on this bench: 'hil rig scan' adds to it, 'hil rig show' prints it. It belongs to this computer:
do not commit it. Keys of a board: probe, port, bridge (for --link spi), analyzer (a current analyzer's address).
"""


@dataclass(frozen=True)
class Sighting:
    """A board that is plugged in.

    Attributes:
        board: its name.
        probe: the probe that it was found by.
    """

    board: str
    probe: Probe


@dataclass(frozen=True)
class Scan:
    """What a scan came to.

    Attributes:
        added: boards that are new in the file, by their key there.
        known: those that it had.
        absent: keys of boards in the file that are not plugged in.
        unknown: why further probes are in no entry, a sentence each.
        path: the file.
    """

    added: dict[str, Sighting]
    known: dict[str, Sighting]
    absent: tuple[str, ...]
    unknown: tuple[str, ...]
    path: Path


def scan(path: Path) -> Scan:
    """Look for every board that hil knows, and write those that are new into the file.

    Raises:
        InputError: the file is not a rig file, or cannot be written.
    """
    rig = load_rig(path) if path.exists() else Rig()
    seen, unknown = sightings(pluggable_boards())
    by_uid = {entry.probe.casefold(): key for key, entry in rig.boards.items() if entry.probe}
    known = {by_uid[each.probe.uid.casefold()]: each for each in seen if each.probe.uid.casefold() in by_uid}
    added: dict[str, Sighting] = {}
    for each in seen:
        if each not in known.values():
            added[_free_key(each.board, {*rig.boards, *added})] = each
    if added or not path.exists():
        _write(path, added, _instruments(usb_devices()) if len(seen) == 1 else {})
    absent = tuple(key for key, entry in rig.boards.items() if entry.probe and key not in known)
    return Scan(added, known, absent, tuple(unknown), path)


def sightings(boards: Sequence[Board]) -> tuple[list[Sighting], list[str]]:
    """The boards on the probes that are plugged in, and of the other probes why no board is known."""
    seen: list[Sighting] = []
    unknown: list[str] = []
    for probe in attached_probes():
        name, why = _board_of(probe, boards)
        if name:
            seen.append(Sighting(name, probe))
        else:
            unknown.append(f"probe {probe.uid} ({probe.description}) at USB {probe.usb.place}: {why}")
    return seen, unknown


def _board_of(probe: Probe, boards: Sequence[Board]) -> tuple[str, str]:
    """Name of the board that a probe is part of, or none and why."""
    if probe.flaw:
        return "", probe.flaw
    fits = {board.name: fit(board, probe) for board in boards}
    for board in boards:
        if fits[board.name] is Fit.YES:
            return board.name, ""
    why = "it is part of no board that hil has a file of"
    if all(each is Fit.STRAY for each in fits.values()):
        why = "it may hang on any board: write it to that board's entry as 'probe'"
    for board in boards:
        if fits[board.name] is Fit.ASK:
            answer = identify(board, probe)
            if answer.is_ is Is.THE_BOARD:
                return board.name, ""
            why = answer.why or why
    return "", why


def _free_key(board: str, taken: set[str]) -> str:
    names = (board if number == 1 else f"{board}.{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _instruments(devices: Iterable[UsbDevice]) -> dict[str, str]:
    """What measures or reaches the only board there is, where there is one of a kind: no wire tells, so one may not."""
    found = {}
    devices = list(devices)
    meters = [each for each in devices if (each.vendor, each.product_id) == PPK2]
    bridges = [each for each in devices if (each.vendor, each.product_id) == FT232H]
    if len(meters) == 1:
        ports = sorted((p.interface, p.device) for p in serial_ports() if p.place == meters[0].place)
        if ports:
            found["analyzer"] = f"ppk2:{ports[0][1]}"
    if len(bridges) == 1:
        found["bridge"] = "ftdi://ftdi:232h/1"
    return found


def _write(path: Path, added: dict[str, Sighting], more: dict[str, str]) -> None:
    """Add entries; comments, order and what else is there stay. Who reads it meanwhile sees the old file or the new."""
    yaml = YAML(typ="rt")
    yaml.width = 120
    yaml.preserve_quotes = True
    data: Any = yaml.load(path.read_text(encoding="utf-8")) if path.exists() else None
    if data is None:
        data = CommentedMap()
        data.yaml_set_start_comment(_HEAD)
    if not data.get("boards"):
        data["boards"] = CommentedMap()
    for key, each in added.items():
        entry = CommentedMap(probe=each.probe.uid, **more)
        for name in more:
            entry.yaml_add_eol_comment("the only one plugged in; check that it is wired to this board", name)
        data["boards"][key] = entry
    text = io.StringIO()
    yaml.dump(data, text)
    write_whole(path, text.getvalue().encode(), kind="rig file", hint="name another with --rig, or set HIL_RIG")
