"""The process that speaks to a labgrid coordinator, and holds one place: ``python keeper.py ARGUMENTS`` (JSON).

labgrid keeps a place for whoever acquired it until somebody releases it: also for a process that was killed. So this
process holds it on behalf of the one that started it, and releases it when that one's end of standard input closes, by
whatever end. It is a file of its own, with nothing of hil: the Python that has labgrid need not be the one that has
hil (docs/adr/0017-farm.md).

Arguments: ``coordinator`` (HOST:PORT), ``connect_s`` (bound on reaching it), ``pid`` (the process to hold for), and
``places`` and ``wait_s`` (the places of which to hold one, in order, and how long to wait until one is free). Without
``places`` it only lists. On standard output it writes messages, one JSON object a line, each with the key ``kind``:

* ``places``: what there is, see `_facts`; the only one of a listing;
* ``waiting``: every place is taken; ``holders`` has the name of each one's holder by place;
* ``held``: one is held; ``place`` has its facts;
* ``taken``: none became free in time; ``holders`` as above;
* ``unreachable``, ``refused``: the coordinator does not answer, or refuses; ``why`` has its words;
* ``lost``: the place that was held is not what it was; ``why`` is the end of a sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from getpass import getuser
from pathlib import Path
from socket import gethostname
from typing import Any

import grpc
from labgrid.remote.client import ClientSession
from labgrid.remote.generated import labgrid_coordinator_pb2 as messages

_MARK = ".hil-"
_RELEASE_S = 10.0


def _say(kind: str, **facts: Any) -> None:
    with suppress(OSError):  # whoever started this may be gone
        sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
        sys.stdout.flush()


def _processes() -> str:
    """What sees the same process ids as this one does: containers with one host name do not share theirs."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


def _user(pid: int) -> str:
    return f"{getuser()}{_MARK}{_processes()}-{pid}-{os.getpid()}"


def _is_left_over(holder: str) -> bool:
    """Whether a place is held for a process of this computer that has ended, with its keeper: both were killed."""
    host, _, user = holder.partition("/")
    _, _, ids = user.rpartition(_MARK)
    processes, pid, _ = (*ids.split("-"), "", "")[:3]
    if host != gethostname() or processes != _processes() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


