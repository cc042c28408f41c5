"""Which backend realises a board in this run: an attached board where there is one, else its emulator, and why."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyocd.core.exceptions import Error as PyocdError  # type: ignore[import-untyped]
from pyocd.core.helpers import ConnectHelper  # type: ignore[import-untyped]
from serial.tools import list_ports  # type: ignore[import-untyped]

from hil.backends import LISTED, is_supervised
from hil.dut.farm import fitting_places
from hil.emulator import registry
from hil.emulator.machine import MachineError
from hil.emulator.power import PROBE_PREFIX, instance_name
from hil.errors import InputError, RigError
from hil.farm.place import HARDWARE

if TYPE_CHECKING:
    from hil.board import Board
    from hil.dut.farm import FittingPlaces
    from hil.dut.options import DutOptions


@dataclass(frozen=True)
class Selection:
    """A backend, and why it was taken.

    Attributes:
        backend: ``hardware``, or the emulator's.
        emulated: no silicon takes part.
        reason: why, where nobody asked for it by name; or empty.
        probe: uid of the probe of a board that is powered already; None where the emulator is to be powered first.
        port: serial port of such a board: the one named, or the one with its probe's serial number.
        farm: the places of a farm of which one is to be taken first; or None.
    """

    backend: str
    emulated: bool
    reason: str = ""
    probe: str | None = None
    port: str | None = None
    farm: FittingPlaces | None = None

    @property
    def shared(self) -> bool:
        """Whether there is one board for all who ask, instead of one for each."""
        if self.farm is not None:
            return len(self.farm.names) == 1
        return self.probe is not None or not self.emulated


@dataclass(frozen=True)
class AttachedProbe:
    """A debug probe that is plugged in; ``target`` is the pyOCD target of the board that it is part of, if known."""

    uid: str
    description: str
    target: str | None


def attached_probes() -> list[AttachedProbe]:
    """The real probes that pyOCD sees, without emulated boards.

    Raises:
        RigError: if pyOCD cannot look.
    """
    try:
        probes = ConnectHelper.get_all_connected_probes(blocking=False, print_wait_message=False)
    except (PyocdError, OSError) as error:
        raise RigError("pyOCD cannot look for debug probes", cause=str(error), hint="'hil doctor'") from error
    found = []
    for probe in probes:
        uid = str(probe.unique_id)
        if not uid.startswith(PROBE_PREFIX):
            info = probe.associated_board_info
            found.append(AttachedProbe(uid, str(probe.description), None if info is None else info.target))
    return found


def ports_of(uid: str) -> list[str]:
    """The serial ports that a probe brings: DAPLink and ST-LINK have one USB serial number for both."""
    ports = list_ports.comports()
    return sorted(port.device for port in ports if (port.serial_number or "").casefold() == uid.casefold())


def select(board: Board, options: DutOptions) -> Selection:
    """Choose the backend.

    Args:
        board: the board.
        options: checked against it.

    Raises:
        InputError: an option is missing or does not fit.
        RigError: an attached board was asked for and there is none, or a farm has none.
    """
    options.check(board)
    if options.farm is None:
        return _on_this_computer(board, options)
    places = fitting_places(board, options)
    emulated = places.backend != HARDWARE
    return Selection(places.backend, emulated=emulated, reason="at a farm, as its place says", farm=places)


def _on_this_computer(board: Board, options: DutOptions) -> Selection:
    if options.backend not in {"auto", "hardware"}:
        return Selection(options.backend, emulated=True)
    if board.pyocd_target is None:
        return Selection(_emulator(board, options), emulated=True)
    if options.probe is not None and options.probe.startswith(PROBE_PREFIX):
        return _kept_powered(board, options, options.probe)
    if options.backend == "hardware" or options.probe or options.port:
        return _hardware(board, options, _probe_for(board, options.probe))
    matching = [probe for probe in attached_probes() if probe.target == board.pyocd_target]
    if matching:
        return _hardware(board, options, matching[0].uid)
    if not board.emulators:
        raise RigError(f"no board '{board.name}' is attached, and there is no emulator for it")
    return Selection(_emulator(board, options), emulated=True, reason="no board attached")


def _emulator(board: Board, options: DutOptions) -> str:
    """The first emulator of a board that brings the link asked for.

    Raises:
        InputError: there is none.
    """
    for each in board.emulators:
        if options.link in LISTED[each.backend].links:
            return each.backend
    there = ", ".join(each.backend for each in board.emulators)
    raise InputError(
        f"no emulator of board '{board.name}' has a link over {options.link.upper()}", hint=f"there is: {there}"
    )


def probe_to_be(board: Board, selection: Selection, options: DutOptions) -> str:
    """The probe of a board that is not powered or not taken yet, in words; empty for one without."""
    if selection.farm is not None:
        return selection.farm.words
    if not selection.emulated or not is_supervised(selection.backend):
        return ""
    if options.instance == "auto":
        return f"{PROBE_PREFIX}{board.name} or the next free"
    return PROBE_PREFIX + instance_name(board, options.instance)


def _kept_powered(board: Board, options: DutOptions, uid: str) -> Selection:
    if options.backend == "hardware":
        raise InputError(
            f"--probe {uid} is an emulated board, but --backend hardware asks for silicon",
            hint="name a probe that 'pyocd list' shows, or leave --backend out",
        )
    if options.port is None:
        raise InputError(
            f"--probe {uid} needs --port as well", hint=f"'hil emulate {board.name}' prints its serial port"
        )
    backend = _keeper_of(uid) or _emulator(board, options)
    if backend in LISTED and options.link not in LISTED[backend].links:
        raise InputError(
            f"emulated board '{uid.removeprefix(PROBE_PREFIX)}' is powered with backend '{backend}', which has no link "
            f"over {options.link.upper()}",
            hint=f"power it with another: hil emulate {board.name} --backend {_emulator(board, options)}",
        )
    return Selection(backend, emulated=True, reason="kept powered", probe=uid, port=options.port)


def _keeper_of(uid: str) -> str:
    """What emulates the board that is powered; empty where none is, or where another client has it now."""
    with suppress(MachineError):
        found = registry.connect(uid.removeprefix(PROBE_PREFIX))
        if found is not None:
            machine, facts = found
            machine.close()
            return str(facts["backend"])
    return ""


def _hardware(board: Board, options: DutOptions, uid: str) -> Selection:
    if options.link == "spi" and options.port is None:
        raise InputError(
            f"the SPI bridge to board '{board.name}' (probe {uid}) is not known",
            hint="name it with --port, e.g. ftdi://ftdi:232h/1?data_ready=4 or spidev:/dev/spidev0.0",
        )
    ports = [options.port] if options.port else ports_of(uid)
    if len(ports) != 1:
        which = f": the probe has {' and '.join(ports)}" if ports else ", e.g. --port /dev/ttyACM0"
        instead = f"; or take --backend {board.emulators[0].backend}" if board.emulators else ""
        raise InputError(
            f"the serial port of board '{board.name}' (probe {uid}) is not known",
            hint=f"name it with --port{which}{instead}",
        )
    return Selection("hardware", emulated=False, probe=uid, port=ports[0])


def _probe_for(board: Board, wanted: str | None) -> str:
    probes = attached_probes()
    if wanted is not None:
        matching = [probe for probe in probes if wanted in probe.uid]
        if not matching:
            raise RigError(f"no debug probe '{wanted}' is attached", hint=_there(probes))
        if len(matching) > 1:
            raise InputError(f"'{wanted}' fits {len(matching)} probes", hint=_there(matching))
        if matching[0].target not in {None, board.pyocd_target}:
            raise RigError(
                f"probe '{wanted}' is part of a board with {matching[0].target}, "
                f"board '{board.name}' has {board.pyocd_target}",
                hint=_there(probes),
            )
        return matching[0].uid
    matching = [probe for probe in probes if probe.target == board.pyocd_target]
    matching = matching or [probe for probe in probes if probe.target is None]
    if not matching and probes:
        others = sorted({str(probe.target) for probe in probes})
        there = f"probe there is that of a {others[0]}" if len(probes) == 1 else f"probes are of {', '.join(others)}"
        raise RigError(
            f"no board '{board.name}' ({board.pyocd_target}) is attached: the only {there}", hint=_there(probes)
        )
    if not matching:
        raise RigError(
            f"no board '{board.name}' is attached: pyOCD sees no debug probe",
            hint="plug it in and check 'pyocd list', or leave --backend out to use the emulator",
        )
    if len(matching) > 1:
        raise InputError(
            f"{len(matching)} debug probes are attached, and any of them could be board '{board.name}'",
            hint=f"name one with --probe; {_there(matching)}",
        )
    return matching[0].uid


def _there(probes: list[AttachedProbe]) -> str:
    """The probes attached, and the part that each is known to sit on a board with."""
    known = [f", part of a board with {probe.target}" if probe.target else "" for probe in probes]
    words = [f"{probe.uid} ({probe.description}){part}" for probe, part in zip(probes, known, strict=True)]
    return "attached: " + ("; ".join(words) or "none")
