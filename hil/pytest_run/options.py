"""The pytest options of hil: declared here, checked here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hil.board import load_board
from hil.dut.options import BACKENDS, FLASH, LINKS, DutOptions
from hil.errors import InputError

if TYPE_CHECKING:
    import pytest

DEFAULT_BOARD = "microbit"


@dataclass(frozen=True)
class Options:
    """The options of one pytest run.

    Attributes:
        boards: names of the boards to run on.
        boards_chosen: they were named with ``--board``.
        dut: how to open a DUT.
        strict: what cannot be measured is an error.
        report_dir: where to write the results, or None.
    """

    boards: tuple[str, ...]
    boards_chosen: bool
    dut: DutOptions
    strict: bool
    report_dir: Path | None


def add_options(parser: pytest.Parser) -> None:
    """Declare the options in a group of their own."""
    group = parser.getgroup("hil", "hardware in the loop")
    group.addoption(
        "--board",
        action="append",
        metavar="NAME",
        help=f"board to run on, repeatable; 'hil boards' lists them (default: {DEFAULT_BOARD})",
    )
    group.addoption(
        "--hil-backend",
        choices=BACKENDS,
        default="auto",
        help="what realises the board: auto takes an attached board, else its emulator; hardware never falls back",
    )
    group.addoption("--hil-probe", metavar="UID", help="debug probe of the attached board, as 'pyocd list' shows it")
    group.addoption("--hil-port", metavar="DEV", help="serial port of the attached board, e.g. /dev/ttyACM0")
    group.addoption("--hil-link", choices=LINKS, default="uart", help="link to the firmware (default: uart)")
    group.addoption(
        "--hil-flash",
        choices=FLASH,
        default="auto",
        help="auto writes firmware that is not there yet, always writes it, never refuses to (default: auto)",
    )
    group.addoption("--hil-update-golden", action="store_true", help="record cycle and current goldens from this run")
    group.addoption("--hil-report", metavar="DIR", type=Path, help="write results.json into this folder")
    group.addoption("--hil-rig", metavar="FILE", help="what is plugged in on this bench")
    group.addoption("--hil-strict", action="store_true", help="a promise that cannot be measured is an error, no skip")


def read_options(config: pytest.Config) -> Options:
    """Check the options; nothing is opened.

    Args:
        config: pytest's.

    Raises:
        InputError: for an unknown board, an option that does not fit, or one whose feature is not in this version.
    """
    if config.getoption("hil_update_golden"):
        raise InputError(
            "--hil-update-golden has nothing to record: this version measures no cycles and no current",
            hint="expected outputs come from the reference alone and are never recorded from a run",
        )
    if config.getoption("hil_rig"):
        raise InputError(
            "--hil-rig is not read by this version",
            hint="name the probe and the port of the attached board with --hil-probe and --hil-port",
        )
    report_dir: Path | None = config.getoption("hil_report")
    if report_dir is not None and report_dir.exists() and not report_dir.is_dir():
        raise InputError(f"--hil-report {report_dir} is no folder")
    chosen: list[str] = config.getoption("board") or []
    dut = DutOptions(
        backend=config.getoption("hil_backend"),
        probe=config.getoption("hil_probe"),
        port=config.getoption("hil_port"),
        link=config.getoption("hil_link"),
        flash=config.getoption("hil_flash"),
    )
    boards = tuple(dict.fromkeys(chosen or [DEFAULT_BOARD]))
    if (dut.probe or dut.port) and len(boards) > 1:
        raise InputError(
            f"--hil-probe and --hil-port name one attached board, but {len(boards)} boards were asked for",
            hint="run pytest once for each attached board",
        )
    for name in boards if _asked(config) else ():
        dut.check(load_board(name))
    return Options(boards, bool(chosen), dut, config.getoption("hil_strict"), report_dir)


def _asked(config: pytest.Config) -> bool:
    """Whether any option of hil was given; if none was, this may be a run that has nothing to do with boards."""
    return bool(
        config.getoption("board")
        or config.getoption("hil_probe")
        or config.getoption("hil_port")
        or config.getoption("hil_backend") != "auto"
        or config.getoption("hil_link") != "uart"
    )
