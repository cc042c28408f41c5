"""Ctrl-C, SIGTERM and SIGHUP while a night runs: the board that runs is ended, and what there is until then is kept."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_DEFAULTS: Final = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}


class Ended(BaseException):
    """A signal came while a board's run was waited for; not an Exception, so that nothing takes it for an error."""


class Ending:
    """Notes the signals that end a night while the context lasts, and raises only where that was asked for.

    For the main thread alone. Where somebody has a handler of their own, or a signal is ignored, all stays as it is.

    Attributes:
        number: the first signal that came; None where none did.
    """

    def __init__(self) -> None:
        self.number: signal.Signals | None = None
        self._raises = False
        self._replaced: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number, default in _DEFAULTS.items():
                if signal.getsignal(number) is default:
                    self._replaced[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        while self._replaced:
            signal.signal(*self._replaced.popitem())

    @property
    def exit_code(self) -> int:
        """As shells have it; 0 where no signal came."""
        return 0 if self.number is None else 128 + self.number

    @contextmanager
    def raising(self, *, noted: bool = False) -> Iterator[None]:
        """Within, the next signal raises.

        Args:
            noted: so does one that came before.

        Raises:
            Ended: one came.
        """
        self._raises = True
        try:
            if noted and self.number is not None:
                raise Ended
            yield
        finally:
            self._raises = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.number = self.number or signal.Signals(number)
        if self._raises:
            self._raises = False
            raise Ended