class _Session(ClientSession):  # type: ignore[misc]
    """A session that says when anything has changed."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.changed = asyncio.Event()

    async def on_place_changed(self, place_pb2: Any) -> None:
        await super().on_place_changed(place_pb2)
        self.changed.set()

    async def on_place_deleted(self, name: str) -> None:
        await super().on_place_deleted(name)
        self.changed.set()

    async def on_resource_changed(self, exporter: str, group_name: str, resource_name: str, resource: Any) -> None:
        await super().on_resource_changed(exporter, group_name, resource_name, resource)
        self.changed.set()


def _facts(session: _Session, name: str) -> dict[str, Any]:
    """A place: its tags, who holds it, and the resources that are its own now, by what the place calls them."""
    place = session.places[name]
    resources = []
    for exporter, groups in sorted(session.resources.items()):
        for group, entries in sorted(groups.items()):
            for resource, entry in sorted(entries.items()):
                if not entry.data.get("cls"):
                    continue  # it is gone
                path = (exporter, group, entry.cls, resource)
                if (match := place.getmatch(path)) is None:
                    continue
                if place.acquired and list(path) not in place.acquired_resources:
                    continue
                resources.append(
                    {
                        "name": match.rename or resource,
                        "cls": entry.cls,
                        "exporter": exporter,
                        "params": entry.args,
                        "available": entry.avail,
                    }
                )
    return {
        "name": name,
        "tags": dict(place.tags),
        "holder": place.acquired or "",
        "reserved": bool(place.reservation),
        "resources": resources,
    }


class _Keeper:
    """One session with a coordinator, and what is done in it."""

    def __init__(self, session: _Session, arguments: dict[str, Any]) -> None:
        self._session = session
        self._places: list[str] = arguments["places"]
        self._wait_s: float = arguments["wait_s"]
        self._asked_for = ""
        self._me = f"{session.gethostname()}/{session.getuser()}"

    async def hold(self) -> None:
        """Hold one of the places until this task is cancelled or the place is lost."""
        try:
            name = await self._acquire()
            if name is None:
                return
            await self._session.sync_with_coordinator()
            held = _facts(self._session, name)
            _say("held", place=held)
            wanted = {(each["exporter"], each["name"]) for each in held["resources"]}
            while not (why := self._lost(name, wanted)):
                await self._change()
            _say("lost", why=why)
            await asyncio.Event().wait()  # it is this process' still, as far as anybody knows, until its holder ends
        finally:
            if self._asked_for:
                request = messages.ReleasePlaceRequest(placename=self._asked_for, fromuser=self._me)
                with suppress(grpc.aio.AioRpcError, TimeoutError):
                    await asyncio.wait_for(self._session.stub.ReleasePlace(request), _RELEASE_S)

    async def _acquire(self) -> str | None:
        """Take the first place that is free, waiting for one if need be; None where none became free in time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._wait_s
        said = False
        while True:
            for name in self._places:
                if await self._try(name):
                    return name
            left = end - loop.time()
            holders = self._holders()
            if left <= 0:
                _say("taken", holders=holders)
                return None
            if not said:
                _say("waiting", holders=holders)
                said = True
            with suppress(TimeoutError):
                await asyncio.wait_for(self._change(), left)
            if self._session.stopping.is_set():
                _say("unreachable", why="it went away while a place was waited for")
                return None

    async def _try(self, name: str) -> bool:
        place = self._session.places.get(name)
        if place is None:
            return False
        if place.acquired and _is_left_over(place.acquired):
            request = messages.ReleasePlaceRequest(placename=name, fromuser=place.acquired)
            with suppress(grpc.aio.AioRpcError):
                await self._session.stub.ReleasePlace(request)
                await self._session.sync_with_coordinator()
        if place.acquired:
            return False
        self._asked_for = name  # from here on it may be held, also where the answer is not awaited any more
        try:
            await self._session.stub.AcquirePlace(messages.AcquirePlaceRequest(placename=name))
        except grpc.aio.AioRpcError:
            self._asked_for = ""
            return False  # another was faster, it is reserved, or one of its resources is taken or broken
        return True

    def _holders(self) -> dict[str, str]:
        """By each place that is there, who holds it; empty for one that is free and yet could not be had."""
        places = self._session.places
        return {name: places[name].acquired or "" for name in self._places if name in places}

    async def _change(self) -> None:
        """Until anything changes, or the coordinator goes away."""
        self._session.changed.clear()
        waits = [asyncio.ensure_future(each.wait()) for each in (self._session.changed, self._session.stopping)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _lost(self, name: str, wanted: set[tuple[str, str]]) -> str:
        """How the place that is held was lost; empty while it was not."""
        if self._session.stopping.is_set():
            return "the coordinator has gone"
        place = self._session.places.get(name)
        if place is None:
            return "the place was deleted"
        if place.acquired != self._me:
            return f"it was taken by {place.acquired}" if place.acquired else "it was released by somebody else"
        there = {(each["exporter"], each["name"]) for each in _facts(self._session, name)["resources"]}
        if gone := sorted(wanted - there):
            exporter, resource = gone[0]
            return f"exporter '{exporter}' has gone, with {resource}"
        return ""


async def _until_holder_ends(pid: int) -> None:
    """Until standard input closes, the process that is held for ends, or a signal says so."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(OSError):  # a child that the holder forked may keep the pipe open: its own end counts
        loop.add_reader(os.pidfd_open(pid), ended.set)

    def read() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            ended.set()

    loop.add_reader(sys.stdin.fileno(), read)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()


async def _serve(session: _Session, arguments: dict[str, Any]) -> None:
    try:
        await asyncio.wait_for(session.channel.channel_ready(), arguments["connect_s"])
    except TimeoutError:
        _say("unreachable", why=f"it does not answer within {arguments['connect_s']:g} s")
        return
    try:
        await asyncio.wait_for(session.start(), arguments["connect_s"])
        if "places" not in arguments:
            _say("places", places=[_facts(session, name) for name in sorted(session.places)])
            return
        holding = _Keeper(session, arguments).hold()
        work = [asyncio.ensure_future(each) for each in (holding, _until_holder_ends(arguments["pid"]))]
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
    except Exception as error:  # noqa: BLE001 - whatever labgrid raises: the holder says it in a sentence
        _say("refused", why=f"{type(error).__name__}: {error}")
    finally:
        session.stopping.set()
        await session.stop()


async def _main(arguments: dict[str, Any]) -> None:
    session = _Session(arguments["coordinator"], asyncio.get_running_loop())
    try:
        await _serve(session, arguments)
    finally:
        await session.close()


if __name__ == "__main__":
    _arguments = json.loads(sys.argv[1])
    os.environ["LG_USERNAME"] = _user(_arguments["pid"])
    os.environ["LG_HOSTNAME"] = gethostname()
    asyncio.run(_main(_arguments))
