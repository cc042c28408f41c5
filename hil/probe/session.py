"""A pyOCD session on one probe, real or emulated, that says in sentences what went wrong and is otherwise quiet."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

# pyOCD has annotations but no py.typed.
from pyocd.core import exceptions  # type: ignore[import-untyped]
from pyocd.core.helpers import ConnectHelper  # type: ignore[import-untyped]
from pyocd.core.session import Session  # type: ignore[import-untyped]

from hil.emulator.power import PROBE_PREFIX
from hil.errors import FlashError, HilError, InputError, RigError
from hil.probe import remote
from hil.probe.emulated import EmulatedProbe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.board import Board

_CORE_NAMES = {"cortex-m0": "Cortex-M0", "cortex-m0plus": "Cortex-M0+"}
_STARVED_S = 60.0
_FREQUENT_CAUSE = "check power and cable; another program may be using the probe"


@contextmanager
def pyocd_errors(what: str) -> Iterator[None]:
    """What pyOCD raises, as FlashError or RigError: an algorithm that answers too late is no defect of the flash.

    Args:
        what: the sentence that the error begins with, as in "microbit cannot be reset".
    """
    try:
        yield
    except exceptions.FlashFailure as error:
        if error.result_code is None and str(error).endswith("timed out"):  # pyOCD has no class for it
            raise RigError(what, cause=str(error), hint=_FREQUENT_CAUSE) from error
        raise FlashError(what, cause=str(error)) from error
    except ValueError as error:
        raise FlashError(what, cause=str(error)) from error
    except (exceptions.Error, OSError) as error:
        if isinstance(error.__cause__, HilError):
            known = error.__cause__
            raise RigError(known.message, cause=known.cause, hint=known.hint) from error
        raise RigError(what, cause=str(error) or type(error).__name__, hint=_FREQUENT_CAUSE) from error


def _may_pass(error: RigError) -> bool:
    """Whether pyOCD met it on the way to the target, and no part of hil (an emulator, say) has told its cause."""
    return error.__cause__ is not None and not isinstance(error.__cause__.__cause__, HilError)


@contextmanager
def _no_pyocd_log() -> Iterator[None]:
    """Keep what pyOCD logs off the terminal, where Python puts warnings that nobody handles."""
    logger = logging.getLogger("pyocd")
    before = logger.propagate
    handler = logging.NullHandler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


class ProbeSession:
    """An open pyOCD session: a context manager, closed in the end with the core running.

    Args:
        board: the board that must be behind the probe.
        probe: uid of the probe, or a part that only its uid has; empty when only one is attached.
    """

    def __init__(self, board: Board, probe: str) -> None:
        self.board = board
        self.probe = probe
        self._retries: list[str] = []
        self._recovering = False
        self._quiet = ExitStack()
        self._session: Any = None

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(_no_pyocd_log())
            self._open()
            self._quiet = undo.pop_all()
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
        """Raise EmulatorEndedError where the board is emulated and its emulator has ended."""
        probe = self._session.probe if self._session is not None else None
        if isinstance(probe, EmulatedProbe):
            probe.check_power()

    def stopped_by(self) -> str:
        """What stopped the core, in words, where its probe knows: an emulator's. To be asked before it is halted."""
        probe = self._session.probe
        return probe.stopped_by() if isinstance(probe, EmulatedProbe) else ""

    def noticed(self) -> tuple[str, ...]:
        """What the emulator has noticed of the firmware; nothing on silicon, and where the board has gone."""
        probe = self._session.probe if self._session is not None else None
        try:
            return probe.noticed() if isinstance(probe, EmulatedProbe) else ()
        except exceptions.ProbeError:
            return ()

    def behind(self) -> str:
        """The uid of the probe itself: for one behind a network, what its server calls it."""
        probe = self._session.probe
        with pyocd_errors(f"probe '{self.probe}' does not say which it is"):
            return str(probe.behind if isinstance(probe, remote.RemoteProbe) else probe.unique_id)

    def close(self) -> None:
        """Let the core run and the probe go."""
        try:
            self._close_session()
        finally:
            self._quiet.close()

    @property
    def retries(self) -> tuple[str, ...]:
        """What had to be tried again, and why: a sentence each."""
        return tuple(self._retries)

    def recover(self, error: RigError) -> None:
        """After an error, open the session anew in a way in which the firmware cannot interfere, and note it.

        Raises:
            RigError: it does not open; or the error itself, where a new session cannot help.
        """
        if not _may_pass(error):
            raise error
        # What was lost may fail to close as well; the error that led here says more.
        with suppress(RigError):
            self._close_session()
        self._note_recovery(error)
        self._open()

    def _note_recovery(self, error: RigError) -> None:
        how = "with the reset pin held" if self.board.reset_pin else "with the core halted"
        self._retries.append(f"{error.message} ({error.cause}); tried again {how}")
        self._recovering = True

    def _open(self) -> None:
        if self.board.pyocd_target is None:
            raise InputError(f"board '{self.board.name}' has no pyOCD target, so it cannot be flashed")
        try:
            self._connect()
        except RigError as error:
            if self._recovering or not _may_pass(error):
                raise
            self._note_recovery(error)
            self._connect()
        self._check_core()

    def _connect(self) -> None:
        options: dict[str, Any] = {
            "target_override": self.board.pyocd_target,
            "connect_mode": self._connect_mode(),
            "hide_programming_progress": True,
        }
        probe = self._choose_probe()
        if isinstance(probe, EmulatedProbe):
            options |= {"reset.hold_time": 0.0, "reset.post_delay": 0.0}  # no capacitor on its reset line
        if isinstance(probe, (EmulatedProbe, remote.RemoteProbe)):
            # An emulated core is as fast as its computer lets it be, and one behind a network may be emulated.
            options |= {f"flash.timeout.{step}": _STARVED_S for step in ("init", "erase_sector", "program")}
        with pyocd_errors(f"board '{self.board.name}' cannot be reached through probe '{self.probe}'"):
            session = Session(probe, options=options)
            try:
                session.open()
            except BaseException:
                session.close()
                raise
        self._session = session

    def _connect_mode(self) -> str:
        """How to get hold of the core: the first time beside the running firmware, then before it can interfere.

        Without a reset pin that can be held, the debugger stops the core as soon as it has the connection; `reset`
        goes through the core (SYSRESETREQ) on every board.
        """
        if not self._recovering:
            return "attach"
        return "under-reset" if self.board.reset_pin else "halt"

    def _choose_probe(self) -> Any:
        name = self.probe.removeprefix(PROBE_PREFIX)
        if name != self.probe and name.partition(".")[0] == self.board.name:
            # pyOCD would look the name up, and would not find a board that only its file's path leads to.
            return EmulatedProbe(self.board, name.partition(".")[2])
        if self.probe.startswith(remote.PREFIX):
            return remote.RemoteProbe(self.probe.removeprefix(remote.PREFIX))
        try:
            probes = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=self.probe or None)
        except exceptions.Error as error:
            raise RigError(str(error), hint="'pyocd list' shows the probes that are attached") from error
        if len(probes) == 1:
            return probes[0]
        if probes:
            uids = ", ".join(probe.unique_id for probe in probes)
            raise RigError(f"several debug probes match '{self.probe}': {uids}", hint="name one by its whole uid")
        wanted = f"no debug probe with uid '{self.probe}' is" if self.probe else "no debug probe is"
        attached = ConnectHelper.get_all_connected_probes(blocking=False)
        uids = ", ".join(probe.unique_id for probe in attached) or "none"
        raise RigError(f"{wanted} attached", hint=f"attached are: {uids} ('pyocd list')")

    def _check_core(self) -> None:
        """A probe on another board is better found before anything is erased."""
        found = self._session.target.selected_core.name
        expected = _CORE_NAMES.get(self.board.core, self.board.core)
        if found != expected:
            self._close_session()
            raise RigError(
                f"the core behind probe '{self.probe}' is a {found}, that of board '{self.board.name}' is a {expected}",
                hint="name the probe of the right board",
            )

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with pyocd_errors(f"probe '{self.probe}' was lost"):
                session.close()
