"""The packages that speak to instruments: imported when one is used, as few people have all of them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from hil.errors import RigError

if TYPE_CHECKING:
    from types import ModuleType

_EXTRA = "install it with: pip install 'hil-ltc[spi]'"


def load(module: str, distribution: str, *names: str) -> ModuleType:
    """Import a package.

    Args:
        module: what is imported.
        distribution: its name on PyPI.
        names: what must be in it; a package of another distribution may have the same name.

    Raises:
        RigError: it is not installed, cannot be imported, or is another one.
    """
    try:
        loaded = importlib.import_module(module)
    except ImportError as error:
        raise RigError(
            f"this SPI bridge needs the package {distribution}, which cannot be imported",
            cause=str(error),
            hint=_EXTRA,
        ) from error
    if missing := [name for name in names if not hasattr(loaded, name)]:
        raise RigError(
            f"the package '{module}' in {loaded.__file__} is not {distribution}: it has no {missing[0]}",
            hint=f"uninstall what it came with; {_EXTRA}",
        )
    return loaded
