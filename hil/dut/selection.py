"""Which backend realises a board in this run: an attached board where there is one, else its emulator, and why."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hil.backends import HARDWARE, LISTED, is_supervised
from hil.dut.attached import port_of, probe_named, search, the_probe, there
from hil.dut.farm import fitting_places
from hil.emulator import registry
from hil.emulator.machine import MachineError
from hil.emulator.power import PROBE_PREFIX, instance_name
from hil.errors import HilError, InputError, RigError
from hil.find.probes import attached_probes
from hil.rig import load_rig

if TYPE_CHECKING:
    from hil.board import Board
    from hil.dut.attached import Search
    from hil.dut.farm import FittingPlaces
    from hil.dut.options import DutOptions
    from hil.find.probes import Probe
    from hil.rig import Rig


@dataclass(frozen=True)
class Selection:
    """A backend, and why it was taken.

    Attributes:
        backend: ``hardware``, or the emulator's.
        emulated: no silicon takes part.
        reason: why, where nobody asked for it by name; or empty.
        probe: uid of the probe of a board that is powered already; None where the emulator is to be powered first.
        port: serial port of such a board: the one named, or its probe's.
        follows_probe: nobody named the port, so that it is looked for again each time that it is opened.
        farm: the places of a farm of which one is to be taken first; or None.
    """

    backend: str
    emulated: bool
    reason: str = ""
    probe: str | None = None
    port: str | None = None
    follows_probe: bool = False
    farm: FittingPlaces | None = None

    @property
    def shared(self) -> bool:
        """Whether there is one board for all who ask, instead of one for each."""
        if self.farm is not None:
            return len(self.farm.names) == 1
        return self.probe is not None or not self.emulated


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
    if options.backend not in {"auto", HARDWARE}:
        return Selection(options.backend, emulated=True)
    if board.pyocd_target is None:
        return Selection(_emulator(board, options), emulated=True)
    rig = load_rig(options.rig)
    entry = rig.of(board.name, options.probe)
    address = options.port or (entry.bridge if options.link == "spi" else entry.port)
    if options.probe or entry.probe:
        return _named(board, options, rig, address)
    asked = options.backend == HARDWARE or options.port is not None
    looked = search(board, thorough=asked)
    if asked or looked.found or not board.emulators:
        return replace(_hardware(board, options, the_probe(board, looked), address), reason=_left_alone(looked))
    reason = f"no board attached that says so: {looked.why}" if looked.maybe else "no board attached"
    return _instead(board, options, reason)


def _named(board: Board, options: DutOptions, rig: Rig, address: str | None) -> Selection:
    """The board on the probe that an option or the rig file names."""
    wanted = options.probe or rig.of(board.name).probe or ""
    if wanted.startswith(PROBE_PREFIX):
        return _kept_powered(board, options, wanted, address)
    try:
        probe = probe_named(board, wanted)
    except HilError as error:
        error.cause = error.cause or _said_by(options, rig)
        raise
    if probe is not None:
        return _hardware(board, options, probe, address)
    if ":" in wanted and address is not None:  # one that is not on this computer's USB, as remote:HOST:PORT
        return Selection(HARDWARE, emulated=False, probe=wanted, port=address)
    if options.probe is None and options.port is None and options.backend == "auto":
        return _instead(board, options, f"no board attached: probe {wanted} of rig file {rig.file} is not plugged in")
    hint = "give it a --port as well" if ":" in wanted else there(attached_probes())
    raise RigError(f"no debug probe '{wanted}' is attached", cause=_said_by(options, rig), hint=hint)


def _left_alone(looked: Search) -> str:
    """What a person may want to know who has a second board of the kind."""
    if not looked.unasked:
        return ""
    uids = " and ".join(probe.uid for probe in looked.unasked)
    return f"it says that it is one; probe {uids} does not say of what board it is part, and was not asked"


def _said_by(options: DutOptions, rig: Rig) -> str | None:
    return None if options.probe else f"rig file {rig.file} names it"


def _instead(board: Board, options: DutOptions, reason: str) -> Selection:
    """The emulator, where no board is on the desk and nobody insists on one."""
    if not board.emulators:
        raise RigError(f"no board '{board.name}' is attached, and there is no emulator for it", cause=reason)
    return Selection(_emulator(board, options), emulated=True, reason=reason)


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


def _kept_powered(board: Board, options: DutOptions, uid: str, port: str | None) -> Selection:
    if options.backend == HARDWARE:
        raise InputError(
            f"--probe {uid} is an emulated board, but --backend hardware asks for silicon",
            hint="name a probe that 'pyocd list' shows, or leave --backend out",
        )
    if port is None:
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
    return Selection(backend, emulated=True, reason="kept powered", probe=uid, port=port)


def _keeper_of(uid: str) -> str:
    """What emulates the board that is powered; empty where none is, or where another client has it now."""
    with suppress(MachineError):
        found = registry.connect(uid.removeprefix(PROBE_PREFIX))
        if found is not None:
            machine, facts = found
            machine.close()
            return str(facts["backend"])
    return ""


def _hardware(board: Board, options: DutOptions, probe: Probe, address: str | None) -> Selection:
    if address is not None:
        return Selection(HARDWARE, emulated=False, probe=probe.uid, port=address)
    if options.link == "spi":
        raise InputError(
            f"the SPI bridge to board '{board.name}' (probe {probe.uid}) is not known",
            hint="name it with --port, e.g. ftdi://ftdi:232h/1?data_ready=4 or spidev:/dev/spidev0.0, "
            "or as 'bridge' in the rig file",
        )
    return Selection(HARDWARE, emulated=False, probe=probe.uid, port=port_of(board, probe), follows_probe=True)
