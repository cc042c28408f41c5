"""How to open a DUT, as asked for on a command line: pure, and checked against the board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.backends import LISTED, backend_options
from hil.errors import InputError
from hil.farm.address import FarmAddress
from hil.flash_mode import FLASH_MODES
from hil.probe.lock import DEFAULT_WAIT_S as PROBE_WAIT_S

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Board
    from hil.flash_mode import FlashMode

BACKENDS = backend_options()
LINKS = ("uart", "spi")
_LONGEST_WAIT_S = 1e6
_PLACE_WAIT_S = 600.0


@dataclass(frozen=True)
class DutOptions:
    """How to open a DUT.

    Attributes:
        backend: what realises the board, one of BACKENDS; ``auto`` takes an attached board, else its emulator.
        probe: uid of the debug probe, or None.
        port: device path or URL of the serial port, or the address of the SPI bridge, or None.
        link: link to the firmware, one of LINKS.
        flash: ``auto`` writes firmware that is not there yet, ``always`` writes it, ``never`` refuses to.
        instance: which of the emulated boards of this kind; ``auto`` takes the first that nobody uses.
        firmware_root: folder of C sources to build instead of those that ship with hil, laid out as ``firmware/``.
        rig: what is plugged in on this bench, `hil.rig`; None for the file at its usual place, if there is one.
        farm: address of a labgrid coordinator whose places have the boards, and of one of its places; or None.
        wait_s: how long to wait for a probe or a place that another run has, in seconds; 0 to fail at once; None for a
            minute for a probe, and ten for a place.
        may_erase: the whole flash may be erased where nothing else makes an attached board reachable.
        meter: address of the current analyzer that measures the board, or None.
    """

    backend: str = "auto"
    probe: str | None = None
    port: str | None = None
    link: str = "uart"
    flash: FlashMode = "auto"
    instance: str = "auto"
    firmware_root: Path | None = None
    rig: Path | None = None
    farm: str | None = None
    wait_s: float | None = None
    may_erase: bool = False
    meter: str | None = None

    @property
    def probe_wait_s(self) -> float:
        """How long to wait for a probe, in seconds."""
        return PROBE_WAIT_S if self.wait_s is None else self.wait_s

    @property
    def place_wait_s(self) -> float:
        """How long to wait for a place of a farm: it is others' runs that are waited for, from begin to end."""
        return _PLACE_WAIT_S if self.wait_s is None else self.wait_s

    def check(self, board: Board) -> None:
        """Check against a board.

        Raises:
            InputError: the board has no such link or backend, or a word is none of those known.
            RigError: there is no such kind of SPI bridge, or an analyzer's address has an option that cannot be heeded.
        """
        for option, value, known in (
            ("backend", self.backend, BACKENDS),
            ("link", self.link, LINKS),
            ("flash", self.flash, FLASH_MODES),
        ):
            if value not in known:
                raise InputError(f"there is no {option} '{value}'", hint=f"known: {', '.join(known)}")
        if self.wait_s is not None and not 0 <= self.wait_s < _LONGEST_WAIT_S:
            raise InputError(
                f"--wait {self.wait_s:g} is no time to wait", hint="seconds; 0 to fail at once where a probe is in use"
            )
        self._check_link(board)
        self._check_farm(board)
        emulators = [emulator.backend for emulator in board.emulators]
        if self.backend not in {"auto", "hardware"} and board.emulator(self.backend) is None:
            there = f"what there is for it: {', '.join(emulators)}" if emulators else "there is no emulator for it"
            raise InputError(f"board '{board.name}' has no backend '{self.backend}'", hint=there)
        if self.backend not in {"auto", "hardware"} and self.link not in LISTED[self.backend].links:
            having = [each.backend for each in board.emulators if self.link in LISTED[each.backend].links]
            raise InputError(
                f"backend '{self.backend}' has no link over {self.link.upper()}",
                hint=f"emulators of board '{board.name}' that have: {', '.join(having) or 'none'}",
            )
        if self.backend == "hardware" and board.pyocd_target is None:
            raise InputError(
                f"board '{board.name}' is a process on this computer, there is no hardware of it",
                hint="leave --backend out",
            )
        if (self.probe or self.port) and board.pyocd_target is None:
            raise InputError(f"board '{board.name}' is a process on this computer: it has no probe and no port")
        if self.meter and board.pyocd_target is None:
            raise InputError(f"board '{board.name}' is a process on this computer: there is no current to measure")
        if (self.probe or self.port) and self.backend not in {"auto", "hardware"}:
            raise InputError(
                f"a probe or a port was named, but backend '{self.backend}' brings its own",
                hint="leave --probe and --port out, or take --backend hardware",
            )

    def _check_farm(self, board: Board) -> None:
        if self.farm is None:
            return
        FarmAddress.parse(self.farm)
        if self.probe or self.port:
            raise InputError(
                "--farm finds probe and port by itself, and one was named", hint="leave --probe and --port out"
            )
        if self.meter is not None:
            raise InputError("no analyzer of this computer measures a board of a farm", hint="leave --meter out")
        if self.may_erase:
            raise InputError(
                "a board of a farm is not erased whole: it is others' as well",
                hint="leave --allow-erase out; who looks after its place can type 'hil flash' there",
            )
        if board.pyocd_target is None:
            raise InputError(f"board '{board.name}' is a process on this computer: no farm has it")
        if self.link != "uart":
            raise InputError(
                f"a farm's places have no link over {self.link.upper()}", hint="leave --link out, it is then uart"
            )

    def _check_link(self, board: Board) -> None:
        links = [name for name in LINKS if getattr(board.links, name, None) is not None]
        if not links:
            raise board.mistake(
                "links", "the board has no link to its firmware", "give it a uart, with baud, tx and rx"
            )
        if self.link not in links:
            raise InputError(f"board '{board.name}' has no {self.link} link", hint=f"its links: {', '.join(links)}")
        if self.link == "spi" and self.port is not None:
            from hil.link.spi.opening import check_address  # noqa: PLC0415 # for a link over SPI alone

            check_address(self.port)
