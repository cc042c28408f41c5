"""The pytest options of hil: declared here, checked here."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hil.board import DEFAULT_BOARD, board_label, load_board
from hil.dut.options import BACKENDS, LINKS, DutOptions
from hil.errors import HilError, InputError
from hil.flash_mode import FLASH_MODES
from hil.quarantine import Quarantine, check_boards, load_quarantine
from hil.report.json_file import PAGE_FILE, SESSION_FILE, prepare_json
from hil.rig import load_rig
from hil.whole_file import forget_file

if TYPE_CHECKING:
    import argparse

    import pytest

    from hil.board import Board


@dataclass(frozen=True)
class Options:
    """The options of one pytest run.

    Attributes:
        boards: names of the boards to run on, with what each was given as: its name, or the path of its file.
        boards_chosen: they were named with ``--board``.
        asked: an option of hil that says what to run on was given.
        dut: how to open a DUT.
        strict: what cannot be measured is an error.
        update_golden: goldens of cycles, current and energy are recorded.
        report_dir: where to write the results, or None.
        quarantine: boards and cases whose failures do not count.
    """

    boards: dict[str, str]
    boards_chosen: bool
    asked: bool
    dut: DutOptions
    strict: bool
    update_golden: bool
    report_dir: Path | None
    quarantine: Quarantine


def add_options(parser: pytest.Parser) -> None:
    """Declare the options in a group of their own."""
    group = parser.getgroup("hil", "hardware in the loop")
    group.addoption(
        "--board",
        action="append",
        metavar="NAME",
        help=f"board to run on, or its YAML file; repeatable; 'hil boards' lists them (default: {DEFAULT_BOARD})",
    )
    group.addoption(
        "--hil-backend",
        choices=BACKENDS,
        default="auto",
        help="what realises the board: auto takes an attached board, else its emulator; hardware never falls back",
    )
    group.addoption("--hil-probe", metavar="UID", help="debug probe of the attached board, as 'pyocd list' shows it")
    group.addoption(
        "--hil-port", metavar="DEV", help="serial port of the attached board, e.g. /dev/ttyACM0; or its SPI bridge"
    )
    group.addoption(
        "--hil-farm",
        metavar="HOST[:PORT][/PLACE]",
        help="labgrid coordinator whose places have the boards; with one of its places, on that one alone",
    )
    group.addoption("--hil-link", choices=LINKS, default="uart", help="link to the firmware (default: uart)")
    group.addoption(
        "--hil-flash",
        choices=FLASH_MODES,
        default="auto",
        help="auto writes firmware that is not there yet, always writes it, never refuses to (default: auto)",
    )
    group.addoption(
        "--hil-meter",
        metavar="ADDRESS",
        help="current analyzer of the board, e.g. ppk2:/dev/ttyACM0?marker=D0",
    )
    group.addoption(
        "--hil-update-golden", action="store_true", help="record goldens of cycles, current and energy from this run"
    )
    group.addoption(
        "--hil-report", metavar="DIR", type=Path, help="write results.json and report.html into this folder"
    )
    words = "YAML list of boards and cases whose failures are shown, and do not count"
    group.addoption("--hil-quarantine", metavar="FILE", type=Path, help=words)
    parser.addini("hil_quarantine", f"{words}; relative to this file", type="paths", default=[])
    group.addoption(
        "--hil-rig", metavar="FILE", type=Path, help="what is plugged in on this bench; 'hil rig scan' writes it"
    )
    group.addoption(
        "--hil-wait",
        metavar="SECONDS",
        type=float,
        help="how long to wait for a probe (default: 60) or a farm's place (600) that another run has; 0 fails at once",
    )
    group.addoption(
        "--hil-allow-erase",
        action="store_true",
        help="the whole flash of an attached board may be erased where nothing else makes it reachable",
    )
    group.addoption("--hil-strict", action="store_true", help="a promise that cannot be measured is an error, no skip")


def forget_report(known: argparse.Namespace) -> None:
    """Remove an older report as early as its place is known: a run that pytest itself refuses leaves none.

    Where that fails, `read_options` says so.
    """
    if known.hil_report is not None:
        with suppress(HilError):
            forget_file(known.hil_report / SESSION_FILE)
            forget_file(known.hil_report / PAGE_FILE)


def read_options(config: pytest.Config) -> Options:
    """Check the options; nothing is opened.

    Args:
        config: pytest's.

    Raises:
        InputError: for an unknown board, an option that does not fit, or a file or folder that cannot be used.
    """
    report_dir: Path | None = config.getoption("hil_report")
    if report_dir is not None and report_dir.exists() and not report_dir.is_dir():
        raise InputError(f"--hil-report {report_dir} is no folder")
    if report_dir is not None and not hasattr(config, "workerinput"):
        prepare_json(report_dir / SESSION_FILE)
        prepare_json(report_dir / PAGE_FILE)
    update_golden: bool = config.getoption("hil_update_golden")
    if update_golden and (hasattr(config, "workerinput") or config.getoption("tx", None)):
        raise InputError(
            "--hil-update-golden writes from one process, and this run has several (pytest-xdist)",
            hint="leave -n out, or end the command with -n0",
        )
    strict: bool = config.getoption("hil_strict")
    chosen: list[str] = config.getoption("board") or []
    dut = DutOptions(
        backend=config.getoption("hil_backend"),
        probe=config.getoption("hil_probe"),
        port=config.getoption("hil_port"),
        link=config.getoption("hil_link"),
        flash=config.getoption("hil_flash"),
        farm=config.getoption("hil_farm"),
        rig=config.getoption("hil_rig"),
        wait_s=config.getoption("hil_wait"),
        may_erase=config.getoption("hil_allow_erase"),
        meter=config.getoption("hil_meter"),
    )
    boards = {board_label(given): given for given in chosen or [DEFAULT_BOARD]}
    if (dut.probe or dut.port or dut.meter) and len(boards) > 1:
        raise InputError(
            f"--hil-probe, --hil-port and --hil-meter name one attached board, but {len(boards)} boards were asked for",
            hint="run pytest once for each attached board",
        )
    asked = _asked(config)
    if asked or dut.rig is not None:
        load_rig(dut.rig)
    for given in boards.values() if asked else ():
        _check(load_board(given), dut)
    return Options(boards, bool(chosen), asked, dut, strict, update_golden, report_dir, _quarantine(config, boards))


def _quarantine(config: pytest.Config, boards: dict[str, str]) -> Quarantine:
    """Of the file on the command line, else of the ini file's."""
    given: Path | None = config.getoption("hil_quarantine")
    files: list[Path] = [given] if given is not None else config.getini("hil_quarantine")
    if len(files) > 1:
        raise InputError(f"hil_quarantine names {len(files)} files", hint="name one")
    if not files:
        return Quarantine()
    check_boards(files[0], boards.values())
    return load_quarantine(files[0], dt.datetime.now(tz=dt.UTC).date())


def _check(board: Board, dut: DutOptions) -> None:
    from hil.dut.board_check import check_board  # noqa: PLC0415 # brings pyOCD, which runs without a board need not wait for

    dut.check(board)
    check_board(board)


def _asked(config: pytest.Config) -> bool:
    """Whether any option of hil was given; if none was, this may be a run that has nothing to do with boards."""
    return bool(
        config.getoption("board")
        or config.getoption("hil_probe")
        or config.getoption("hil_port")
        or config.getoption("hil_farm")
        or config.getoption("hil_meter")
        or config.getoption("hil_backend") != "auto"
        or config.getoption("hil_link") != "uart"
    )
