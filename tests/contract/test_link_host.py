"""The whole link as users have it: AgentClient, a pty and the agent as a process under sanitizers."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import serial

from hil.emulator.native import NativeBoard
from hil.errors import LinkError, RigError, TargetFault
from hil.frame import PROTOCOL_VERSION
from hil.image import memory_bytes
from hil.link.client import AgentClient
from tests.contract import mixing
from tests.contract.faults import RandomFaults
from tests.contract.proxies import FaultyPty, TcpPort

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.build import Artefact

MODEL = mixing.image(14, 6, 4, padding=5000)


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return mixing.host_agent(tmp_path_factory.mktemp("mixing"))


@pytest.fixture
def native(artefact: Artefact) -> Iterator[NativeBoard]:
    with NativeBoard(artefact.elf) as board:
        yield board
        assert not board.report()


def client(path: str, timeout_s: float = 2.0) -> AgentClient:
    return AgentClient(path, board_name="host", baud=0, timeout_s=timeout_s)


def test_identity(artefact: Artefact, native: NativeBoard) -> None:
    with client(native.serial_path) as agent:
        identity = agent.identify()
        assert identity.board_name == "host"
        assert identity.build_id == artefact.build_id
        assert (identity.protocol_version, identity.ltc_version) == (PROTOCOL_VERSION, "3.0.0")
        assert identity.arena_bytes == 0x10000
        assert identity.slot_bytes == 0x100000
        assert identity.payload_bytes >= 4 + 4 * 256
        payload = os.urandom(identity.payload_bytes)
        assert agent.echo(payload) == payload


def test_a_long_run_on_a_sound_link(native: NativeBoard) -> None:
    inputs, elapsed = mixing.sequence(3000, 6)
    states, outputs = mixing.run(MODEL, inputs, elapsed)
    with client(native.serial_path) as agent:
        assert agent.load_image(MODEL).neurons == 14
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries == 0
        agent.reset_state()
        result = agent.run(inputs, elapsed, want_states=False)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries == 0


def test_fits_ram_is_what_the_agent_accepts(native: NativeBoard) -> None:
    with client(native.serial_path) as agent:
        identity = agent.identify()
        for neurons, outputs in ((1, 1), (7, 3), (64, 64)):
            memory, values = memory_bytes(neurons, 0), neurons + outputs
            sizes = range(identity.arena_bytes, 0, -1)
            largest = next(size for size in sizes if identity.fits_ram(size, memory, values))
            agent.load_image(mixing.image(neurons, 1, outputs, padding=largest - 24))
            with pytest.raises(TargetFault, match=r"NO_ROOM|IMAGE_RANGE"):
                agent.load_image(mixing.image(neurons, 1, outputs, padding=largest - 23))


def test_image_in_the_slot(artefact: Artefact, tmp_path: Path) -> None:
    model = mixing.image(200, 3, 2, padding=300_000)
    inputs, elapsed = mixing.sequence(20, 3)
    states, _ = mixing.run(model, inputs, elapsed)
    slot = tmp_path / "slot.bin"
    slot.write_bytes(model)
    with NativeBoard(artefact.elf, slot=slot) as board, client(board.serial_path) as agent:
        agent.open_flash_image(len(model), zlib.crc32(model))
        assert np.array_equal(agent.run(inputs, elapsed).states, states)
        with pytest.raises(TargetFault, match="IMAGE_CRC"):
            agent.open_flash_image(len(model) - 1, zlib.crc32(model))


def test_faults_on_a_real_pty_cost_time_and_no_number(native: NativeBoard) -> None:
    inputs, elapsed = mixing.sequence(15_000, 6)
    states, outputs = mixing.run(MODEL, inputs, elapsed)
    up, down = RandomFaults(1, 0.15), RandomFaults(2, 0.15)
    with FaultyPty(native.serial_path, up, down) as proxy, client(proxy.path, timeout_s=0.15) as agent:
        agent.load_image(MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert np.array_equal(result.outputs, outputs)
        assert result.retries > 200
        assert agent.retries >= result.retries
    assert up.faults + down.faults > 500


def test_a_proxy_without_faults_needs_no_repair(native: NativeBoard) -> None:
    inputs, elapsed = mixing.sequence(2000, 6)
    with FaultyPty(native.serial_path) as proxy, client(proxy.path) as agent:
        agent.load_image(MODEL)
        assert agent.run(inputs, elapsed).retries == 0


def test_a_second_client_finds_what_a_killed_one_left(native: NativeBoard) -> None:
    """Half a frame to the agent, unread answers to the host: the next session works from the start."""
    inputs, elapsed = mixing.sequence(500, 6)
    states, _ = mixing.run(MODEL, inputs, elapsed)
    with client(native.serial_path) as agent:
        agent.load_image(MODEL)
        agent.run(inputs, elapsed)
    fd = os.open(native.serial_path, os.O_RDWR | os.O_NOCTTY)
    os.write(fd, b"\x05\x01\x02" * 30)
    os.close(fd)
    with client(native.serial_path) as agent:
        agent.load_image(MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)


def test_a_frozen_agent_is_reported_in_time(native: NativeBoard) -> None:
    inputs, elapsed = mixing.sequence(50, 6)
    with client(native.serial_path, timeout_s=0.2) as agent:
        agent.load_image(MODEL)
        assert native.pid is not None
        os.kill(native.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            with pytest.raises(LinkError, match=r"board 'host' does not answer on /dev/.*last heard reply IMAGE_OPEN"):
                agent.run(inputs, elapsed)
            assert time.monotonic() - begun < 10
            native.check(0.0)
        finally:
            os.kill(native.pid, signal.SIGCONT)


def test_a_sanitizer_report_becomes_the_cause(tmp_path: Path) -> None:
    defect = ("agent/agent.c", "request->words, request->length)", "request->words, request->length + 2000u)")
    with (
        NativeBoard(mixing.host_agent(tmp_path, defect).elf) as board,
        client(board.serial_path, timeout_s=0.2) as agent,
    ):
        with pytest.raises(LinkError):
            agent.echo(b"?")
        with pytest.raises(TargetFault, match="the native agent stopped with exit code") as caught:
            board.check()
    assert "AddressSanitizer: global-buffer-overflow" in str(caught.value)
    assert "frame.c" in str(caught.value)


def test_ports_that_cannot_be_opened(native: NativeBoard, tmp_path: Path) -> None:
    with pytest.raises(RigError, match="there is no port /dev/nonesuch"), client("/dev/nonesuch"):
        pass
    with (
        client(native.serial_path),
        pytest.raises(RigError, match="in use by another program"),
        client(native.serial_path),
    ):
        pass
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with (
        pytest.raises(RigError, match=f"port socket://127.0.0.1:{port} cannot be opened"),
        client(f"socket://127.0.0.1:{port}"),
    ):
        pass
    plain = tmp_path / "file"
    plain.write_bytes(b"")
    with pytest.raises(RigError, match="cannot be opened"), client(str(plain)):
        pass


def test_a_port_without_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(address: str, **_options: object) -> None:
        raise serial.SerialException(errno.EACCES, f"could not open port {address}")

    monkeypatch.setattr(serial, "serial_for_url", refuse)  # root, as in a container, is refused nothing
    with pytest.raises(RigError, match="no permission to open port /dev/ttyACM0") as caught, client("/dev/ttyACM0"):
        pass
    assert "dialout" in str(caught.value)


def test_a_port_that_goes_away(artefact: Artefact) -> None:
    inputs, elapsed = mixing.sequence(200_000, 6)
    with NativeBoard(artefact.elf) as board, client(board.serial_path, timeout_s=0.2) as agent:
        agent.load_image(MODEL)
        assert board.pid is not None
        os.kill(board.pid, signal.SIGKILL)
        with pytest.raises(LinkError, match=r"went away while it was in use|does not answer"):
            agent.run(inputs, elapsed)
        with pytest.raises(TargetFault, match="exit code -9"):
            board.check()


def test_over_a_tcp_socket(native: NativeBoard) -> None:
    inputs, elapsed = mixing.sequence(1000, 6)
    states, _ = mixing.run(MODEL, inputs, elapsed)
    with TcpPort(native.serial_path) as port, client(port.url) as agent:
        agent.load_image(MODEL)
        result = agent.run(inputs, elapsed)
        assert np.array_equal(result.states, states)
        assert result.retries == 0


def test_the_agent_dies_with_a_killed_parent(artefact: Artefact) -> None:
    script = (
        "import sys, os, signal\n"
        "from pathlib import Path\n"
        "from hil.emulator.native import NativeBoard\n"
        "with NativeBoard(Path(sys.argv[1])) as board:\n"
        "    print(board.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script, str(artefact.elf)], capture_output=True, text=True, check=False, timeout=60
    )
    with contextlib.suppress(ProcessLookupError):
        agent = os.pidfd_open(int(parent.stdout))
        assert select.select([agent], [], [], 10)[0], "the agent lives on"
        os.close(agent)
