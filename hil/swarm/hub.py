"""The hub: sleeps until a node's data-ready line rises, reads that node, and has each of its reports exactly once."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from hil.dut.answering import check_identity
from hil.errors import HilError, RigError, TargetFault
from hil.frame import Command, wire_bytes
from hil.link.agent import Agent
from hil.link.refusal import Refusal
from hil.link.session import Session
from hil.link.spi.wire import PACE_BAUD, SpiWire
from hil.link.watch import ReportBox, Totals, WatchPlan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hil.link.agent import Identity
    from hil.link.spi.bridge import Bridge
    from hil.swarm.world import World

_TIMEOUT_S: Final = 0.5
_REPORT_HEAD_BYTES: Final = 9  # number, sequence and step, status
_FUTILE: Final = 8  # wake-ups in a row without anything new, of either kind
_PAUSE_S: Final = 2e-3  # behind the second of them; then twice as long each time
_LISTENS: Final = 64  # in one of them
_SLOWEST: Final = 1.5  # the nodes' timer counts an oscillator of 37 kHz that may have 26 (DS10668, LSI; recalled)
_MARGIN_S: Final = 2.0


@dataclass(frozen=True)
class NodeSetup:
    """What the hub has to know of a node.

    Attributes:
        name: of the node.
        board_name: for messages.
        board_hz: clock of its core.
        build_id: of its firmware.
        image_bytes: length of the image in its slot, and ``image_crc`` its CRC-32.
        values: most words that a report carries beside number and place.
        epoch: where its session begins; without it anywhere.
    """

    name: str
    board_name: str
    board_hz: int
    build_id: str
    image_bytes: int
    image_crc: int
    values: int
    epoch: int | None = None


@dataclass
class HubNode:
    """A node that the hub is connected to.

    Attributes:
        setup: what it was told.
        agent: the client.
        wire: its share of the bus.
        clock_hz: of SCK, as the bridge makes it.
        identity: what it says of itself.
        box: its reports.
        begun_s: when the watch began, and ``ended_s`` when its last report was there.
        before: bytes and transactions on the bus until the watch began.
    """

    setup: NodeSetup
    agent: Agent
    wire: SpiWire
    clock_hz: int
    identity: Identity
    box: ReportBox = field(default_factory=ReportBox)
    begun_s: float = 0.0
    ended_s: float = 0.0
    before: tuple[int, int] = (0, 0)
    _room: int = 0
    _acknowledged: int = 0
    _steps: int = 1  # of a sequence
    _deadline_s: float = 0.0
    _futile_high: int = 0  # wake-ups in a row that brought nothing: its line was high
    _futile_low: int = 0  # its line was low at its deadline, and it had something

    @property
    def bus_bytes(self) -> int:
        """Clocked since the watch began."""
        return self.wire.clocked_bytes - self.before[0]

    @property
    def transactions(self) -> int:
        """Since the watch began."""
        return self.wire.transactions - self.before[1]

    def begin(self, plan: WatchPlan, now: Callable[[], float]) -> None:
        """Have it watch."""
        self.box = ReportBox()
        self._room = self.agent.watch(plan, self.box)
        self._acknowledged = self._futile_high = self._futile_low = 0
        self._steps = plan.steps
        self.before = (self.wire.clocked_bytes, self.wire.transactions)
        self.begun_s = now()
        self._deadline_s = self.begun_s + plan.sequences * plan.steps * plan.period_ms / 1e3 * _SLOWEST + _MARGIN_S

    @property
    def deadline_s(self) -> float:
        """When its last report must be there."""
        return self._deadline_s

    @property
    def pause_s(self) -> float:
        """For how long its line need not be looked at: longer each time that nothing came."""
        futile = self._futile_high + self._futile_low
        return _PAUSE_S * 2 ** (futile - 2) if futile > 1 else 0.0

    def serve(self, now: float, *, ready: bool) -> Totals | None:
        """Its line is high, or its deadline has passed: take what it has; returns its totals where that was all.

        Raises:
            TargetFault: it has stopped, restarted, or not finished in time.
            LinkError: it does not answer.
            RigError: its line is high, and it has nothing to tell; or low, and it has.
        """
        before = self.box.taken
        acknowledges = before - self._acknowledged >= self._room // 2
        if acknowledges:
            self._acknowledge(again=False)  # in the transaction that reads the next report: the node is awake
        else:
            frames, damaged = self._listen() if ready else (0, False)
            if damaged or self.box.gap or not frames:
                latest = self._acknowledge(again=True)  # they come behind the answer: its line will rise
                if not ready and latest == self.box.taken:
                    self._check_ended()
                self._deadline_s = max(self._deadline_s, now + _MARGIN_S)
        totals = self.box.ended
        if totals is not None:
            self._check_steps()
            return totals
        if self.box.taken > before or acknowledges:
            self._futile_high = self._futile_low = 0
        else:
            self._count_futile(ready=ready)
        return None

    def _count_futile(self, *, ready: bool) -> None:
        """Nothing has come: look again somewhat later, but not for ever."""
        self._futile_high += ready
        self._futile_low += not ready
        if self._futile_high == _FUTILE:
            raise RigError(
                f"its data-ready line was high {_FUTILE} times in a row, and nothing came that it had to tell",
                hint="is the line connected to this node's pin and to nothing else, and is its MISO not disturbed?",
            )
        if self._futile_low == _FUTILE:
            raise RigError(
                f"its data-ready line was low {_FUTILE} times in a row when it should have told something: "
                "it says that it has reports, and none came",
                hint="is the line connected to this node's pin, and is its MISO not disturbed?",
            )

    def _check_steps(self) -> None:
        """Its runtime has refused none."""
        if self.box.refused is not None:
            status, detail = self.box.refused
            sequence, step = divmod(detail >> 8, self._steps)
            where = f" at sequence {sequence}, step {step}"
            raise Refusal(self.setup.board_name, Command.WATCH, status, detail, where=where)

    def _check_ended(self) -> None:
        """It says that it has told all so far."""
        if not self.box.complete:
            raise TargetFault(
                f"it has not ended its watch in time: it has told {self.box.taken} reports, and no last one",
                hint="its timer is too slow, or its steps take longer than period_ms",
            )

    def _acknowledge(self, *, again: bool) -> int:
        """Tell it what has come; number of the latest that it has."""
        taken = self.box.taken
        latest = self.agent.take_reports(taken, again=again)
        self._acknowledged = taken
        return latest

    def _listen(self) -> tuple[int, bool]:
        """Read all that the node says it has: how many frames came, and whether there was damage."""
        frames, damaged = 0, False
        for _ in range(_LISTENS):
            count, bad = self.agent.listen()
            frames, damaged = frames + count, bad  # a frame may have ended in the second of two transactions
            if not self.wire.expects:
                break
        return frames, damaged


class Books(Protocol):
    """Whoever is told of each node, by its name: the hub is about to have it watch, it watches, it has told all."""

    def begins(self, name: str) -> None:
        """The hub is about to have it watch."""

    def begun(self, name: str) -> None:
        """It watches."""

    def ended(self, name: str) -> None:
        """It has told its last."""


class Hub:
    """The hub on one bus.

    Args:
        world: the bus and its time.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def connect(self, setup: NodeSetup) -> HubNode:
        """Get to know a node, and open its network.

        Raises:
            HilError: it does not answer, another firmware does, or not as it should; the message names the node.
        """
        with naming(setup.name):
            bridge = self._world.bridge(setup.name)
            agent, wire = open_agent(
                bridge,
                setup.board_name,
                setup.board_hz,
                clock=self._world.now,
                wait=self._world.wait,
                random_bits=secrets.randbits if setup.epoch is None else _fixed(setup.epoch),
            )
            identity = agent.identify()
            check_identity(
                identity,
                board_name=setup.board_name,
                build_id=setup.build_id,
                hint="does the bridge of the nodes file lead to the board of its probe?",
            )
            agent.open_flash_image(setup.image_bytes, setup.image_crc)
            wire.guess_bytes = wire_bytes(_REPORT_HEAD_BYTES + 4 * setup.values)
            return HubNode(setup, agent, wire, bridge.clock_hz, identity)

    def run(self, plans: Iterable[tuple[HubNode, WatchPlan]], books: Books) -> dict[str, Totals]:
        """Have nodes watch one after the other, and take what they tell, until each has told its last.

        Those that watch are served while the others still begin, so that none waits longer than for one of them.

        Args:
            plans: the nodes, and what each is to do.
            books: told what happens.

        Returns:
            What each has told at its end.

        Raises:
            HilError: a node refuses, or failed; the message names it.
        """
        ended: dict[str, Totals] = {}
        waiting: dict[str, HubNode] = {}
        for node, plan in plans:
            name = node.setup.name
            with naming(name):
                books.begins(name)
                node.begin(plan, self._world.now)
                books.begun(name)
                waiting[name] = node
                self._watch_for(node)
            while self._world.due():
                self._serve_next(waiting, ended, books)
        while waiting:
            self._serve_next(waiting, ended, books)
        return ended

    def _serve_next(self, waiting: dict[str, HubNode], ended: dict[str, Totals], books: Books) -> None:
        name, ready = self._world.next()
        node = waiting[name]
        with naming(name):
            totals = node.serve(self._world.now(), ready=ready)
            if totals is None:
                self._watch_for(node)
                return
            node.ended_s = self._world.now()
        ended[name] = totals
        del waiting[name]
        books.ended(name)

    def _watch_for(self, node: HubNode) -> None:
        settled = max(node.wire.settled_at, self._world.now() + node.pause_s)
        self._world.watch_for(node.setup.name, settled, node.deadline_s)


