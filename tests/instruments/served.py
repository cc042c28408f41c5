"""A simulated instrument's thread: it serves until its `with` ends, and what it raised is raised there."""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from typing import Self

_JOIN_S = 5.0


class Served(ABC):
    """Serves in a thread of its own.

    Args:
        name: the thread's.

    Attributes:
        error: what was raised while it served; raised again at the end of the `with`.
    """

    def __init__(self, name: str) -> None:
        self._wake, self._woken = os.pipe()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._woken, b"x")
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive()
        for descriptor in (self._wake, self._woken):
            os.close(descriptor)
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error
        finally:
            self._release()

    @abstractmethod
    def _serve(self) -> None:
        """Until `_wake` is readable, or it is unplugged."""

    @abstractmethod
    def _release(self) -> None:
        """Close what its clients hold the other end of."""
