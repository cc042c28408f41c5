"""The packages that speak to instruments: imported when one is used, as few people have all of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from hil.errors import RigError

if TYPE_CHECKING:
    from types import ModuleType

_EXTRA = "install it with: pip install 'hil-ltc[power]'"


def load(module: str, distribution: str, *names: str) -> ModuleType:
    """Import a package.

    Args:
        module: what is imported.
        distribution: its name on PyPI.
        names: what must be in it.

    Raises:
        RigError: it is not installed, cannot be imported, or is another one.
    """
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise RigError(
            f"this current analyzer needs the package {distribution}, which cannot be imported",
            cause=str(error),
            hint=_EXTRA,
        ) from error
    if missing := [name for name in names if not hasattr(loaded, name)]:
        where = getattr(loaded, "__file__", "memory")
        raise RigError(
            f"the package '{module}' in {where} is not the {distribution} that is known: it has no {missing[0]}",
            hint=_EXTRA,
        )
    return loaded
