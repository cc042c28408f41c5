"""A counter's file under the twin's core, as the machine puts it there."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.cycles.counter import CycleCounter
    from hil.emulator.twin.core import Core


@contextmanager
def counted(core: Core, counter: CycleCounter) -> Iterator[None]:
    """Count into a counter's file meanwhile; booked at the end, and the core is gone then."""
    with mmap.mmap(counter.fd, 0) as file:
        view = ctypes.c_uint8.from_buffer(file)
        try:
            assert core.count(ctypes.addressof(view))
            yield
            core.book()
        finally:
            core.close()
            del view
