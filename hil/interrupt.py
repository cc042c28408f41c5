"""Ctrl-C at moments that are no good for it: held back while modules are imported or boards are let go."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

INTERRUPTED = 128 + signal.SIGINT  # exit code, as shells have it
_SOON_S = 0.01


class Hold:
    """Notes Ctrl-C instead of raising KeyboardInterrupt while the context lasts; the second time it is raised.

    For the main thread alone.

    Where somebody has a handler of their own, or Ctrl-C is ignored, all stays as it is.

    Attributes:
        interrupted: Ctrl-C came.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._holds = False

    def __enter__(self) -> Self:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._holds = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._holds:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def leave(self) -> None:
        """End the program, without a trace, if Ctrl-C came."""
        if self.interrupted:
            raise SystemExit(INTERRUPTED)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True


@contextmanager
def importing() -> Iterator[None]:
    """While modules are imported Ctrl-C is held back; it ends the program when they are."""
    with Hold() as hold:
        yield
    hold.leave()


def was_interrupted(error: BaseException) -> bool:
    """Whether an error came up on the way out after Ctrl-C, as when a board is let go in the middle of a request."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, KeyboardInterrupt):
            return True
        chain = chain.__cause__ or chain.__context__
    return False


def pass_on(unraisable: sys.UnraisableHookArgs) -> None:
    """A ``sys.unraisablehook``: Python would print Ctrl-C that hits a finaliser, and forget it; it comes again."""
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        again = threading.Timer(_SOON_S, _thread.interrupt_main)  # at once, it would hit this hook
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(unraisable)
