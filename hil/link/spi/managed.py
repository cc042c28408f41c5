"""A bridge is closed at the end of its `with`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class ManagedBridge(ABC):
    """What all bridges do the same way."""

    @abstractmethod
    def close(self) -> None:
        """Release the bridge; may be called twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
