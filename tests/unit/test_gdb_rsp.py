"""The RSP client against a scripted stub at the other end of a socket pair."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from hil.emulator.gdb.gdb_rsp import (
    GdbClosedError,
    GdbRemote,
    GdbReplyError,
    decode_payload,
    encode_packet,
    is_stop_reply,
)
from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stub:
    """Answers requests from a table; keeps what it was asked."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.requests: list[bytes] = []
        self.answers: dict[bytes, list[bytes]] = {}
        self.default = b"OK"
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        received = b""
        while data := self.sock.recv(65536):
            received += data
            while (start := received.find(b"$")) >= 0 and len(received) >= (end := received.find(b"#", start)) + 3 > 2:
                body = received[start + 1 : end]
                assert int(received[end + 1 : end + 3], 16) == sum(body) & 0xFF
                received = received[end + 3 :]
                self.requests.append(body)
                self.sock.sendall(b"+")
                for answer in self.answers.get(body, [encode_packet(self.default)]):
                    self.sock.sendall(answer)


@pytest.fixture
def stub_and_remote() -> Iterator[tuple[Stub, GdbRemote]]:
    near, far = socket.socketpair()
    stub = Stub(far)
    remote = GdbRemote(near, timeout_s=0.3)
    yield stub, remote
    remote.close()
    stub.thread.join(timeout=5)
    assert not stub.thread.is_alive()
    far.close()


@pytest.mark.parametrize(
    ("payload", "packet"),
    [(b"g", b"$g#67"), (b"", b"$#00"), (b"a#b", b"$a}\x03b#43"), (b"$}*", b"$}\x04}]}\x0a#e2")],
)
def test_packets_are_framed_and_escaped(payload: bytes, packet: bytes) -> None:
    assert encode_packet(payload) == packet
    body = packet[1:-3]
    assert decode_payload(body) == payload
    assert sum(body) & 0xFF == int(packet[-2:], 16)


def test_run_length_encoding_is_undone() -> None:
    assert decode_payload(b"0* ab*!") == b"0000abbbbb"


def test_request_returns_the_answer(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"qC"] = [encode_packet(b"QC01")]
    assert remote.request(b"qC") == b"QC01"


def test_error_answers_are_raised_with_the_request(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"m30000000,4"] = [encode_packet(b"E14")]
    with pytest.raises(GdbReplyError, match=r"E14.*m30000000,4"):
        remote.read_memory(0x30000000, 4)


def test_a_damaged_packet_is_asked_for_again(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"?"] = [b"$T05#00", b"$T05#zz", encode_packet(b"T05")]
    assert remote.request(b"?") == b"T05"


def test_only_damaged_packets_end_in_an_error(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"?"] = [b"$T05#00"] * 3
    with pytest.raises(MachineError, match="damaged packet 3 times"):
        remote.request(b"?")


def test_silence_ends_in_an_error(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"?"] = []
    with pytest.raises(MachineError, match=r"did not answer within 0\.3 s"):
        remote.request(b"?")


def test_a_packet_in_pieces_is_put_together(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    packet = encode_packet(b"00112233")
    stub.answers[b"m0,4"] = [packet[at : at + 1] for at in range(len(packet))]
    assert remote.read_memory(0, 4) == bytes.fromhex("00112233")


def test_memory_goes_in_chunks_the_stub_accepts(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    data = bytes(range(256)) * 20
    remote.write_memory(0x20000000, data)
    written = {}
    for request in stub.requests:
        head, _, text = request.partition(b":")
        assert len(request) < 4096
        address, size = (int(part, 16) for part in head[1:].split(b","))
        written[address] = bytes.fromhex(text.decode())
        assert len(written[address]) == size
    assert b"".join(written[at] for at in sorted(written)) == data
    assert min(written) == 0x20000000

    stub.answers = {b"m%x,%x" % (at, len(part)): [encode_packet(part.hex().encode())] for at, part in written.items()}
    assert remote.read_memory(0x20000000, len(data)) == data


def test_registers_are_little_endian(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"g"] = [encode_packet(b"78563412" + b"ffffffff")]
    assert remote.read_registers() == (0x12345678, 0xFFFFFFFF)
    remote.write_register(25, 0x01000000)
    assert stub.requests[-1] == b"P19=00000001"


def test_monitor_output_is_put_together(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"qRcmd," + b"info x".hex().encode()] = [
        encode_packet(b"O" + b"line 1\n".hex().encode()),
        encode_packet(b"O" + b"line 2\n".hex().encode()),
        encode_packet(b"OK"),
    ]
    assert remote.monitor("info x") == "line 1\nline 2\n"


def test_handshake_reads_every_part_of_the_description(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    first = b'<target><xi:include href="core.xml"/>'
    second = b'<xi:include href="system.xml"/></target>'
    prefix = b"qXfer:features:read:"
    stub.default = b"l<feature/>"
    stub.answers[prefix + b"target.xml:0,7c0"] = [encode_packet(b"m" + first)]
    stub.answers[prefix + b"target.xml:%x,7c0" % len(first)] = [encode_packet(b"l" + second)]
    remote.handshake()
    asked = [request.split(b":")[3] for request in stub.requests if request.startswith(prefix)]
    assert asked == [b"target.xml", b"target.xml", b"core.xml", b"system.xml"]


def test_pending_takes_no_acknowledgement_for_a_packet(stub_and_remote: tuple[Stub, GdbRemote]) -> None:
    stub, remote = stub_and_remote
    stub.answers[b"c"] = []
    remote.send(b"c")
    remote_sees_ack = threading.Event()
    while not remote_sees_ack.is_set():  # until the "+" is there
        assert not remote.pending()
        if remote._received == b"+":
            remote_sees_ack.set()
    stub.sock.sendall(encode_packet(b"T05thread:01;"))
    while not remote.pending():
        pass
    assert is_stop_reply(remote.receive())
    assert not remote.pending()


def test_the_end_of_the_stub_is_noticed() -> None:
    near, far = socket.socketpair()
    remote = GdbRemote(near)
    far.close()
    assert remote.pending()
    with pytest.raises(GdbClosedError):
        remote.receive()
    with pytest.raises(GdbClosedError):
        remote.request(b"?")
    remote.close()
