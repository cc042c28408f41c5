"""An emulated UART answers after every reset, however late its program makes it ready."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build
from hil.emulator.power import power
from hil.flash import FlashSession
from hil.link.client import AgentClient

if TYPE_CHECKING:
    from pathlib import Path

RESETS = 12


@pytest.mark.parametrize("name", ["microbit", "nucleo-l031"])
def test_bytes_that_wait_for_the_uart_are_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    board = load_board(name)
    artefact = build(board)
    assert artefact.hex is not None
    with power(board) as powered, FlashSession(board, powered.probe_uid) as session:
        session.program(artefact.hex)
        for _ in range(RESETS):
            session.reset()
            with AgentClient(powered.serial_path, board_name=name, timeout_s=0.3) as client:
                assert client.identify().build_id == artefact.build_id
