"""A chip of the twin on which something never becomes ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hil.emulator.twin.stm32l031.rcc import LSION, Rcc

if TYPE_CHECKING:
    import pytest


def lsi_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """LSIRDY of an STM32L031 stays 0."""
    starts = Rcc._starts

    def but_lsi(rcc: Rcc, register: str, on: int, *rest: Any, **how: Any) -> None:
        if (register, on) != ("CSR", LSION):
            starts(rcc, register, on, *rest, **how)

    monkeypatch.setattr(Rcc, "_starts", but_lsi)
