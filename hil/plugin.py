"""pytest hooks and fixtures; what they do is in :mod:`hil.pytest_run`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from hil.interrupt import Hold

with Hold() as _hold:
    from hil.case import SUFFIX
    from hil.errors import HilError, RigError
    from hil.pytest_run.collect import HilFile, needs_board
    from hil.pytest_run.header import model_lines
    from hil.pytest_run.notes import take_notes
    from hil.pytest_run.options import add_options, forget_report, read_options
    from hil.pytest_run.promise_item import PromiseItem
    from hil.pytest_run.reporter import Reporter
    from hil.pytest_run.state import STATE, State
    from hil.pytest_run.telling import tell_now
    from hil.pytest_run.workers import find_attached, make_scheduler, refuse_shared, tell_worker
    from hil.report.explain import explain, verdict_of
    from hil.report.spelling import as_in_pytest
_hold.leave()

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from hil.board import Board
    from hil.dut.dut import Dut
    from hil.power.meter import Meter


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    add_options(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Until pytest takes care of Ctrl-C itself it would show a trace; conftest files may import for seconds."""
    with Hold() as hold:
        forget_report(early_config.known_args_namespace)
        yield
    hold.leave()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Boards are let go and the summary is printed, which pytest does not guard against Ctrl-C either."""
    with Hold() as hold:
        yield
    if hold.interrupted:
        session.exitstatus = pytest.ExitCode.INTERRUPTED


def pytest_configure(config: pytest.Config) -> None:
    """Check the options and make the run's state; opens nothing."""
    try:
        options = read_options(config)
    except HilError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from error
    config.stash[STATE] = State(options, partial(tell_now, config))
    config.add_cleanup(config.stash[STATE].end.close)  # early, so that it is called after the clean-up of others
    try:
        find_attached(config)
    except HilError as error:
        raise pytest.UsageError(as_in_pytest(str(error))) from error
    config.pluginmanager.register(
        Reporter(config.stash[STATE], is_worker=hasattr(config, "workerinput")), "hil.pytest_run.reporter"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Before a worker of xdist starts."""
    tell_worker(node.config, node.workerinput)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """How xdist hands tests out."""
    return make_scheduler(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Close every DUT, also where the run was interrupted; nothing is left then for Ctrl-C to end."""
    state = config.stash.get(STATE, None)
    if state is not None:
        state.end.enter_context(Hold())
        state.bench.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """What the run is made with, where boards were asked for by name."""
    state = config.stash[STATE]
    return state.announce() if state.options.boards_chosen and not config.option.collectonly else []


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """The same, where it is the collected tests that ask for a board; and the networks of their cases."""
    wanted = not config.option.collectonly and any(needs_board(item) for item in items)
    return [*config.stash[STATE].announce(), *model_lines(items)] if wanted else []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect ``*.hil.yaml``."""
    return HilFile.from_parent(parent, path=file_path) if file_path.name.endswith(SUFFIX) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for ``board``, ``dut`` or ``meter`` once for each board."""
    if "board" in metafunc.fixturenames and not _chooses_itself(metafunc):
        boards = metafunc.config.stash[STATE].options.boards
        metafunc.parametrize("board", boards, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look after boards that workers of xdist would share."""
    refuse_shared(config, items)


def _chooses_itself(metafunc: pytest.Metafunc) -> bool:
    """Whether the test has a ``board`` parameter of its own."""
    marks = metafunc.definition.iter_markers("parametrize")
    names = [mark.args[0] if mark.args else mark.kwargs.get("argnames", ()) for mark in marks]
    return any("board" in (name.replace(",", " ").split() if isinstance(name, str) else name) for name in names)


@pytest.fixture(scope="session")
def board(request: pytest.FixtureRequest) -> Board:
    """The board under test; a test that asks for it runs once for each ``--board``."""
    return request.config.stash[STATE].bench.board(request.param)


@pytest.fixture(scope="session")
def dut(request: pytest.FixtureRequest, board: Board) -> Dut:
    """The opened DUT: board, firmware, probe and link; one for the whole run and board."""
    return request.config.stash[STATE].bench.dut(board.name)


@pytest.fixture(scope="session")
def meter(request: pytest.FixtureRequest, board: Board) -> Meter:
    """The open current analyzer of the DUT; a test that asks for it is skipped where there is none."""
    state = request.config.stash[STATE]
    found = state.bench.dut(board.name).meter if state.options.dut.meter else None
    if found is not None:
        return found
    reason = f"no current source on board '{board.name}': no analyzer was named with --hil-meter"
    if state.options.strict:
        raise RigError(reason, hint="leave --hil-strict out to have it reported as not measured")
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note figures and the verdict class on the report; a HilError is told by its sentence, without a trace."""
    state = item.config.stash[STATE]
    result = None if isinstance(item, PromiseItem) else state.note_results(item)
    if call.excinfo is not None:
        item.user_properties.append(("hil_verdict", verdict_of(call.excinfo)))
        if isinstance(call.excinfo.value, HilError) and call.excinfo.value.post_mortem:
            item.user_properties.append(("hil_post_mortem", "\n".join(call.excinfo.value.post_mortem)))
    report = yield
    if call.excinfo is not None:
        explain(report, call.excinfo)
    if isinstance(item, PromiseItem) and isinstance(report.longrepr, tuple):
        line = item.subject.case.line_of(item.subject.promise)
        report.longrepr = (str(item.path), line, report.longrepr[2])  # a skip stands in the case file, not in hil
    take_notes(item, report, state, result)
    return report
