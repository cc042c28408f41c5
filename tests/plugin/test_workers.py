"""pytest-xdist and boards that are attached once: each has one worker, whatever its tests are grouped by besides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hil.pytest_run.workers import board_in, run_in
from hil.resources import boards_dir

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

# In every process: what is attached, and which worker opens which board.
CONFTEST = """
import os
from pathlib import Path
import hil.dut.attached as attached
import hil.find.ports as ports
import hil.dut.selection as selection
from hil.find.ports import SerialPort
from hil.find.probes import Probe
from hil.find.usb import UsbDevice
from hil.dut.bench import Bench
from hil.pytest_run.promise_item import PromiseItem

selection.attached_probes = attached.attached_probes = lambda: [
    Probe(uid, "cmsisdap", board_id, UsbDevice("1-" + uid, vendor, product_id, uid))
    for uid, board_id, vendor, product_id in ATTACHED
]
ports.serial_ports = lambda: [SerialPort("/dev/ttyACM-" + each[0], "1-" + each[0]) for each in ATTACHED]
opened = Bench.dut

def dut(self, name):
    if self._duts._values.get(name):
        return opened(self, name)
    with Path("opened").open("a") as file:
        file.write(f"{name} {os.environ['PYTEST_XDIST_WORKER']}\\n")

Bench.dut = dut
PromiseItem.setup = lambda self: self.config.stash[STATE].bench.dut(self.subject.board)
PromiseItem.runtest = lambda self: None
"""
TESTS = """
import time
import pytest

@pytest.mark.parametrize("number", range(4))
def test_dut(dut, number):
    time.sleep(0.05)

class TestGrouped:
    pytestmark = pytest.mark.xdist_group("mine")

    def test_grouped(self, dut):
        pass

    def test_in_the_same_group(self):
        pass
