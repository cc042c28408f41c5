"""What was probably meant by a name that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_LIKE = 0.5  # enough to be offered
_MISSPELT = 0.75  # enough to be taken for a slip, where a name that resembles none is the user's own business


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one; None where none is."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=_LIKE)
    return near[0] if near else None


def offer(name: str, known: Collection[str], what: str, *, taken: Collection[str] = ()) -> str:
    """A hint: ``did you mean 'b'? known boards: a, b``, without the question where none is like it.

    Args:
        name: what was given.
        known: what could have been.
        what: what to call those.
        taken: of those, what is there as well, and is less likely to be meant.
    """
    near = nearest(name, [each for each in known if each not in taken]) or nearest(name, known)
    question = f"did you mean '{near}'? " if near else ""
    return f"{question}known {what}: {', '.join(known)}"


def misspelt(present: Collection[str], known: Collection[str]) -> str | None:
    """The first name that is not known, but resembles a known one that is not there; or None."""
    for name in sorted(set(present) - set(known)):
        near = difflib.get_close_matches(name, known, n=1, cutoff=_MISSPELT)
        if near and near[0] not in present:
            return name
    return None
