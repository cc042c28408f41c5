"""One line of what ``hil doctor`` found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject: what was looked for.
        state: ``ok``, ``missing``, ``absent`` where only boards need it that nobody has to use, or ``-`` where it is
            only told.
        detail: what was found, or what to type.
    """

    subject: str
    state: str
    detail: str
