"""What pyOCD raises and logs, as hil's own errors, and as silence."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pyocd.core import exceptions  # type: ignore[import-untyped] # has annotations but no py.typed

from hil.errors import FlashError, HilError, RigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FREQUENT_CAUSE: Final = "check power and cable; another program may be using the probe"


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


def may_pass(error: RigError) -> bool:
    """Whether pyOCD met it on the way to the target, and no part of hil (an emulator, say) has told its cause."""
    return error.__cause__ is not None and not isinstance(error.__cause__.__cause__, HilError)


@contextmanager
def no_pyocd_log() -> Iterator[None]:
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
