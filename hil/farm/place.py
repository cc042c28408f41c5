"""What a place of a farm is to hil: the board that its tags name, who holds it, and how its probe and port are reached.

A place has a tag ``board`` with the name of a board, and a tag ``emulated`` with the backend where it is no silicon.
Its resources are those of labgrid: a `NetworkSerialPort` (what an exporter makes of a `USBSerialPort` or a
`RawSerialPort`), and a `NetworkService` that is the server of its debug probe ("hil serve", or pyOCD's own). Where it
has more of these, hil's are called ``serial`` and ``probe``. Pure: nothing here is connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from hil.backends import HARDWARE, REMOTE
from hil.errors import RigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OURS: Final = re.compile(r"(?P<host>[^/]*)/(?P<user>.*)\.hil-[0-9a-f]+-(?P<pid>\d+)-\d+")


@dataclass(frozen=True)
class Resource:
    """One resource of a place.

    Attributes:
        name: what the place calls it.
        cls: labgrid's class.
        params: its arguments, as the exporter gives them.
        available: the exporter has it now.
    """

    name: str
    cls: str
    params: Mapping[str, Any]
    available: bool = True


@dataclass(frozen=True)
class Place:
    """One place of a coordinator, as it is now.

    Attributes:
        name: its name.
        board: the board that it is said to have; empty where no tag says.
        backend: ``hardware``, or what emulates its board.
        holder: labgrid's name of whoever holds it; empty while it is free.
        resources: what belongs to it.
    """

    name: str
    board: str
    backend: str
    holder: str = ""
    resources: Sequence[Resource] = field(default_factory=tuple)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self:
        """From the facts that `hil.farm.keeper` tells."""
        tags = facts["tags"]
        return cls(
            name=facts["name"],
            board=tags.get("board", ""),
            backend=tags.get("emulated", HARDWARE),
            holder=facts["holder"],
            resources=tuple(
                Resource(each["name"], each["cls"], each["params"], each["available"]) for each in facts["resources"]
            ),
        )

    @property
    def probe_uid(self) -> str:
        """What pyOCD calls its probe.

        Raises:
            RigError: it has none, or several of which none is called ``probe``.
        """
        params = self._one("NetworkService", "probe", "a server for its debug probe").params
        return f"{REMOTE}:{params['address']}:{params['port']}"

    @property
    def port_url(self) -> str:
        """What pyserial calls its serial port.

        Raises:
            RigError: it has none, or several of which none is called ``serial``.
        """
        params = self._one("NetworkSerialPort", "serial", "a serial port").params
        if not params.get("port"):
            raise RigError(
                f"the serial port of place '{self.name}' is not served by its exporter",
                hint="the exporter's log says why; it needs ser2net",
            )
        where = f"{params['host']}:{params['port']}"
        if params.get("protocol", "rfc2217") == "raw":
            return f"socket://{where}"
        # A port may not have the modem's lines: an emulated board's has none, and ser2net then gives no answer.
        return f"rfc2217://{where}?ign_set_control"

    def _one(self, cls: str, name: str, what: str) -> Resource:
        found = [each for each in self.resources if each.cls == cls]
        if len(found) > 1:
            found = [each for each in found if each.name == name]
        if not found:
            there = ", ".join(f"{each.name} ({each.cls})" for each in self.resources) or "none"
            raise RigError(
                f"place '{self.name}' has no {cls} called '{name}', {what}",
                hint=f"its resources: {there}; docs/farm.md has an exporter's file to copy",
            )
        if not found[0].available:
            raise RigError(f"{found[0].name} of place '{self.name}' is not plugged in at its exporter")
        return found[0]


def name_holder(holder: str) -> str:
    """Who holds a place, in words."""
    if found := _OURS.fullmatch(holder):
        return f"process {found['pid']} of {found['user']} on {found['host']}"
    host, slash, user = holder.partition("/")
    return f"{user} on {host}" if slash else holder
