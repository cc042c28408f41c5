"""Case files as pytest files: one item for each promise, vector file and board: a failure says what was broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hil.board import board_names
from hil.case import load_case
from hil.errors import HilError, InputError
from hil.nearest import offer
from hil.pytest_run.harvest_item import HarvestItem
from hil.pytest_run.promise_item import PromiseItem, Subject
from hil.pytest_run.state import STATE
from hil.report.spelling import told_in_pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hil.case import Case


class HilFile(pytest.File):
    """A ``*.hil.yaml`` file."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each board, vector file and promise."""
        case = load_case(self.path)
        self._check_boards(case)
        for board in self.config.stash[STATE].options.boards:
            for vectors_path in case.vector_paths:
                for promise in case.promises:
                    subject = Subject(case, promise, vectors_path, board)
                    kind = HarvestItem if promise == "harvest" else PromiseItem
                    yield kind.from_parent(self, name=subject.item_name, subject=subject)

    def _check_boards(self, case: Case) -> None:
        """A case for a board that does not exist would be skipped for ever."""
        known = sorted({*board_names(), *self.config.stash[STATE].options.boards})
        for name in case.says.boards:
            if name not in known:
                raise InputError(
                    f"case file {self.path}, line {case.lines['boards']}, key 'boards': there is no board '{name}'",
                    hint=offer(name, known, "boards"),
                )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any) -> Any:
        """A mistake in the file as its sentence; a bug in hil with its trace."""
        if isinstance(excinfo.value, HilError):
            return told_in_pytest(excinfo.value)
        return super().repr_failure(excinfo, *args)


def needs_board(item: pytest.Item) -> bool:
    """Whether a collected test asks for an opened board."""
    return item.needs_board if isinstance(item, PromiseItem) else "dut" in getattr(item, "fixturenames", ())
