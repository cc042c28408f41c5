"""An Otii server with its devices on a TCP port: JSON lines as otii-tcp-client 1.0.13 sends and documents them."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.power.instruments.source import Source

_RATES = {"Arc": 4_000, "Ace": 50_000, "Simulator": 4_000}
_JOIN_S = 5.0
_MOST_COUNT = 40_000
"""Of samples in one answer; above, the server refuses."""


class Refused(Exception):
    """Args: error code of the answer, and its data."""


@dataclass
class OtiiServer:
    """Attributes:
    source: what each device measures.
    devices: names and types.
    record_s: how long each recording lasts.
    licence: whether one is reserved.
    refuse: by command, the error that it is answered with.
    answer: by command, raw bytes in place of an answer; None for none at all.
    hang_up_at: the command at which it closes the connection.
    missing: samples that a recording lacks.
    bytewise: whether it sends byte for byte, as TCP may.
    begin_s: time of the recording's first sample.
    """

    source: Source
    devices: tuple[tuple[str, str], ...] = (("Äce", "Ace"),)
    record_s: float = 0.1
    licence: bool = True
    refuse: dict[str, str] = field(default_factory=dict)
    answer: dict[str, bytes | None] = field(default_factory=dict)
    hang_up_at: str = ""
    missing: int = 0
    bytewise: bool = False
    begin_s: float = 0.0
    connected: bool = True
    high_range: bool = False
    gain: float = 1.0
    interval_gain: float = 1.0

    port: int = 0
    commands: list[str] = field(default_factory=list)
    enabled: set[str] = field(default_factory=set)
    voltage_V: float = 0.0
    powered: bool = False
    recording: bool = False
    recorded: bool = False
    error: BaseException | None = None
    _project: int = 0

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="otii server", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_JOIN_S)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while True:
                try:
                    peer, _ = self._listener.accept()
                except OSError:
                    return
                with peer:
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._serve(peer)
        except (BrokenPipeError, ConnectionResetError):
            return
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def _serve(self, peer: socket.socket) -> None:
        hello = {"otii_version": "3.5.5", "protocol_version": "0.1", "server": "otii-server"}
        self._send(peer, {"type": "information", "info": "connected", "data": hello})
        unread = b""
        while data := peer.recv(65_536):
            *lines, unread = (unread + data).split(b"\r\n")
            for line in lines:
                request = json.loads(line)
                command = request["cmd"]
                self.commands.append(command)
                if command == self.hang_up_at:
                    return
                if command in self.answer:
                    peer.sendall(self.answer[command] or b"")
                    continue
                self._send(peer, {"type": "progress", "cmd": command, "progress_value": 0.5})
                self._send(peer, self._reply(request))

    def _send(self, peer: socket.socket, message: dict[str, Any]) -> None:
        data = json.dumps(message, ensure_ascii=False).encode() + b"\r\n"
        if self.bytewise:
            for byte in data:
                peer.sendall(bytes((byte,)))
        else:
            peer.sendall(data)

    def _reply(self, request: dict[str, Any]) -> dict[str, Any]:
        command = request["cmd"]
        reply = {"cmd": command, "trans_id": request["trans_id"]}
        try:
            return {**reply, "type": "response", "data": self._do(command, request.get("data", {}))}
        except Refused as refused:
            code, data = refused.args
            return {**reply, "type": "error", "errorcode": code, "data": data}

    def _do(self, command: str, data: dict[str, Any]) -> Any:
        if command in self.refuse:
            raise Refused(self.refuse[command], {"message": "no"})
        handler: Callable[..., Any] = getattr(self, f"_{command}")
        return handler(**data)

    def _otii_has_license(self, license_type: str) -> dict[str, Any]:
        assert license_type == "Automation"
        return {"has_license": self.licence}

    def _otii_get_devices(self, timeout: int) -> dict[str, Any]:
        assert timeout <= 10
        return {
            "devices": [
                {"device_id": f"{kind}{number}", "name": name, "type": kind}
                for number, (name, kind) in enumerate(self.devices)
            ]
        }

    def _otii_create_project(self) -> dict[str, Any]:
        self._project += 1
        return {"project_id": self._project}

    def _arc_get_version(self, device_id: str) -> dict[str, Any]:
        self._kind(device_id)
        return {"hw_version": "2.0", "fw_version": "1.1.4"}

    def _arc_add_to_project(self, device_id: str) -> dict[str, Any]:
        self._kind(device_id)
        return {}

    def _arc_enable_channel(self, device_id: str, channel: str, enable: bool) -> dict[str, Any]:
        self._kind(device_id)
        assert enable is True
        self.enabled.add(channel)
        return {}

    def _arc_set_main_voltage(self, device_id: str, value: float) -> dict[str, Any]:
        self._kind(device_id)
        self.voltage_V = value
        return {}

    def _arc_set_main(self, device_id: str, enable: bool) -> dict[str, Any]:
        self._kind(device_id)
        self.powered = enable
        return {}

    def _arc_is_connected(self, device_id: str) -> dict[str, Any]:
        self._kind(device_id)
        return {"connected": self.connected}

    def _arc_get_range(self, device_id: str) -> dict[str, Any]:
        self._kind(device_id)
        return {"range": "high" if self.high_range else "low"}

    def _project_start_recording(self, project_id: int) -> dict[str, Any]:
        assert project_id == self._project
        self.recording = True
        return {}

    def _project_stop_recording(self, project_id: int) -> dict[str, Any]:
        assert project_id == self._project
        assert self.recording
        self.recording, self.recorded = False, True
        return {}

    def _project_get_last_recording(self, project_id: int) -> dict[str, Any]:
        assert project_id == self._project
        if not self.recorded:
            return {"recording_id": -1}
        return {"recording_id": 7, "name": "Recording 1", "start-time": "2026-11-29T11:00:00.000Z"}

    def _project_close(self, project_id: int, force: bool) -> dict[str, Any]:
        assert project_id == self._project
        assert force
        return {}

    def _recording_delete(self, recording_id: int) -> dict[str, Any]:
        assert recording_id == 7
        return {}

    def _recording_get_channel_info(self, recording_id: int, device_id: str, channel: str) -> dict[str, Any]:
        self._check(recording_id, channel)
        rate = _RATES[self._kind(device_id)]
        return {"offset": 0.0, "from": self.begin_s, "to": self.begin_s + self.record_s, "sample_rate": rate}

    def _recording_get_channel_data_count(self, recording_id: int, device_id: str, channel: str) -> dict[str, Any]:
        self._check(recording_id, channel)
        if channel == "mc":
            return {"count": round(self.record_s * _RATES[self._kind(device_id)]) - self.missing}
        return {"count": len(self._changes(device_id, channel))}

    def _recording_get_channel_data(
        self, recording_id: int, device_id: str, channel: str, index: int, count: int
    ) -> dict[str, Any]:
        self._check(recording_id, channel)
        if channel != "mc":
            return {"data_type": "digital", "values": self._changes(device_id, channel)[index : index + count]}
        if count > _MOST_COUNT:
            raise Refused("Request too large", {"read_size": str(count), "max_size": _MOST_COUNT})
        rate = _RATES[self._kind(device_id)]
        values = [self.source.current_A((index + number) / rate) * self.gain for number in range(count)]
        begin_s = self.begin_s + index / rate
        return {"data_type": "analog", "timestamp": begin_s, "interval": self.interval_gain / rate, "values": values}

    def _changes(self, device_id: str, channel: str) -> list[dict[str, Any]]:
        """Sampled as the current is."""
        rate = _RATES[self._kind(device_id)]
        name = {"i1": "GPI1", "i2": "GPI2"}[channel]
        levels = [self.source.mark(name, number / rate) for number in range(round(self.record_s * rate))]
        return [
            {"timestamp": self.begin_s + number / rate, "value": level}
            for number, level in enumerate(levels)
            if number and level != levels[number - 1]
        ]

    def _check(self, recording_id: int, channel: str) -> None:
        assert recording_id == 7
        if channel not in self.enabled:
            raise Refused("Command failure", {"message": f"{channel} was not recorded"})

    def _kind(self, device_id: str) -> str:
        if not self.connected and device_id:
            return device_id.rstrip("0123456789")
        for number, (_, kind) in enumerate(self.devices):
            if device_id == f"{kind}{number}":
                return kind
        raise Refused("Device not connected", {"device_id": device_id})
