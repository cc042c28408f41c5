"""The part of the plugin that lives as long as one run: counts outcomes, sets the exit code, prints the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.errors import HilError, RigError
from hil.report.explain import entry_of
from hil.report.json_file import SESSION_FILE, session_json, write_json
from hil.report.noted import noted_on
from hil.report.spelling import told_in_pytest
from hil.report.terminal import summary_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.pytest_run.state import State
    from hil.report.tally import Tally


def session_code(code: int, tally: Tally, expired: Sequence[str]) -> int:
    """A run's exit code.

    Args:
        code: pytest's own.
        tally: the outcomes.
        expired: sentences about quarantines of its boards that ended.

    Returns:
        10 where nothing but the rig failed; 1 where all is well but a quarantine ended; else pytest's own.
    """
    if code == pytest.ExitCode.TESTS_FAILED and tally.nothing_but_rig_errors:
        return RigError.exit_code
    return pytest.ExitCode.TESTS_FAILED if expired and code == pytest.ExitCode.OK else code


class Reporter:
    """Hooks over one run's state.

    Args:
        state: the run's.
        is_worker: this process is an xdist worker; its controller reports.
    """

    def __init__(self, state: State, *, is_worker: bool) -> None:
        self._state = state
        self._is_worker = is_worker

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count the outcome."""
        entry = entry_of(report)
        if entry is not None:
            self._state.tally.add(entry)
        noted = noted_on(report)
        if noted.details is not None:
            self._state.tally.details.setdefault(noted.run, noted.details)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that something could not be collected: that is no rig error."""
        self._state.tally.uncollected += report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Close the DUTs; exit code 10 where nothing but rig errors failed: no verdict about the firmware."""
        self._state.bench.close()
        if self._is_worker:
            return
        session.exitstatus = session_code(exitstatus, self._state.tally, self._expired)
        self._record_goldens(session)
        self._write_report(session)

    @property
    def _expired(self) -> list[str]:
        """Sentences about the quarantine of boards that took part, where it ended."""
        boards = [entry.subject["board"] for entry in self._state.tally.entries if entry.subject]
        return self._state.options.quarantine.expired_for(boards)

    def _write_report(self, session: pytest.Session) -> None:
        folder = self._state.options.report_dir
        if folder is None:
            return
        from hil.report.session_page import write_session_page  # noqa: PLC0415 - for those who want a report alone

        try:
            results = session_json(self._state.tally)
            write_json(folder / SESSION_FILE, results)
            write_session_page(folder, results, code=int(session.exitstatus), said=self._expired)
        except HilError as error:
            self._say(session, told_in_pytest(error))
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _record_goldens(self, session: pytest.Session) -> None:
        """Show what changes in the goldens, then write them; a run that did not come to its end writes nothing."""
        recorder = self._state.recorder
        if recorder is None or session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            return
        if session.exitstatus not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, RigError.exit_code}:
            self._say(session, "", "no golden recorded: the run did not come to its end")
            return
        if recorder.is_empty and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED  # what was asked for was not done
        try:
            self._say(session, "", *recorder.lines())
            self._say(session, *recorder.write())
        except HilError as error:
            self._say(session, told_in_pytest(error))
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @staticmethod
    def _say(session: pytest.Session, *lines: str) -> None:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        for line in lines:
            (terminal.write_line if terminal is not None else print)(line)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Figures of each run, and what was not measured."""
        lines = summary_lines(self._state.tally)
        if self._state.tally.nothing_but_rig_errors:
            lines.append(
                f"nothing but rig errors failed: no verdict about the firmware (exit code {RigError.exit_code})"
            )
        lines += self._expired
        if lines:
            terminalreporter.section("hardware in the loop")
            for line in lines:
                terminalreporter.line(line)
