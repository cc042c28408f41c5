"""A real coordinator's places held and let go: by an end, by a kill, by others. They have no resources."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from hil.errors import BoardGoneError, InputError, RigError
from hil.farm.address import FarmAddress
from hil.farm.coordinator import hold_place, list_places
from tests.farm.lab import EMULATED, LISTENING, ROOT, lab_python, open_coordinator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hil.farm.coordinator import HeldPlace

BOUND_S = 15.0  # until another has noticed; one that is not told waits as long


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def take(stack: ExitStack, farm: FarmAddress, *names: str, wait_s: float = 0.0) -> HeldPlace:
    return stack.enter_context(hold_place(farm, names, wait_s=wait_s, tell=lambda _: None))


def ask(farm: FarmAddress, *arguments: str) -> None:
    command = [lab_python(), "-m", "labgrid.remote.client", "-x", farm.coordinator, *arguments]
    subprocess.run(command, check=True, timeout=BOUND_S, capture_output=True)


def gone(held: HeldPlace) -> str:
    """Why it was lost, as soon as that is known."""
    end = time.monotonic() + BOUND_S
    while time.monotonic() < end:
        try:
            held.check()
        except BoardGoneError as error:
            return error.message
        time.sleep(0.02)  # `check` asks and never waits
    raise AssertionError("nobody noticed")


HOLDER = """
import json, sys
from contextlib import ExitStack
from hil.farm.address import FarmAddress
from hil.farm.coordinator import hold_place

with hold_place(FarmAddress.parse(sys.argv[1]), ["one"], wait_s=0.0, tell=print) as held:
    print(json.dumps(held._keeper._process.pid), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(farm: FarmAddress) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Another process that holds place 'one', and the pid of its keeper."""
    command = [sys.executable, "-c", HOLDER, str(farm)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process, json.loads(process.stdout.readline())
        process.kill()


def test_places_are_listed_with_what_their_tags_say(farm: FarmAddress) -> None:
    there = [place for place in list_places(farm) if place.name in {"one", "two"}]
    found = {place.name: (place.board, place.backend, place.holder) for place in there}
    assert found == {"one": ("nucleo-l031", "twin", ""), "two": ("microbit", "hardware", "")}


def test_a_place_is_made_as_the_page_says(farm: FarmAddress) -> None:
    page = (ROOT / "docs" / "farm.md").read_text("utf-8")
    lines = re.findall(r"^    labgrid-client -x lab\.local (-p desk-3 .*)$", page, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        ask(farm, *shlex.split(line))
    made = next(place for place in list_places(farm) if place.name == "desk-3")
    assert (made.board, made.backend) == ("nucleo-l031", "hardware")


def test_a_place_is_held_once_and_then_free_again(farm: FarmAddress, stack: ExitStack) -> None:
    told: list[str] = []
    with ExitStack() as first:
        assert take(first, farm, "one", "two").place.name == "one"
        assert take(first, farm, "one", "two").place.name == "two"
        words = r"all 2 places that fit are taken at the farm \S+: 'one' by process \d+ of .*, 'two' by process"
        with pytest.raises(RigError, match=words) as caught:
            take(first, farm, "one", "two")
        assert "-p one release --kick" in caught.value.hint
        with (
            pytest.raises(RigError, match=r"the only place that fits is taken .* and none became free in 0\.2 s"),
            hold_place(farm, ["two"], wait_s=0.2, tell=told.append),
        ):
            pass
    assert len(told) == 1
    assert told[0].startswith("the only place that fits is taken")
    assert told[0].endswith("waiting for one to be free, at most 0.2 s")
    assert take(stack, farm, "one").place.name == "one"


def test_one_that_waits_goes_on_when_the_place_is_let_go(farm: FarmAddress, stack: ExitStack) -> None:
    first = stack.enter_context(ExitStack())
    take(first, farm, "one")
    told: list[str] = []

    def let_go(sentence: str) -> None:
        told.append(sentence)
        first.close()

    with hold_place(farm, ["one"], wait_s=BOUND_S, tell=let_go) as held:
        assert held.place.name == "one"
    assert len(told) == 1


def test_a_killed_holder_frees_its_place(
    farm: FarmAddress, stack: ExitStack, holder: tuple[subprocess.Popen[bytes], int]
) -> None:
    holder[0].kill()
    assert take(stack, farm, "one", wait_s=BOUND_S).place.name == "one"


def test_a_holder_killed_with_its_keeper_leaves_a_place_that_the_next_may_take(
    farm: FarmAddress, stack: ExitStack, holder: tuple[subprocess.Popen[bytes], int]
) -> None:
    process, keeper = holder
    os.kill(keeper, signal.SIGKILL)
    assert next(place for place in list_places(farm) if place.name == "one").holder
    with pytest.raises(RigError, match=f"'one' by process {process.pid} of"):
        take(stack, farm, "one")  # its holder lives, and may not have noticed yet
    process.kill()
    process.wait()
    assert take(stack, farm, "one").place.name == "one"


def test_who_holds_a_place_notices_that_its_keeper_was_killed(farm: FarmAddress, stack: ExitStack) -> None:
    held = take(stack, farm, "one")
    held.check()
    held._keeper._process.kill()
    assert "place 'one' was lost in the middle of the run: the process that held it was ended" in gone(held)
    ask(farm, "-p", "one", "release", "--kick")  # as the message to the next says, while its holder lives


def test_who_holds_a_place_notices_that_another_takes_it(farm: FarmAddress, stack: ExitStack) -> None:
    held = take(stack, farm, "one")
    ask(farm, "-p", "one", "release", "--kick")
    assert gone(held).endswith("it was released by somebody else")


def test_who_holds_a_place_notices_that_the_coordinator_ends(tmp_path: Path, stack: ExitStack) -> None:
    coordinator = stack.enter_context(open_coordinator(tmp_path, {"one": EMULATED}))
    held = take(stack, FarmAddress.parse(coordinator.line(LISTENING)[1]), "one")
    coordinator.process.kill()
    assert gone(held).endswith("the coordinator has gone")


def test_nobody_at_the_address(stack: ExitStack) -> None:
    with pytest.raises(RigError, match=r"the labgrid coordinator at 127\.0\.0\.1:1 cannot be reached") as caught:
        take(stack, FarmAddress("127.0.0.1:1"), "one")
    assert "refused" in caught.value.cause


def test_a_python_without_labgrid(farm: FarmAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_LABGRID_PYTHON", "/no/such/python")
    with pytest.raises(InputError, match="there is no Python /no/such/python"):
        list_places(farm)
    monkeypatch.setenv("HIL_LABGRID_PYTHON", sys.executable)
    with pytest.raises(RigError, match="no answer of the labgrid coordinator") as caught:
        list_places(farm)
    assert "No module named" in caught.value.cause
