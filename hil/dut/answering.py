"""Whether what answers on a link is the firmware that was built, on the board that its debug probe restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from hil.errors import LinkError, RigError, TargetFault
from hil.link.refusal import board_defect

if TYPE_CHECKING:
    from collections.abc import Callable

    from hil.link.agent import Identity

_PAIR_ATTEMPTS: Final = 5


class _Client(Protocol):
    """What `open_paired` needs of an open link: see `hil.link.agent.Agent`."""

    @property
    def epoch(self) -> int: ...

    @property
    def found(self) -> set[int]: ...


_C = TypeVar("_C", bound=_Client)


def open_paired(open_link: Callable[[], _C], restart: Callable[[], None], *, probe: str, link: str, hint: str) -> _C:
    """A client of what answers on a link, once it is settled that the probe restarts it (docs/protocol.md).

    Whatever is there gets an epoch; after the probe's reset the agent must have none. To look after a single reset is
    not enough: a fresh board on the wrong link has no epoch either.

    Args:
        open_link: begins a session with whatever answers; what it gave before is not used any more.
        restart: resets the board behind the probe.
        probe: the probe, for messages.
        link: the link, likewise.
        hint: what to do where they belong to two boards.

    Raises:
        RigError: they belong to two boards.
        LinkError: nobody answers, or no answer tells.
    """
    client = open_link()
    given: set[int] = set()
    for _ in range(_PAIR_ATTEMPTS):
        given.add(client.epoch)
        restart()
        client = open_link()
        if 0 in client.found:
            return client
        if client.found & given:
            raise RigError(
                f"what answers on {link} has not been restarted by probe {probe}: they belong to two boards", hint=hint
            )
    raise LinkError(
        f"it is not known whether {link} belongs to probe {probe}: after {_PAIR_ATTEMPTS} resets no answer "
        "told of a start",
        hint="another program talks there, or the line loses answers",
    )


def check_identity(identity: Identity, *, board_name: str, build_id: str, hint: str) -> None:
    """Refuse another firmware than the one that was built, and a defective board.

    Args:
        identity: what the firmware says of itself.
        board_name: of the board that it was built for.
        build_id: of the build.
        hint: what to do where another firmware answers.

    Raises:
        TargetFault: another firmware answers.
        RigError: it says that the board itself is defective.
    """
    if identity.board_name != board_name:
        raise TargetFault(
            f"the firmware that answers was built for board '{identity.board_name}', not '{board_name}'", hint=hint
        )
    if identity.build_id != build_id:
        raise TargetFault(
            f"stale firmware on board '{board_name}': {identity.build_id} answers, {build_id} was built", hint=hint
        )
    if identity.defect:
        raise board_defect(board_name, identity.defect)
