"""Stock gdb and pyOCD in the firmware itself, on the twin, while the host streams steps to it."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import numpy as np
from intelhex import IntelHex

from hil.board import load_board
from hil.build import build
from hil.link.client import AgentClient
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors
from hil.work import Work
from tests.contract.test_pyocd_commands import emulate, gdb, gdbserver, pyocd

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAME, TARGET = "nucleo-l031", "stm32l031x6"
STEPS = 200


def test_gdb_stops_in_ltc_step_and_the_run_goes_on_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    artefact = build(load_board(NAME))
    networks = examples_dir() / "networks"
    model = load_model(networks / "tiny_dense.model.npz")
    work = Work.make(model, load_vectors(networks / "tiny_dense.vectors.npz", model))
    found: list[np.ndarray] = []
    pyocd("flash", "-u", f"emulated:{NAME}", "-t", TARGET, str(artefact.hex))
    with emulate(NAME) as printed:
        path = re.search(r"/dev/\S+", printed)
        assert path is not None

        def stream() -> None:
            with AgentClient(path[0], board_name=NAME, timeout_s=20) as client:
                client.load_image(work.converted.image)
                found.append(client.run(work.inputs[0][:STEPS], work.elapsed[0][:STEPS], state=work.state0).states)

        host = threading.Thread(target=stream)
        with gdbserver(NAME, TARGET) as port:
            host.start()
            output = gdb(
                port,
                artefact.elf,
                "break ltc_step",
                "continue",
                'printf "IN %d\\n", $pc - (unsigned)&ltc_step < 16',
                "backtrace 2",
                "stepi",
                "stepi",
                "next",
                "continue",
                'printf "AGAIN %d\\n", $pc - (unsigned)&ltc_step < 16',
                "delete",
                "watch received_tail",
                "continue",
                'printf "VECTOR %x\\n", *(int *)0x08000000',
                "delete",
                "finish",
                "detach",
            )
        host.join(60)
    assert "IN 1\n" in output, output
    assert "AGAIN 1\n" in output, output
    assert re.search(r"#1 .* in (call|do_step|agent_\w+|\w*step\w*)", output), output
    # pyOCD does not say that it was a watchpoint; where it stopped does: in the only function that writes it.
    assert re.search(r"Hardware watchpoint 2: received_tail\s.*SIGTRAP[^\n]*\nport_read ", output, re.DOTALL), output
    vector = IntelHex(str(artefact.hex)).tobinarray(start=0x08000000, size=4)
    assert f"VECTOR {int.from_bytes(bytes(vector), 'little'):x}\n" in output, output
    assert np.array_equal(found[0], work.golden_states[0][:STEPS])