"""
MICROBIT = ("0672FF", "9900", 0x0D28, 0x0204)
ONE_BOARD = 4 + 4 + 1  # cases, numbers, TestGrouped
OPENED = 4 + 1  # by each case, and by the fixture once


@pytest.fixture
def attach(project: pytest.Pytester) -> Callable[..., None]:
    def attached(*probes: tuple[str, str, int, int]) -> None:
        imports = "from hil.pytest_run.state import STATE\n"
        project.makeconftest(f"{imports}ATTACHED = {probes!r}\n{CONFTEST}")
        project.makepyfile(TESTS)
        for number in range(4):
            project.path.joinpath(f"case{number}.hil.yaml").write_text(
                "model: tiny_dense.model.npz\nvectors: tiny_dense.vectors.npz\n"
            )

    return attached


def opened(project: pytest.Pytester) -> list[tuple[str, str]]:
    lines = (project.path / "opened").read_text().splitlines()
    return [(name, worker) for name, worker in (line.split() for line in lines)]


@pytest.mark.parametrize("dist", [(), ("--dist=worksteal",), ("--dist=loadfile",), ("--dist=loadgroup",)])
def test_an_attached_board_has_one_worker(
    project: pytest.Pytester, attach: Callable[..., None], dist: tuple[str, ...]
) -> None:
    attach(MICROBIT)
    result = project.runpytest_subprocess("--board=microbit", "-n2", *dist)
    result.assert_outcomes(passed=ONE_BOARD + 1)
    assert [name for name, _ in opened(project)] == ["microbit"] * OPENED
    assert len(set(opened(project))) == 1


def test_what_is_simulated_is_not_tied_to_the_worker_of_an_attached_board(
    project: pytest.Pytester, attach: Callable[..., None]
) -> None:
    attach(MICROBIT)
    for path in project.path.glob("*.hil.yaml"):
        path.write_text(path.read_text() + "harvest: {power_uW: 50, capacitor_uF: 200, v_on: 2.2, v_off: 1.8}\n")
    result = project.runpytest_subprocess("--board=microbit", "-n2", "-v", "-k", "harvest")
    result.assert_outcomes(passed=4)
    done = re.findall(r"^\[(gw\d)\] .* PASSED case\d\.hil\.yaml::harvest\[microbit\]", str(result.stdout), re.MULTILINE)
    assert set(done) == {"gw0", "gw1"}


def test_two_attached_boards_have_a_worker_each(project: pytest.Pytester, attach: Callable[..., None]) -> None:
    attach(MICROBIT, ("0673FF", "9999", 0x0D28, 0x0204))
    text = (boards_dir() / "microbit.yaml").read_text(encoding="utf-8").replace("name: microbit", "name: other", 1)
    project.path.joinpath("other.yaml").write_text(text.replace('"9900", "9901"', '"9999"'))
    project.makepyfile("def test_dut(dut):\n    pass\n")
    result = project.runpytest_subprocess("--board=microbit", "--board=./other.yaml", "-n2")
    result.assert_outcomes(passed=2 * 5)
    assert {name for name, _ in opened(project)} == {"microbit", "other"}
    assert len(set(opened(project))) == 2


@pytest.mark.parametrize("arguments", [("--board=microbit",), ("--board=microbit", "--hil-backend=qemu"), ()])
def test_emulated_boards_are_as_many_as_workers(
    project: pytest.Pytester, attach: Callable[..., None], arguments: tuple[str, ...]
) -> None:
    attach(*([MICROBIT] if "--hil-backend=qemu" in arguments else []))
    project.runpytest_subprocess("-n2", *arguments).assert_outcomes(passed=ONE_BOARD + 1)
    assert {name for name, _ in opened(project)} == {"microbit" if arguments else "nucleo-l031"}
    assert len(set(opened(project))) == 2


def test_a_board_that_nobody_asked_for_is_not_shared_either(
    project: pytest.Pytester, attach: Callable[..., None]
) -> None:
    attach(("0672FF", "0790", 0x0483, 0x374B))
    result = project.runpytest_subprocess("-n2")
    result.assert_outcomes(passed=1, errors=ONE_BOARD)
    result.stdout.fnmatch_lines(["input: board 'nucleo-l031' is attached once, and several workers could open it"])
    result.stdout.fnmatch_lines(
        ["*hint: ask for it by --board nucleo-l031, and one worker gets all of its tests; or *"]
    )
    assert not (project.path / "opened").exists()


def test_in_groups_the_promises_about_one_run_have_one_worker(
    project: pytest.Pytester, attach: Callable[..., None]
) -> None:
    attach()
    for path in project.path.glob("*.hil.yaml"):
        path.write_text(path.read_text() + "outputs: {atol: 0.1}\nstates: {max_error: 0.1}\n")
    result = project.runpytest_subprocess("--board=host", "-n2", "--dist=loadgroup", "-v")
    result.assert_outcomes(passed=3 * 4 + 4 + 2)
    done = re.findall(r"^\[(gw\d)\] .* PASSED (case\d)\.hil\.yaml::(\w+)\[host\]", str(result.stdout), re.MULTILINE)
    assert len(done) == 3 * 4
    assert len({(worker, case) for worker, case, _ in done}) == 4


def test_each_worker_on_one_board_is_refused(project: pytest.Pytester, attach: Callable[..., None]) -> None:
    attach(MICROBIT)
    result = project.runpytest_subprocess("--board=microbit", "-n2", "--dist=each")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*board 'microbit' is attached once, and --dist each has every worker run on it*"])


def test_a_test_whose_id_does_not_name_its_board_is_refused(
    project: pytest.Pytester, attach: Callable[..., None]
) -> None:
    attach(MICROBIT)
    for path in project.path.glob("*.hil.yaml"):
        path.unlink()
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("board", ["microbit"], ids=["mine"], indirect=True)
        def test_it(dut):
            pass
        """
    )
    result = project.runpytest_subprocess("--board=microbit", "-n2")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*hint: the id of test *::test_it?mine? must have 'microbit' among its parameters"])


@pytest.mark.parametrize(
    ("nodeid", "board"),
    [
        ("a.hil.yaml::bits[microbit]", "microbit"),
        ("a.hil.yaml::bits[my-board-other.vectors]", "my-board"),
        ("a.py::test[1-microbit-x]", "microbit"),
        ("a.py::test[board]", "board"),
        ("a.py::test[microbit]@group", "microbit"),
        ("a.py::test[microbit2]", None),
        ("a.py::test_microbit", None),
        ("a.hil.yaml::harvest[microbit]", None),
        ("a.py::harvest[microbit]", "microbit"),
        ("microbit/a.py::test[x]", None),
    ],
)
def test_board_in_an_id(nodeid: str, board: str | None) -> None:
    assert board_in(nodeid, ["board", "my-board", "microbit"]) == board


@pytest.mark.parametrize(
    ("nodeid", "run"),
    [
        ("a.hil.yaml::bits[microbit]", "a.hil.yaml[microbit]"),
        ("b/a.hil.yaml::outputs[microbit-other.vectors]", "b/a.hil.yaml[microbit-other.vectors]"),
        ("a.hil.yaml::bits[microbit]@a-vectors-microbit", "a.hil.yaml[microbit]"),
        ("a.py::test[microbit]", None),
    ],
)
def test_run_in_an_id(nodeid: str, run: str | None) -> None:
    assert run_in(nodeid) == run
