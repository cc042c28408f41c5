"""Notices who fetches or reads the non-volatile memories while they are busy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.core import Core
    from hil.emulator.twin.stm32l031.nvm import Area

_MANY: Final = 100_000  # reads; each costs about 2 us


class Guard:
    """Put up when an operation begins and the core executes from RAM; taken down when it gets in the way.

    It costs too much to stay while the memories' code runs, and to be put up and down around each of many operations.

    Args:
        core: whose fetches and reads.
        areas: the memories.
        on_read: called before each load from them.

    Attributes:
        up: then the core stops before code in the memories.
    """

    def __init__(self, core: Core, areas: Sequence[Area], on_read: Callable[[], None]) -> None:
        self._core = core
        self._places = [
            (origin, len(area.content)) for area in areas for origin in (area.origin, area.alias) if origin is not None
        ]
        self._on_read = on_read
        self._hooks: Sequence[int] = ()
        self._reads = 0
        self.up = False

    @property
    def in_the_way(self) -> bool:
        """Whether it slows down code that reads the memories a lot."""
        return self._reads > _MANY

    def raise_(self) -> None:
        """Put it up, if it is down; not from within an access."""
        if not self.up:
            self._set(up=True)

    def lower(self) -> None:
        """Take it down, if it is up; not from within an access."""
        if self.up:
            self._set(up=False)

    def _set(self, *, up: bool) -> None:
        self.up = up
        self._reads = 0
        for origin, _ in self._places:
            self._core.bar(origin, on=up)
        if up:
            self._hooks = self._core.watch_reads(self._places, self._read)
        else:
            self._core.unwatch_reads(self._hooks)

    def _read(self) -> None:
        self._reads += 1
        self._on_read()
