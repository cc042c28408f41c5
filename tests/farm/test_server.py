"""A probe behind a network: served whatever becomes of each client, and asked for no longer than is said."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from pyocd.core.exceptions import ProbeDisconnected, ProbeError
from pyocd.core.helpers import ConnectHelper

import hil.dut.opening  # noqa: F401 - brings pyOCD, which loads hil.probe.emulated by itself
from hil.board import load_board
from hil.commands.console import make_console
from hil.commands.serve import serve
from hil.dut.options import DutOptions
from hil.dut.realised import realise
from hil.dut.selection import Selection
from hil.emulator.power import power
from hil.errors import RigError
from hil.probe import remote
from hil.probe.emulated import EmulatedProbe
from hil.probe.lock import IMPATIENT, ProbeLock
from hil.probe.remote import RemoteProbe
from hil.probe.server import serve_probe
from tests.farm.lab import running

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """HOST:PORT of the served probe of an emulated board."""
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with power(load_board("nucleo-l031")) as powered, serve_probe(EmulatedProbe.of(powered), "127.0.0.1", 0) as port:
        yield f"127.0.0.1:{port}"


def test_a_client_that_was_killed_leaves_nothing_locked(served: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_ANSWER_S", 3.0)
    killed = RemoteProbe(served)
    killed.open()
    killed.connect()
    killed.lock()
    killed._socket._socket.close()
    following = RemoteProbe(served)
    following.open()
    following.connect()
    following.lock()  # pyOCD's own server never answers this
    assert following.behind == "emulated:nucleo-l031"
    following.unlock()
    following.disconnect()
    following.close()
    assert not following.is_open


def test_a_second_client_is_refused_while_there_is_one(served: str) -> None:
    first, second = RemoteProbe(served), RemoteProbe(served)
    first.open()
    with pytest.raises(ProbeError, match="the probe is in use by a client at localhost"):
        second.open()
    assert not second.is_open
    assert first.behind == "emulated:nucleo-l031"
    first.close()
    second.open()
    assert second.behind == "emulated:nucleo-l031"
    second.close()


def test_an_emulated_board_behind_a_probe_that_was_named_is_not_told_as_hardware(served: str) -> None:
    selection = Selection("hardware", emulated=False, probe=f"remote:{served}", port="socket://127.0.0.1:1")
    unbuilt = SimpleNamespace(elf=Path("agent.elf"))
    words = (
        f"probe 'remote:{served}' is 'emulated:nucleo-l031', an emulated board: what it gives is not told as hardware"
    )
    opened = realise(load_board("nucleo-l031"), unbuilt, selection, DutOptions(), lambda _: None)
    with pytest.raises(RigError, match=words), opened:
        pass


@contextmanager
def answering(*answers: bytes) -> Iterator[str]:
    """A server that gives one client these answers, one for each request, then hangs up; empty: it says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                for answer in answers:
                    client.recv(4096)
                    client.sendall(answer)
                if not answers:
                    done.wait(10)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        done.set()
        thread.join()


def test_a_server_that_hangs_up_is_not_waited_for() -> None:
    good = b'{"id": 0, "status": 0}\n'
    with answering(good, good) as address:
        probe = RemoteProbe(address)
        probe.open()
        with pytest.raises(ProbeDisconnected, match=f"the server of the probe at {address} has gone"):
            probe.set_clock(1000)
        for then in (lambda: probe.read_dp(0), probe.lock, probe.unlock):
            with pytest.raises(ProbeDisconnected, match="has gone"):
                then()
        assert not probe.is_open
        probe.close()


def test_a_server_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_ANSWER_S", 0.2)
    with answering() as address:
        probe = RemoteProbe(address)
        with pytest.raises(ProbeDisconnected, match=r"has not answered for 0\.2 s"):
            probe.open()


def test_nobody_serves_there() -> None:
    with pytest.raises(ProbeError, match=r"there is no server of a probe at remote:127\.0\.0\.1:1 .*refused"):
        RemoteProbe("127.0.0.1:1").open()
    with pytest.raises(RigError, match="names no probe"):
        RemoteProbe("nowhere")


def test_a_port_that_is_taken(served: str) -> None:
    port = int(served.partition(":")[2])
    probe = EmulatedProbe(load_board("nucleo-l031"), "2")
    with pytest.raises(RigError, match=f"a probe cannot be served on 127.0.0.1:{port}"):
        serve_probe(probe, "127.0.0.1", port).__enter__()


def test_a_board_that_nobody_keeps_powered_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with pytest.raises(RigError, match=r"no emulated board 'nucleo-l031\.2' is powered") as caught:
        serve("emulated:nucleo-l031.2", "127.0.0.1", 0, make_console())
    assert caught.value.hint == "hil emulate nucleo-l031.2"
    with pytest.raises(RigError, match="no debug probe with uid 'nowhere' is attached"):
        serve("nowhere", "127.0.0.1", 0, make_console())


def test_a_probe_that_a_run_has_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LOCK_DIR", str(tmp_path))
    plugged = [SimpleNamespace(unique_id="066DFF30")]
    monkeypatch.setattr(ConnectHelper, "get_all_connected_probes", lambda **_: plugged)
    with (
        ProbeLock("066DFF30", "nucleo-l031", IMPATIENT),
        pytest.raises(RigError, match="probe 066DFF30 is in use by process"),
    ):
        serve("066D", "127.0.0.1", 0, make_console())


def test_hil_serve_serves_a_board_that_hil_emulate_keeps(tmp_path: Path) -> None:
    environ = {"HIL_STATE_DIR": str(tmp_path)}
    hil = (sys.executable, "-m", "hil")
    with running((*hil, "emulate", "nucleo-l031.2"), cwd=tmp_path, environ=environ) as board:
        board.line("Ctrl-C")
        command = (*hil, "serve", "emulated:nucleo-l031.2", "--tcp", "0")
        with running(command, cwd=tmp_path, environ=environ) as server:
            probe = RemoteProbe(server.line(r"is served on localhost:(\d+)").expand(r"localhost:\1"))
            probe.open()
            assert probe.behind == "emulated:nucleo-l031.2"
            server.process.terminate()
            assert server.process.wait(10) == 0
