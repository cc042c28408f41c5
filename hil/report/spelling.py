"""Errors name options as the ``hil`` command spells them, ``--flash``; in a pytest run the same is ``--hil-flash``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hil.errors import HilError

PREFIXED = ("backend", "probe", "port", "link", "flash", "farm", "meter", "rig", "wait", "allow-erase")
_NAMED = re.compile(rf"('hil [^']*')|(?<![\w-])--({'|'.join(PREFIXED)})\b")


def as_in_pytest(text: str) -> str:
    """A text of an error with the options called as pytest knows them; a ``hil`` command in quotes stays as it is."""
    return _NAMED.sub(lambda found: found[1] or f"--hil-{found[2]}", text)


def told_in_pytest(error: HilError) -> str:
    """An error as its class, sentence, cause and hint."""
    return f"{error.verdict}: {as_in_pytest(str(error))}"
