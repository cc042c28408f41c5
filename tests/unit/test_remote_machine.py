"""A request to a supervisor that was given up: its late answer is never taken for that of another."""

from __future__ import annotations

import socket

import pytest

from hil.emulator.machine import MachineError
from hil.emulator.remote import RemoteMachine


def test_after_a_request_that_was_given_up_no_answer_is_believed() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        machine = RemoteMachine(ours, "microbit", timeout_s=0.05)
        with pytest.raises(MachineError, match="does not answer"):
            machine.halt()
        with pytest.raises(MachineError, match="was interrupted; power it again"):
            machine.status()
