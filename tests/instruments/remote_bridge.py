"""A bridge in a process of its own: for drivers that must run where LD_PRELOAD is set.

As a program it opens the bridge of its arguments and does what is asked of it on stdin; RemoteBridge is the other side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hil import errors
from hil.errors import HilError
from hil.link.spi.opening import open_bridge

if TYPE_CHECKING:
    from collections.abc import Mapping

_REPO = Path(__file__).resolve().parents[2]
_EXIT_S = 5.0


class RemoteBridge:
    """A bridge that another process has opened; its errors are raised here as they were there."""

    def __init__(
        self, address: str, *, clock_hz: int, mode: int, select_s: float = 0.0, environment: Mapping[str, str]
    ) -> None:
        self.address = address
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__, address, str(clock_hz), str(mode), str(select_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_REPO,
            env=os.environ | {"PYTHONPATH": str(_REPO)} | environment,
            text=True,
        )
        try:
            self.clock_hz: int = self._answer()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def exchange(self, data: bytes) -> bytes:
        return bytes.fromhex(self._ask({"exchange": data.hex()}))

    def data_ready(self) -> bool | None:
        ready: bool | None = self._ask({"data_ready": None})
        return ready

    def close(self) -> None:
        """End the process, which closes the bridge; may be called twice."""
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.close()
        assert self._child.wait(_EXIT_S) == 0
        self._child.stdout.close()

    def _ask(self, question: dict[str, str | None]) -> Any:
        assert self._child.stdin
        print(json.dumps(question), file=self._child.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Any:
        assert self._child.stdout
        line = self._child.stdout.readline()
        assert line, "the process has ended"
        said = json.loads(line)
        if "error" in said:
            kind = getattr(errors, said["error"])
            raise kind(said["message"], cause=said["cause"], hint=said["hint"])
        return said["value"]


def _serve(address: str, clock_hz: str, mode: str, select_s: str) -> None:
    with open_bridge(address, clock_hz=int(clock_hz), mode=int(mode), select_s=float(select_s)) as bridge:
        _say({"value": bridge.clock_hz})
        for line in sys.stdin:
            question = json.loads(line)
            try:
                if "exchange" in question:
                    _say({"value": bridge.exchange(bytes.fromhex(question["exchange"])).hex()})
                else:
                    _say({"value": bridge.data_ready()})
            except HilError as error:
                _refuse(error)


def _refuse(error: HilError) -> None:
    _say({"error": type(error).__name__, "message": error.message, "cause": error.cause, "hint": error.hint})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        _serve(*sys.argv[1:])
    except HilError as error:
        _refuse(error)
