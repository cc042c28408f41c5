"""The board on the desk: its probe among those that are plugged in, and the serial port that belongs to that probe."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hil.errors import InputError, RigError
from hil.find.match import Fit, fit
from hil.find.ports import ports_of
from hil.find.probes import attached_probes, probes_named
from hil.probe.identify import Identified, Is, identify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.board import Board
    from hil.find.probes import Probe

_BACK_S: Final = 5.0
_LOOK_S: Final = 0.05


@dataclass(frozen=True)
class Search:
    """What was found of a board.

    Attributes:
        found: the probes that are part of one.
        maybe: those that may be: nothing tells.
        why: for those, the reason of the last.
        others: the rest.
        unasked: of the rest those that may be as well, and were left alone, as others say by themselves that they are.
    """

    found: tuple[Probe, ...]
    maybe: tuple[Probe, ...] = ()
    why: str = ""
    others: tuple[Probe, ...] = ()
    unasked: tuple[Probe, ...] = ()


def search(board: Board, *, thorough: bool) -> Search:
    """Look for a board among the probes that are plugged in.

    Only probes of the kind that the board carries are opened, and only where none says by itself that it is one.

    Args:
        board: the board.
        thorough: where it is not found so, ask also what hangs on probes that are part of no board.
    """
    probes = attached_probes()
    fits = {probe: fit(board, probe) for probe in probes}
    found = [probe for probe in probes if fits[probe] is Fit.YES]
    maybe: list[Probe] = []
    why = ""
    for kind in (Fit.ASK, Fit.STRAY) if thorough else (Fit.ASK,):
        if found or maybe:
            break
        for probe in probes:
            if fits[probe] is kind:
                answer = Identified(Is.UNKNOWN, probe.flaw) if probe.flaw else identify(board, probe)
                found += [probe] if answer.is_ is Is.THE_BOARD else []
                if answer.is_ is Is.UNKNOWN:
                    maybe.append(probe)
                    why = answer.why
    others = [probe for probe in probes if probe not in found and probe not in maybe]
    says = any(fits[probe] is Fit.YES for probe in found)
    unasked = [probe for probe in others if says and fits[probe] is Fit.ASK]
    return Search(tuple(found), tuple(maybe), why, tuple(others), tuple(unasked))


def probe_named(board: Board, wanted: str) -> Probe | None:
    """The probe whose uid has a part; None where none has.

    Raises:
        InputError: several have.
        RigError: it is part of another board, or nothing tells it from another probe.
    """
    probes = attached_probes()
    matching = probes_named(wanted, probes)
    if not matching:
        return None
    _check_flaw(matching)
    if len(matching) > 1:
        raise InputError(f"'{wanted}' fits {len(matching)} probes", hint=there(matching))
    probe = matching[0]
    if fit(board, probe) is Fit.NO:
        of = f"with {probe.target}" if probe.target else f"with the id {probe.board_id}"
        raise RigError(
            f"probe '{wanted}' is part of a board {of}, board '{board.name}' has {board.pyocd_target}",
            hint=there(probes),
        )
    return probe


def the_probe(board: Board, looked: Search) -> Probe:
    """The one that was found.

    Raises:
        RigError: none was, or nothing tells it from another probe.
        InputError: several could be it.
    """
    candidates = looked.found or looked.maybe
    _check_flaw(candidates)
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise _several(board, candidates)
    if looked.others:
        told = sorted({probe.target or "an unknown part" for probe in looked.others})
        that = f"probe there is that of a board with {told[0]}"
        only = that if len(looked.others) == 1 else f"probes are those of boards with {', '.join(told)}"
        raise RigError(
            f"no board '{board.name}' ({board.pyocd_target}) is attached: the only {only}",
            hint=there(looked.others) + _stray(board, looked.others),
        )
    instead = ", or leave --backend out to use the emulator" if board.emulators else "; there is no emulator for it"
    raise RigError(
        f"no board '{board.name}' is attached: no debug probe is plugged in",
        hint=f"plug it in and check 'hil doctor'{instead}",
    )


def _stray(board: Board, probes: Sequence[Probe]) -> str:
    """What to type for a probe that is part of no board, where nobody insisted on hardware."""
    stray = [probe.uid for probe in probes if fit(board, probe) is Fit.STRAY]
    uids = " or ".join(stray)
    return f"; where it hangs on {uids}: --backend hardware, or --probe" if stray else ""


def _check_flaw(probes: Sequence[Probe]) -> None:
    for probe in probes:
        if probe.flaw:
            hint = "unplug one of them" if probe.uid else "update its firmware, or take another probe"
            raise RigError(probe.flaw, hint=hint)


def _several(board: Board, probes: Sequence[Probe]) -> InputError:
    """The error for more than one board that could be meant, with what to type for each."""
    lines = "; ".join(f"--probe {probe.uid} for the one at USB {probe.usb.place}" for probe in probes)
    return InputError(
        f"{len(probes)} debug probes are attached, and any of them could be board '{board.name}'",
        cause=there(probes),
        hint=f"{lines}; or 'hil rig scan', and {board.name} is the one that the rig file says",
    )


def port_of(board: Board, probe: Probe) -> str:
    """The serial port of a probe.

    Raises:
        RigError: it has none.
        InputError: it has several.
    """
    ports = ports_of(probe)
    if len(ports.own) == 1:
        return ports.own[0]
    emulated = f"; or take --backend {board.emulators[0].backend}" if board.emulators else ""
    if ports.own:
        raise InputError(
            f"the serial port of board '{board.name}' (probe {probe.uid}) is not known: the probe has "
            f"{' and '.join(ports.own)}",
            hint=f"name one with --port, or in the rig file{emulated}",
        )
    beside = f"; on the same hub there is {' and '.join(ports.beside)}" if ports.beside else ""
    raise RigError(
        f"the serial port of board '{board.name}' (probe {probe.uid}) is not known: the probe brings none",
        hint=f"name it with --port, e.g. --port /dev/ttyACM0, or in the rig file{beside}{emulated}",
    )


def port_again(board: Board, uid: str, wait: Callable[[float], None] = time.sleep) -> str:
    """The serial port of a probe as it is now: after it has gone from USB and come back, its number may be another.

    Raises:
        RigError: the probe has not come back in time, or brings no port now.
    """
    deadline = time.monotonic() + _BACK_S
    while True:
        probe = next((each for each in attached_probes() if each.uid == uid), None)
        late = time.monotonic() > deadline
        if probe is not None and (late or ports_of(probe).own):
            return port_of(board, probe)
        if late:
            raise RigError(
                f"probe {uid} of board '{board.name}' has gone from USB, and its serial port with it",
                hint="check the cable; 'hil doctor' lists what is plugged in",
            )
        wait(_LOOK_S)  # what enumerates is told by udev alone, which need not run here


def there(probes: Sequence[Probe]) -> str:
    """The probes attached, and the part that each is known to sit on a board with."""
    known = [f", part of a board with {probe.target}" if probe.target else "" for probe in probes]
    words = [f"{probe.uid} ({probe.description}){part}" for probe, part in zip(probes, known, strict=True)]
    return "attached: " + ("; ".join(words) or "none")
