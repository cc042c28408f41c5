"""Who answers the engine's accesses to what is no plain memory; what they raise does not get lost in C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError
from hil.emulator.twin.layout import Device, OnRead, OnWrite

if TYPE_CHECKING:
    from collections.abc import Callable

_BUS_ERROR: Final = -1
_GIVE_UP: Final = -2


class Devices:
    """Those of one core.

    Args:
        attach: tells the engine of one; False where it has no room.
    """

    def __init__(self, attach: Callable[[Device], bool]) -> None:
        self._attach = attach
        self._devices: list[Device] = []  # they live as long as this does
        self._raised: BaseException | None = None

    def add(
        self,
        origin: int,
        size: int,
        read: Callable[[int, int], int] | None,
        write: Callable[[int, int, int], bool],
    ) -> None:
        """Have accesses answered.

        Args:
            origin: first address.
            size: in bytes.
            read: offset and size to value; None for a bus error.
            write: offset, size and value; False for a bus error.

        Raises:
            MachineError: there is no room for more.
        """

        def on_read(offset: int, size: int) -> int:
            try:
                return _BUS_ERROR if read is None else read(offset, size)
            except BaseException as error:  # noqa: BLE001 # it must not get lost in C
                return self._give_up(error)

        def on_write(offset: int, size: int, value: int) -> int:
            try:
                return 0 if write(offset, size, value) else _BUS_ERROR
            except BaseException as error:  # noqa: BLE001 # as above
                return self._give_up(error)

        device = Device(origin, size, OnRead(on_read), OnWrite(on_write))
        self._devices.append(device)
        if not self._attach(device):
            raise MachineError(f"the twin has no room for registers at 0x{origin:08x}")

    def _give_up(self, error: BaseException) -> int:
        self._raised = error
        return _GIVE_UP

    def raise_it(self) -> None:
        """Raise what one of them has raised since this was called last, if any did."""
        raised, self._raised = self._raised, None
        if raised is not None:
            raise raised

    def clear(self) -> None:
        """The engine is gone."""
        self._devices.clear()
