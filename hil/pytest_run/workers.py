"""Boards and the workers of pytest-xdist: emulated boards are many, a board that is attached has one worker.

Workers share nothing but the ids of their tests. Each test on a board has the board's name in its id, so the process
that hands tests out can keep those of one board together. It does so with a scheduler of its own: groups
(``xdist_group``) are heeded with ``--dist loadgroup`` only, and silently not at all from pytest 9.2 on with xdist 3.8
(pytest-xdist issue 1386). There the promises about one run are kept together by their ids as well, so that its vectors
are run once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from hil.case import SUFFIX
from hil.errors import HilError, InputError
from hil.pytest_run.collect import needs_board
from hil.pytest_run.promise_item import PromiseItem
from hil.pytest_run.state import STATE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hil.dut.bench import Bench

_TOLD: Final = "hil_attached"  # in what a worker is started with
_PARAMETERS: Final = re.compile(r"\[(.*)\](?:@[^\]]*)?$")
_PROMISE: Final = re.compile(rf"^(.*{re.escape(SUFFIX)})::[^\[]*(\[.*\])(?:@[^\]]*)?$")
_SIMULATED: Final = re.compile(rf"{re.escape(SUFFIX)}::harvest\[")
_ATTACHED: pytest.StashKey[list[str]] = pytest.StashKey()


def find_attached(config: pytest.Config) -> None:
    """In the process that hands tests out: find which of the boards asked for are attached.

    Where no option of hil was given this may be a run without boards, and none is looked for: see `refuse_shared`.

    Raises:
        InputError: every worker was to run every test.
    """
    state = config.stash[STATE]
    config.stash[_ATTACHED] = []
    dist: str = config.getoption("dist", "no")
    if dist == "no" or not config.getoption("tx", None) or not state.options.asked:
        return
    found = [name for name in state.options.boards if _is_attached(state.bench, name)]
    if found and dist == "each":
        raise InputError(
            f"board '{found[0]}' is attached once, and --dist each has every worker run on it",
            hint="leave --dist each out",
        )
    config.stash[_ATTACHED] = found


def tell_worker(config: pytest.Config, workerinput: dict[str, Any]) -> None:
    """In the process that hands tests out: tell a worker the boards that it will not have to share."""
    workerinput[_TOLD] = config.stash[_ATTACHED]


def make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What hands tests out so that one worker gets those on one attached board, or, in groups, those about one run.

    None where no board is attached and nobody asked for groups.
    """
    attached = config.stash[_ATTACHED]
    grouped = config.getoption("dist") == "loadgroup"
    if not attached and not grouped:
        return None
    from xdist import scheduler  # type: ignore[import-untyped] # noqa: PLC0415 - who has no xdist does not come here

    bases = {"loadscope": scheduler.LoadScopeScheduling, "loadfile": scheduler.LoadFileScheduling}
    base: Any = bases.get(config.getoption("dist"), scheduler.LoadGroupScheduling)

    class BoardScheduling(base):  # type: ignore[misc]
        """One unit of work for each attached board; in groups, one for each run; all else as without."""

        def _split_scope(self, nodeid: str) -> str:
            together = board_in(nodeid, attached) or (run_in(nodeid) if grouped else None)
            return together or str(super()._split_scope(nodeid))

    return BoardScheduling(config, log)


def board_in(nodeid: str, names: Iterable[str]) -> str | None:
    """Which of these boards a test's id names among its parameters; of ``board`` and ``my-board`` the longer.

    None where it opens none: a promise on harvested power is simulated.
    """
    found = None if _SIMULATED.search(nodeid) else _PARAMETERS.search(nodeid)
    parameters = f"-{found[1]}-" if found else ""
    return next((name for name in sorted(names, key=len, reverse=True) if f"-{name}-" in parameters), None)


def run_in(nodeid: str) -> str | None:
    """Which run a test is a promise about, by its id: the case file, board and vectors; None where it is no promise."""
    found = _PROMISE.match(nodeid)
    return f"{found[1]}{found[2]}" if found else None


def refuse_shared(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker: refuse to open an attached board that other workers may open as well."""
    told: list[str] | None = getattr(config, "workerinput", {}).get(_TOLD)
    if told is None:
        return
    bench = config.stash[STATE].bench
    shared = {name: item.nodeid for item in items if (name := _board_of(item)) and board_in(item.nodeid, told) != name}
    for name, nodeid in shared.items():
        if name in told:
            hint = f"the id of test {nodeid} must have '{name}' among its parameters"
        else:
            hint = f"ask for it by --board {name}, and one worker gets all of its tests; or leave -n out"
        if name in told or _is_attached(bench, name):
            bench.refuse(
                name, InputError(f"board '{name}' is attached once, and several workers could open it", hint=hint)
            )


def _is_attached(bench: Bench, name: str) -> bool:
    """Whether there is one board for all workers, instead of one that each can power; also where that is not known."""
    from hil.dut.selection import select  # noqa: PLC0415 - brings pyOCD, which runs without a board need not wait for

    try:
        selection = select(bench.board(name), bench.options)
    except HilError:
        return True  # whoever opens it is told why
    return selection.shared


def _board_of(item: pytest.Item) -> str | None:
    """The board that a test runs on, if any."""
    if not needs_board(item):
        return None
    if isinstance(item, PromiseItem):
        return item.subject.board
    name = item.callspec.params.get("board") if hasattr(item, "callspec") else None
    return name if isinstance(name, str) else None
