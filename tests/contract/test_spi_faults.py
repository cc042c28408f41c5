"""The link over SPI: whatever happens on the bus costs time, never a wrong number; and a wrong wire is named."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hil.link.spi.wire
from hil.errors import LinkError, RigError
from tests.contract.memory_spi import Fault, MemorySpi, Transaction, compile_spi_agent, intact
from tests.contract.spi_faults import FAULTS, BusyBoard, Schedule
from tests.contract.spi_work import FOUND, SANITIZED, SOUND, holds, in_a_child, many_faults
from tests.contract.test_link_faults import work


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_spi_agent(tmp_path_factory.mktemp("spi"))


def polled(_: bool) -> None:
    """No data-ready line."""


@pytest.mark.parametrize("ready", [bool, polled], ids=["data-ready", "polled"])
def test_a_sound_bus_needs_no_repair(library: Path, ready: type[bool]) -> None:
    assert work(MemorySpi(library, ready=ready)) == 0


@pytest.mark.parametrize("ready", [bool, polled], ids=["data-ready", "polled"])
def test_a_board_that_is_not_ready_yet_is_no_fault(library: Path, ready: type[bool]) -> None:
    times = 0
    for seed in range(150):
        busy = BusyBoard(seed, 0.3)
        assert work(MemorySpi(library, busy, ready)) == 0
        times += busy.times
    assert times > 4000


PLAN = st.lists(st.tuples(st.none() | st.sampled_from(FAULTS), st.integers(0, 2**16 - 1)), max_size=40)


@settings(max_examples=500, deadline=None)
@given(plan=PLAN, ready=st.sampled_from([bool, polled]))
def test_any_faults_are_repaired_or_reported(library: Path, plan: list, ready: type[bool]) -> None:
    try:
        work(MemorySpi(library, Schedule(plan), ready))
    except (LinkError, RigError):
        assert sum(fault is not None for fault, _ in plan) > 1


def test_thousands_of_faults_pass_no_wrong_number(library: Path) -> None:
    faults, repairs, errors = many_faults(library, range(1000))
    assert faults > 8_000
    assert repairs > 3_000
    assert errors.total() < 100
    assert all("data-ready" in message or "hears" in message for message in errors)  # it was stuck for a while


LINK = "port/spi/spi_link.c"
DEFECTS = {
    "what was sent is sent again": (LINK, "        left -= taken;\n", ""),
    "what was not taken is lost": (LINK, "        left -= taken;\n", "        left = 0; (void)taken;\n"),
    "a part is sent from its beginning": (LINK, "        offset += taken;\n", ""),
    "nothing is offered when idle": (
        LINK,
        "bool spi_link_idle(void) {\n    offer();\n",
        "bool spi_link_idle(void) {\n",
    ),
    "one byte fewer is announced": (
        LINK,
        "const uint8_t count = (uint8_t)left;",
        "const uint8_t count = (uint8_t)(left != 0 ? left - 1 : 0);",
    ),
    "blocks are cut": (LINK, "smaller(count, SPI_RING_BYTES - (head - ring_tail))", "smaller(count, 3)"),
}


def test_it_holds_without_a_defect(library: Path) -> None:
    assert in_a_child(library) == SOUND


@pytest.mark.parametrize("edit", DEFECTS.values(), ids=DEFECTS)
def test_a_defect_of_the_boards_side_is_found(tmp_path: Path, edit: tuple[str, str, str]) -> None:
    assert in_a_child(compile_spi_agent(tmp_path, edit)) in {FOUND, SANITIZED}


WIRE_DEFECTS = {
    "no answer is an empty one": ("header = decode(heard)", "header = decode(heard) or decode(compose())"),
    "a byte is sent twice": ("        del self._unsent[:send]\n", "        del self._unsent[: max(0, send - 1)]\n"),
    "what the board did not take is lost": (
        "        header = decode(heard)\n",
        "        header = decode(heard)\n        del self._unsent[: send if header is None else 0]\n",
    ),
    "all that was clocked is taken": ("taken = min(header.count, clock)", "taken = clock"),
}


@pytest.mark.parametrize(("old", "new"), WIRE_DEFECTS.values(), ids=WIRE_DEFECTS)
def test_a_defect_of_the_hosts_side_is_found(
    library: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    text = Path(hil.link.spi.wire.__file__).read_text()
    assert text.count(old) == 1
    defective = types.ModuleType("defective_wire")
    monkeypatch.setitem(sys.modules, defective.__name__, defective)
    exec(compile(text.replace(old, new), "defective_wire", "exec"), vars(defective))  # noqa: S102 - own source
    monkeypatch.setattr("tests.contract.memory_spi.SpiWire", defective.SpiWire)
    assert not holds(library)


# ---- wires ----


def stuck(level: int) -> Fault:
    """MISO is at one level."""

    def fault(transaction: Transaction) -> None:
        transaction.answer = lambda heard: bytes([level]) * len(heard)

    return fault


def swapped(transaction: Transaction) -> None:
    """The board hears nothing on its MOSI, and what it says does not get here."""
    transaction.mosi[:] = b"\1" * len(transaction.mosi)
    stuck(0xFF)(transaction)


def open_mosi(transaction: Transaction) -> None:
    """The board hears ones."""
    transaction.mosi[:] = b"\1" * len(transaction.mosi)


def unclocked(transaction: Transaction) -> None:
    """NSS or SCK does not arrive."""
    transaction.deaf_from = 0


def noise(transaction: Transaction) -> None:
    """Another mode, or too fast a clock: everything a bit off."""
    transaction.answer = lambda heard: bytes(byte >> 1 | 0x40 for byte in heard)


def mirrored(transaction: Transaction) -> None:
    """MISO is connected to MOSI."""
    sent = bytes(transaction.mosi)
    transaction.answer = lambda heard: int("".join(map(str, sent)), 2).to_bytes(len(heard), "big")


@pytest.mark.parametrize(
    ("fault", "ready", "words"),
    [
        (stuck(0xFF), bool, "MISO is stuck high: the board hears the host"),
        (stuck(0x00), bool, "MISO is stuck low: the board hears the host"),
        (swapped, bool, "MISO and MOSI are swapped"),
        (unclocked, bool, "do NSS and SCK reach the board"),
        (open_mosi, bool, "but hears nothing"),
        (noise, bool, "is the mode right"),
        (mirrored, bool, "connected to each other"),
        (mirrored, polled, "MISO and MOSI are connected to each other"),
        (stuck(0xFF), polled, "MISO is stuck high: not connected, swapped with MOSI"),
        (stuck(0x00), polled, "MISO is stuck low: not connected, swapped with MOSI"),
        (intact, lambda _: False, "has something to send, but data-ready stays low"),
        (intact, lambda _: True, "has nothing to send, but data-ready stays high"),
    ],
    ids=[
        *("stuck high", "stuck low", "swapped", "not clocked", "MOSI open", "another mode", "MISO on MOSI"),
        *("MISO on MOSI, polled", "stuck high, polled", "stuck low, polled", "data-ready missing", "data-ready stuck"),
    ],
)
def test_a_wrong_wire_is_named(library: Path, fault: Fault, ready: type[bool], words: str) -> None:
    spi = MemorySpi(library, fault, ready)
    with pytest.raises((LinkError, RigError)) as caught:
        work(spi)
    assert words in str(caught.value)
    assert spi.bridge.now < 10
