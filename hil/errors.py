"""One exception tree: what happened and where, what caused it, and what to do next.

Every failure belongs to one verdict class, so that whoever reads it knows who must act. The message is a sentence in
lower case without a full stop, as pytest and rustc print them; ``hint`` is the next thing to type or to do. Options are
named as the ``hil`` command spells them; pytest calls them by its own names (:mod:`hil.report.spelling`).
"""

from __future__ import annotations

from typing import ClassVar, Final


class HilError(Exception):
    """A failure with a verdict class, an optional cause and an optional hint.

    Args:
        message: what is wrong, and where (board, file and line, element).
        cause: what the tool below said, in its own words.
        hint: the next action, best a command to type.

    Attributes:
        post_mortem: what the core was doing and what was last heard of it, in lines; empty where nothing is known.
    """

    verdict: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, cause: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.cause = cause
        self.hint = hint
        self.post_mortem: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.message]
        if self.cause:
            lines.append(f"  caused by: {self.cause}")
        if self.post_mortem:
            lines.append("  post-mortem:")
            lines += [f"    {line}" for line in self.post_mortem]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class InputError(HilError):
    """A file or option that the user gave cannot be used as it is."""

    verdict = "input"
    exit_code = 2


class BuildError(HilError):
    """The firmware could not be built, or does not fit."""

    verdict = "build"
    exit_code = 3


class FlashError(HilError):
    """The target could not be programmed, or read back differently."""

    verdict = "flash"
    exit_code = 4


class LinkError(HilError):
    """Frames were lost or damaged beyond repair, or the firmware did not answer in time."""

    verdict = "link"
    exit_code = 5


class TargetFault(HilError):
    """The firmware reported an error or stopped in a fault."""

    verdict = "target fault"
    exit_code = 6


class NumericError(HilError):
    """An output or a state differs from its golden."""

    verdict = "numeric"
    exit_code = 1


class CyclesError(HilError):
    """A step takes other cycles than its golden, or more than its budget; or a count that cannot be trusted."""

    verdict = "cycles"
    exit_code = 7


class CurrentError(HilError):
    """Current or energy is another than its golden, more than its budget, or not known well enough to tell."""

    verdict = "current"
    exit_code = 8


class HarvestError(HilError):
    """On harvested power a board makes fewer steps than promised, or none at all."""

    verdict = "harvest"
    exit_code = 9


class RigError(HilError):
    """No verdict about the firmware: a probe, port, cable, emulator or tool on this bench is missing or busy."""

    verdict = "rig"
    exit_code = 10


class BoardGoneError(RigError):
    """The board has gone in the middle of a run: that says more than what its link or its probe then says."""


RUN_ENDS: Final = {0: "passed", 1: "failed", RigError.exit_code: "no verdict (rig)"}
"""How a run of tests ends that came to its end, in words, by its exit code; 0 and 1 are pytest's."""
NOTHING_RAN: Final = 5
"""pytest's exit code where there was no test to run."""
