"""From a board's description to an opened DUT.

:func:`prepare_dut` chooses the backend and builds the firmware. :func:`open_prepared` powers or finds the board,
flashes it, opens the link and makes sure that the firmware that answers is the one just built. :func:`open_dut` does
both.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from hil.build import build
from hil.dut.analyzer import Analyzer, check_meter
from hil.dut.board_check import check_board
from hil.dut.connection import Connection
from hil.dut.dut import Dut
from hil.dut.farm_board import realise_in_farm
from hil.dut.options import DutOptions
from hil.dut.prepared import Prepared
from hil.dut.realised import realise
from hil.dut.selection import probe_to_be, select
from hil.emulator.backend import emulator_version
from hil.errors import HilError
from hil.result import Provenance
from hil.rig import load_rig

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from hil.board import Board
    from hil.dut.realised import Realised
    from hil.result import RunResult


def prepare_dut(board: Board, options: DutOptions, *, progress: Callable[[str], None] | None = None) -> Prepared:
    """Choose the backend and build the firmware; nothing is powered or opened.

    Args:
        board: the board.
        options: how to open it.
        progress: called with each line of the build.

    Raises:
        InputError: options that do not fit the board, or a board's file that does not fit its port or its part.
        BuildError: the firmware cannot be built.
        RigError: an attached board was asked for and there is none.
    """
    check_board(board, options.firmware_root)
    selection = select(board, options)
    if options.meter is None and not selection.emulated and selection.farm is None:
        options = replace(options, meter=load_rig(options.rig).of(board.name, selection.probe).analyzer)
    check_meter(board, selection, options.meter)
    artefact = build(board, link=options.link, progress=progress, firmware_root=options.firmware_root)
    provenance = Provenance(
        board=board.name,
        backend=selection.backend,
        backend_version="" if selection.farm else emulator_version(selection.backend),
        emulated=selection.emulated,
        reason=selection.reason,
        probe=selection.probe or probe_to_be(board, selection, options),
        firmware=artefact.build_id,
        compiler=artefact.compiler,
        core=board.core,
        flags=artefact.flags,
        link=options.link,
        meter=options.meter or "",
    )
    return Prepared(board, options, selection, artefact, provenance)


@contextmanager
def open_prepared(
    prepared: Prepared,
    *,
    on_run: Callable[[RunResult], None] = lambda _: None,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Dut]:
    """Power or find the board, flash it, open its link; all is closed again at the end.

    Args:
        prepared: what to open.
        on_run: called with every result that the DUT's `run` gives.
        tell: told in a sentence that another run is waited for.

    Raises:
        RigError: it cannot be powered or found, or its port cannot be opened.
        FlashError: it cannot be flashed, or must be and flashing was forbidden.
        LinkError: nobody answers.
        TargetFault: another firmware answers.
    """
    with ExitStack() as stack:
        address = prepared.options.meter
        # First, as it may give the board its power.
        analyzer = stack.enter_context(Analyzer.opened(prepared.board, address)) if address else None
        opened = stack.enter_context(ExitStack())

        def connect() -> Connection:
            with suppress(HilError):  # what was lost may not let itself be closed
                opened.close()
            realised = opened.enter_context(_realise(prepared, tell))
            return Connection(prepared.board, prepared.artefact, realised, opened, link=prepared.options.link)

        provenance = replace(prepared.provenance, meter=analyzer.name if analyzer is not None else "")
        yield Dut(replace(prepared, provenance=provenance), connect, analyzer, on_run)


def _realise(prepared: Prepared, tell: Callable[[str], None]) -> AbstractContextManager[Realised]:
    board, artefact, selection, options = prepared.board, prepared.artefact, prepared.selection, prepared.options
    if selection.farm is not None:
        return realise_in_farm(board, artefact, selection.farm, options.flash, tell)
    return realise(board, artefact, selection, options, tell)


@contextmanager
def open_dut(board: Board, options: DutOptions | None = None) -> Iterator[Dut]:
    """Build, power or find, flash, open: the DUT is ready.

    Args:
        board: the board.
        options: how to open it; by default an attached board, else its emulator.

    Raises:
        HilError: as :func:`prepare_dut` and :func:`open_prepared` do.
    """
    with open_prepared(prepare_dut(board, options or DutOptions())) as dut:
        yield dut
