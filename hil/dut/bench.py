"""The DUTs of one test run: each is prepared, opened and asked at most once, and failures are remembered as well."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from hil.board import load_board
from hil.case_network import load_network
from hil.errors import HilError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from pathlib import Path

    from hil.board import Board
    from hil.build import Artefact
    from hil.case import Case
    from hil.dut.dut import Dut
    from hil.dut.options import DutOptions
    from hil.dut.prepared import Prepared
    from hil.result import Provenance, RunResult
    from hil.solver import Solver

Value = TypeVar("Value")


@dataclass(frozen=True)
class RunKey:
    """One device run: what ran where, with which solver; whether the firmware counted its cycles, and its energy."""

    board: str
    model: Path
    vectors: Path
    counted: bool
    solver: Solver | None
    energy: bool


class _Once(Generic[Value]):
    """Values that are made once for each key; a HilError is kept and raised again."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Value | HilError] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        if key not in self._values:
            try:
                self._values[key] = make()
            except HilError as error:
                self._values[key] = error
        value = self._values[key]
        if isinstance(value, HilError):
            raise value.with_traceback(None)  # else each raise would add to what the first has gathered
        return value

    def refuse(self, key: Hashable, error: HilError) -> None:
        """Raise this instead of making the value."""
        self._values[key] = error


class Bench:
    """Opens DUTs on first use and keeps them until it is closed.

    Args:
        options: how to open a DUT.
        boards: path of a board's file by the board's name, where the name alone does not lead to it.
        progress: called with each line of a build.
        prepared: called when a build has ended.
        tell: told in a sentence that another run is waited for.
        energy_runs: from how many runs the energy is told where a case promises something about it.
    """

    def __init__(
        self,
        options: DutOptions,
        *,
        boards: Mapping[str, str] | None = None,
        progress: Callable[[str], None] | None = None,
        prepared: Callable[[], None] | None = None,
        tell: Callable[[str], None] = lambda _: None,
        energy_runs: int = 1,
    ) -> None:
        self.options = options
        self._energy_runs = energy_runs
        self._given = boards or {}
        self._progress = progress
        self._done_preparing = prepared
        self._tell = tell
        self._open = ExitStack()
        self._boards: _Once[Board] = _Once()
        self._prepared: _Once[Prepared] = _Once()
        self._duts: _Once[Dut] = _Once()
        self._results: _Once[RunResult] = _Once()
        self._fresh: list[RunResult] = []

    def board(self, name: str) -> Board:
        """The board of this name.

        Raises:
            InputError: for an unknown name, offering the nearest one.
        """
        return self._boards.get(name, lambda: load_board(self._given.get(name, name)))

    def provenance(self, name: str) -> Provenance:
        """What a run on this board will be made with; builds the firmware, but opens nothing."""
        return self._prepare(name).provenance

    def artefact(self, name: str) -> Artefact:
        """The firmware of a run on this board; builds it, but opens nothing."""
        return self._prepare(name).artefact

    def dut(self, name: str) -> Dut:
        """The opened DUT of this board; opened on the first call.

        Raises:
            HilError: as :func:`hil.dut.opening.open_prepared` does, and again on every later call.
        """
        return self._duts.get(name, lambda: self._enter(name))

    def refuse(self, name: str, error: HilError) -> None:
        """Have every later `dut` of this board raise an error."""
        self._duts.refuse(name, error)

    def run(self, case: Case, vectors_path: Path, board: str) -> RunResult:
        """The result of a case's vectors on a board; run on the first call.

        Raises:
            HilError: for unusable files, and as :meth:`hil.dut.dut.Dut.run` does.
        """
        return self._results.get(
            RunKey(
                board,
                case.model_path,
                vectors_path,
                case.says.cycles is not None,
                case.says.solver,
                case.promises_energy,
            ),
            lambda: self._run(case, vectors_path, board),
        )

    def take_results(self) -> list[RunResult]:
        """What the DUTs gave to tests written in Python since the last call, in order."""
        fresh = list(self._fresh)
        self._fresh.clear()
        return fresh

    def close(self) -> None:
        """Close every DUT; the bench can be used no more."""
        self._open.close()

    def _enter(self, name: str) -> Dut:
        from hil.dut.opening import open_prepared  # noqa: PLC0415 - brings pyOCD; who has no board need not wait

        return self._open.enter_context(open_prepared(self._prepare(name), on_run=self._fresh.append, tell=self._tell))

    def _prepare(self, name: str) -> Prepared:
        from hil.dut.opening import prepare_dut  # noqa: PLC0415 - as above

        def make() -> Prepared:
            try:
                return prepare_dut(self.board(name), self.options, progress=self._progress)
            finally:
                if self._done_preparing is not None:
                    self._done_preparing()

        return self._prepared.get(name, make)

    def _run(self, case: Case, vectors_path: Path, board: str) -> RunResult:
        model, vectors = load_network(case, vectors_path)
        return self.dut(board).measure(
            model,
            vectors,
            count_cycles=case.says.cycles is not None,
            energy_runs=self._energy_runs if case.promises_energy else 0,
            timeout_s=case.says.timeout_s,
        )
