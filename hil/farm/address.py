"""The address of a farm, as a person writes it: its coordinator, and one of its places where it must be that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

from hil.errors import InputError

_DEFAULT_PORT: Final = 20408  # labgrid's


@dataclass(frozen=True)
class FarmAddress:
    """``HOST[:PORT][/PLACE]``.

    Attributes:
        coordinator: ``HOST:PORT`` of the labgrid coordinator.
        place: name of the place; empty for any that has the board.
    """

    coordinator: str
    place: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address.

        Raises:
            InputError: it is none.
        """
        where, _, place = text.partition("/")
        try:
            parts = urlsplit(f"//{where}")
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if not host or parts.username is not None or where.endswith(":"):
            raise InputError(
                f"'{text}' is no address of a farm",
                hint="write HOST, HOST:PORT or HOST:PORT/PLACE, of a labgrid coordinator, e.g. lab.local:20408",
            )
        host = f"[{host}]" if ":" in host else host
        return cls(f"{host}:{port or _DEFAULT_PORT}", place)

    def __str__(self) -> str:
        return f"{self.coordinator}/{self.place}" if self.place else self.coordinator
