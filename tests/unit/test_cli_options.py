"""The `hil` command and pytest offer the same options, so that what was learned with one holds with the other."""

from __future__ import annotations

from typing import Any

import pytest
from typer.main import get_command

from hil.cli import app
from hil.pytest_run.options import add_options

PYTEST_ALONE = {"--update-golden", "--report", "--quarantine", "--strict"}
ABOUT_A_DESK = {"--backend", "--probe", "--port", "--rig"}


class Declared:
    """Stands for pytest's parser and its group."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def getgroup(self, *_: str) -> Declared:
        return self

    def addoption(self, name: str, **_: Any) -> None:
        self.names.add(name)

    def addini(self, *_: Any, **__: Any) -> None:
        pass


def options_of(command: str) -> set[str]:
    found: Any = get_command(app)
    return {name for each in found.commands[command].params for name in each.opts if name.startswith("--")}


def test_hil_run_takes_every_option_of_pytest_that_is_about_a_board() -> None:
    declared = Declared()
    add_options(declared)  # type: ignore[arg-type]
    wanted = {name.replace("--hil-", "--") for name in declared.names} - PYTEST_ALONE
    assert {"--board", "--wait", "--allow-erase"} < wanted
    assert wanted - options_of("run") == set()


@pytest.mark.parametrize("command", ["flash", "run", "profile", "power", "tune", "demo", "monitor", "gdb"])
def test_every_command_for_a_board_on_the_desk_takes_what_says_which_one(command: str) -> None:
    assert ABOUT_A_DESK - options_of(command) == set()
