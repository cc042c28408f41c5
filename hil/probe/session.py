"""A pyOCD session on one probe, real or emulated, that says in sentences what went wrong and is otherwise quiet."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Self

# pyOCD has annotations but no py.typed.
from pyocd.core import exceptions  # type: ignore[import-untyped]
from pyocd.core.session import Session  # type: ignore[import-untyped]

from hil.emulator.power import PROBE_PREFIX
from hil.errors import BoardGoneError, FlashError, InputError, RigError
from hil.probe.chip_check import WrongChipError, check_chip
from hil.probe.choice import choose_probe, on_usb
from hil.probe.lock import IMPATIENT, ProbeLock
from hil.probe.own import as_own
from hil.probe.pyocd_errors import may_pass, no_pyocd_log, pyocd_errors
from hil.probe.recovery import LADDER, UNDER_RESET
from hil.probe.targets import find_target
from hil.probe.usb_power import is_gone

if TYPE_CHECKING:
    from hil.board import Board
    from hil.find.probes import Probe
    from hil.probe.lock import Patience


class ProbeSession:
    """An open pyOCD session: a context manager, closed in the end with the core running.

    While it is open no other run can take the probe; an emulated one has a lock of its own.

    Args:
        board: the board that must be behind the probe.
        probe: uid of the probe, or a part that only its uid has; empty when only one is attached.
        patience: what to do while another run has the probe.
        may_erase: the whole flash may be erased where nothing else makes the board reachable.
        recovers: what fails is tried again, see `hil.probe.recovery`.
        locks: whether to lock the probe; the caller has, otherwise.

    Attributes:
        board: as given.
        may_erase: as given.
    """

    def __init__(
        self,
        board: Board,
        probe: str,
        patience: Patience = IMPATIENT,
        *,
        may_erase: bool = False,
        recovers: bool = True,
        locks: bool = True,
    ) -> None:
        self.board = board
        self.may_erase = may_erase
        self._probe = probe
        self._patience = patience
        self._recovers = recovers
        self._locks = locks
        self._retries: list[str] = []
        self._climbed: set[str] = set()
        self._recovering = False
        self._plugged: Probe | None = None
        self._held = ExitStack()
        self._session: Any = None

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(no_pyocd_log())
            self._plugged = on_usb(self._probe)
            uid = self._plugged.uid if self._plugged else self._probe
            if self._locks and uid and not uid.startswith(PROBE_PREFIX):
                undo.enter_context(ProbeLock(uid, self.board.name, self._patience))
            self._open()
            self._held = undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def session(self) -> Any:
        """The pyOCD session."""
        return self._session

    @property
    def target(self) -> Any:
        """The pyOCD target."""
        return self._session.target

    def check_power(self) -> None:
        """Raise EmulatorEndedError where the board's emulator has ended, and BoardGoneError where it was unplugged."""
        if self._session is not None:
            as_own(self._session.probe).check_power()
        if self._plugged is not None and is_gone(self._plugged):
            raise BoardGoneError(
                f"board '{self.board.name}' (probe {self._plugged.uid}) has gone from USB in the middle of the session",
                hint="check the cable and the supply; 'hil doctor' lists what is plugged in",
            )

    def stopped_by(self) -> str:
        """What stopped the core, in words, where its probe knows: an emulator's. To be asked before it is halted."""
        return as_own(self._session.probe).stopped_by()

    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware; nothing on silicon, and where the board has gone."""
        try:
            return as_own(self._session.probe).noticed() if self._session is not None else ()
        except exceptions.ProbeError:
            return ()

    def behind(self) -> str:
        """The uid of the probe itself: for one behind a network, what its server calls it."""
        with pyocd_errors(f"probe '{self._probe}' does not say which it is"):
            return as_own(self._session.probe).behind

    def close(self) -> None:
        """Let the core run and the probe go."""
        try:
            self._close_session()
        finally:
            self._held.close()

    @property
    def retries(self) -> tuple[str, ...]:
        """What had to be tried again, and why: a sentence each."""
        return tuple(self._retries)

    @property
    def plugged(self) -> Probe | None:
        """The probe on USB, as it was last seen there; None for one that is not on USB."""
        return self._plugged

    def use_force(self) -> None:
        """Connect from now on in a way in which the firmware cannot interfere."""
        self._recovering = True

    def reopen(self) -> Any:
        """Open the session anew; the pyOCD session."""
        with suppress(RigError):  # what was lost may fail to close as well; the error that led here says more
            self._close_session()
        self._connect()
        return self._session

    def recover(self, error: RigError) -> None:
        """After an error, climb the ladder until the session is open again, and note it.

        Raises:
            RigError: it does not open; or the error itself, where nothing is left that could help.
        """
        if not self._may_help(error):
            raise error
        self._climb(error)

    def begin(self) -> None:
        """A piece of work begins: the connection may be lost once in each."""
        self._climbed.discard(UNDER_RESET.name)

    def _open(self) -> None:
        if self.board.pyocd_target is None:
            raise InputError(f"board '{self.board.name}' has no pyOCD target, so it cannot be flashed")
        try:
            self._connect()
        except RigError as error:
            if not self._may_help(error):
                raise
            self._climb(error)

    def _may_help(self, error: RigError) -> bool:
        """Whether another attempt could end better: something failed on the way, or the probe has gone."""
        if not self._recovers:
            return False
        return may_pass(error) or (self._plugged is not None and is_gone(self._plugged))

    def _climb(self, error: RigError) -> None:
        """Try one rung after another that fits, each once, until the session is open.

        Raises:
            RigError: none helped; the last.
        """
        for rung in LADDER:
            if rung.name in self._climbed or not rung.fits(self):
                continue
            self._climbed.add(rung.name)
            why = f" ({error.cause})" if error.cause else ""
            self._retries.append(f"{error.message}{why}; {rung.words(self)}")
            try:
                with pyocd_errors(f"board '{self.board.name}' cannot be recovered"):
                    rung.act(self)
                self.reopen()
            except WrongChipError:
                raise
            except (RigError, FlashError) as next_error:
                error = next_error if isinstance(next_error, RigError) else RigError(next_error.message)
            else:
                return
        raise error

    def _connect(self) -> None:
        probe = choose_probe(self.board, self._probe, self._plugged)
        options = {
            "target_override": self.board.pyocd_target,
            "connect_mode": self._connect_mode(),
            "hide_programming_progress": True,
            **as_own(probe).session_options,
        }
        with pyocd_errors(f"board '{self.board.name}' cannot be reached through probe '{self._probe}'"):
            find_target(self.board.pyocd_target or "")
            session = Session(probe, options=options)
            try:
                session.open()
            except BaseException:
                session.close()
                raise
        self._session = session
        try:
            check_chip(self.board, self._probe, self.target)
        except RigError:
            self._close_session()
            raise

    def _connect_mode(self) -> str:
        """How to get hold of the core: the first time beside the running firmware, then before it can interfere.

        Without a reset pin that can be held, the debugger stops the core as soon as it has the connection; `reset`
        goes through the core (SYSRESETREQ) on every board.
        """
        if not self._recovering:
            return "attach"
        return "under-reset" if self.board.reset_pin else "halt"

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with pyocd_errors(f"probe '{self._probe}' was lost"):
                session.close()