def open_agent(
    bridge: Bridge,
    board_name: str,
    board_hz: int,
    *,
    clock: Callable[[], float],
    wait: Callable[[float], None],
    random_bits: Callable[[int], int] = secrets.randbits,
) -> tuple[Agent, SpiWire]:
    """Begin a session with whatever answers on a bridge, which stays open behind it.

    Args:
        bridge: open.
        board_name: for messages.
        board_hz: clock of the board's core.
        clock: monotonic time in seconds.
        wait: lets so many seconds pass.
        random_bits: see `Session`.

    Raises:
        LinkError: nobody, or something else, answers.
    """
    wire = SpiWire(bridge, board_name, board_hz=board_hz, clock=clock, wait=wait)
    agent = Agent(board_name)
    agent.attach(Session(wire, board_name, baud=PACE_BAUD, timeout_s=_TIMEOUT_S, clock=clock, random_bits=random_bits))
    return agent, wire


def _fixed(epoch: int) -> Callable[[int], int]:
    """The same bits each time: a swarm of twins has no other session to meet."""
    return lambda bits: epoch & ((1 << bits) - 1)


@contextmanager
def naming(node: str) -> Iterator[None]:
    """For work with a node: what goes wrong says which one it was, and stays what it is."""
    try:
        yield
    except HilError as error:
        error.message = f"node '{node}': {error.message}"
        raise
