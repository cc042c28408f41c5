"""The places of a coordinator, and one of them held: the near end of `hil.farm.keeper`."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from hil.errors import BoardGoneError, HilError, RigError
from hil.farm.labgrid_python import labgrid_python
from hil.farm.place import Place, name_holder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from hil.farm.address import FarmAddress

_KEEPER: Final = Path(__file__).with_name("keeper.py")
_CONNECT_S: Final = 5.0
_START_S: Final = 30.0  # of a Python that imports labgrid, and of an exporter that starts a server for each port
_END_S: Final = 15.0
_LAST_WORDS_S: Final = 1.0


def list_places(farm: FarmAddress) -> list[Place]:
    """The places of a farm, by name.

    Raises:
        RigError: its coordinator cannot be asked.
    """
    with _keeper(farm, {}) as keeper:
        return [Place.of(each) for each in keeper.expect("places", _START_S)["places"]]


@contextmanager
def hold_place(
    farm: FarmAddress, places: Sequence[str], *, wait_s: float, tell: Callable[[str], None]
) -> Iterator[HeldPlace]:
    """Hold one of some places; it is released at the end, and when this process ends, by whatever end.

    Args:
        farm: where they are.
        places: their names, of which any will do.
        wait_s: how long to wait until one is free; 0 fails at once.
        tell: called with a sentence before it waits.

    Raises:
        RigError: none became free in time, or the coordinator cannot be asked.
    """
    with _keeper(farm, {"places": list(places), "wait_s": wait_s}) as keeper:
        message = keeper.next(_START_S)
        if message["kind"] == "waiting":
            tell(f"{_all_taken(farm, message['holders'])}; waiting for one to be free, at most {wait_s:g} s")
            message = keeper.next(wait_s + _START_S)
        if message["kind"] == "taken":
            held = [name for name, holder in message["holders"].items() if holder]
            raise RigError(
                _all_taken(farm, message["holders"]) + (f", and none became free in {wait_s:g} s" if wait_s else ""),
                hint=f"if a holder is gone: labgrid-client -x {farm.coordinator} -p {held[0]} release --kick"
                if held
                else f"'labgrid-client -x {farm.coordinator} -v places' tells what holds its resources",
            )
        yield HeldPlace(keeper, Place.of(keeper.checked(message, "held")["place"]))


class HeldPlace:
    """A place that is held. Made by `hold_place`.

    Attributes:
        place: as it was when it was acquired.
    """

    def __init__(self, keeper: _Keeper, place: Place) -> None:
        self._keeper = keeper
        self.place = place

    def check(self) -> None:
        """Raise BoardGoneError where the place is not held any more, or its exporter has gone."""
        if why := self._keeper.trouble():
            raise BoardGoneError(
                f"place '{self.place.name}' was lost in the middle of the run: {why}",
                hint="what was measured since is not told; run again",
            )

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Whatever fails in here fails for a place that was lost meanwhile, where it was."""
        try:
            yield
        except HilError as error:
            try:
                self.check()
            except BoardGoneError as gone:
                gone.cause = error.message
                raise gone from error
            raise


def _all_taken(farm: FarmAddress, holders: Mapping[str, str]) -> str:
    if not holders:
        return f"the place is not at the farm {farm.coordinator} any more"
    words = ", ".join(
        f"'{name}' by {name_holder(holder)}"
        if holder
        else f"'{name}' by its reservation, or a resource of it by another"
        for name, holder in sorted(holders.items())
    )
    which = "the only place that fits is" if len(holders) == 1 else f"all {len(holders)} places that fit are"
    return f"{which} taken at the farm {farm.coordinator}: {words}"


class _Keeper:
    """A running `hil.farm.keeper`, and its messages."""

    def __init__(self, farm: FarmAddress, process: subprocess.Popen[bytes], messages: IO[bytes]) -> None:
        self._farm = farm
        self._process = process
        self._messages = messages
        self._data = b""
        self._trouble = ""

    def expect(self, kind: str, timeout_s: float) -> dict[str, Any]:
        """The next message, which must be of a kind."""
        return self.checked(self.next(timeout_s), kind)

    def checked(self, message: dict[str, Any], kind: str) -> dict[str, Any]:
        """The same message, where it is of a kind."""
        if message["kind"] != kind:
            raise self._error(message)
        return message

    def next(self, timeout_s: float) -> dict[str, Any]:
        """The next message.

        Raises:
            RigError: none comes.
        """
        end = time.monotonic() + timeout_s
        while b"\n" not in self._data:
            if not self._read(max(0.0, end - time.monotonic())):
                raise self._error({"kind": "silent", "why": self._last_words()})
        line, _, self._data = self._data.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def trouble(self) -> str:
        """What has happened to the place since it was held; empty for nothing. Does not wait."""
        while not self._trouble and self._read(0.0):
            if b"\n" in self._data:
                self._trouble = str(json.loads(self._data.partition(b"\n")[0])["why"])
        if not self._trouble and self._process.poll() is not None:
            self._trouble = "the process that held it was ended"
        return self._trouble

    def _read(self, timeout_s: float) -> bool:
        """Read on; false where nothing comes in time, or no more ever."""
        if self._process.stdout is None or not select.select([self._process.stdout], [], [], timeout_s)[0]:
            return False
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        self._data += data
        return bool(data)

    def _last_words(self) -> str:
        """What a keeper that has ended wrote to standard error last."""
        try:
            self._process.wait(_LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            return ""
        self._messages.seek(0)
        lines = self._messages.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _error(self, message: Mapping[str, Any]) -> RigError:
        if message["kind"] == "unreachable":
            return _unreachable(self._farm, message["why"])
        coordinator = self._farm.coordinator
        return RigError(f"no answer of the labgrid coordinator at {coordinator}", cause=message.get("why") or None)


def _unreachable(farm: FarmAddress, why: str) -> RigError:
    return RigError(
        f"the labgrid coordinator at {farm.coordinator} cannot be reached",
        cause=why,
        hint=f"'labgrid-client -x {farm.coordinator} places' must answer; labgrid before 25.0 speaks otherwise",
    )


def _check_reachable(farm: FarmAddress) -> None:
    """Find out at once, and in the system's own words, what gRPC tries again and again until its time is up."""
    host, _, port = farm.coordinator.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
    except OSError as error:
        raise _unreachable(farm, str(error)) from error


@contextmanager
def _keeper(farm: FarmAddress, arguments: Mapping[str, Any]) -> Iterator[_Keeper]:
    """Start a keeper; in the end it has released what it held, and has ended."""
    _check_reachable(farm)
    said = {"coordinator": farm.coordinator, "connect_s": _CONNECT_S, "pid": os.getpid(), **arguments}
    with tempfile.TemporaryFile() as messages:
        # In a session of its own Ctrl-C passes it by; -P: it finds no module beside itself.
        process = subprocess.Popen(
            [labgrid_python(), "-P", str(_KEEPER), json.dumps(said)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            start_new_session=True,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        )
        try:
            yield _Keeper(farm, process, messages)
        finally:
            try:
                process.communicate(timeout=_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
