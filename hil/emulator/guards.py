"""Refusals that every emulated board words alike: it has no power, or its core runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hil.emulator.machine import CoreState, MachineError

if TYPE_CHECKING:
    from hil.emulator.machine import MachineSpec, Status


def require_power(spec: MachineSpec, status: Status) -> None:
    """Refuse what needs power.

    Raises:
        MachineError: the board has none.
    """
    if status.state is CoreState.OFF:
        detail = f": {status.detail}" if status.detail else ""
        raise MachineError(f"emulated board {spec.board} has no power{detail}")


def require_halted(spec: MachineSpec, status: Status) -> None:
    """Refuse what needs a core that stands still.

    Raises:
        MachineError: it runs, has locked up, or is without power.
    """
    if status.state is not CoreState.HALTED:
        raise MachineError(f"the core of {spec.board} must be halted, it is {status.state.value}")
