"""The agent on a powered board, streamed to over its UART and flashed through its probe, under the counter."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.build import build
from hil.cycles.counter import CycleCounter
from hil.cycles.library import plugin_path
from hil.cycles.timing import TimingModel
from hil.emulator.machine import MachineError
from hil.emulator.power import power
from hil.flash import FlashSession
from hil.link.client import AgentClient
from hil.model import load_model
from hil.resources import examples_dir
from hil.vectors import load_vectors
from hil.work import Work
from tests.cycles.cases import load_case
from tests.cycles.programs import HERE, LTC_SOURCES, build_program, run_qemu

if TYPE_CHECKING:
    from pathlib import Path

    from hil.cycles.counts import Call

BOARD = load_board("microbit")
M0 = TimingModel("cortex-m0")
CASE = "basicmotions"
RUNS = 20
STEPS = 40
LOST = 4
HALTS = 10
# endless.c, turn(): MOVS; ten times SUBS and BNE, taken nine times; BX.
TURN = 1 + 10 * 1 + 9 * 3 + 1 + 3


@dataclass(frozen=True)
class Measured:
    """Calls of ltc_step, for each run of the same steps: interrupts as they come, and masked by the firmware."""

    runs: list[tuple[Call, ...]]
    masked: tuple[Call, ...]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    artefact = build(BOARD)
    assert artefact.hex is not None
    folder = examples_dir() / "networks"
    model = load_model(folder / f"{CASE}.model.npz")
    work = Work.make(model, load_vectors(folder / f"{CASE}.vectors.npz", model))
    inputs, elapsed, golden = work.inputs[0][:STEPS], work.elapsed[0][:STEPS], work.golden_states[0][:STEPS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HIL_STATE_DIR", str(tmp_path_factory.mktemp("state")))
        with CycleCounter(artefact.elf, M0) as counter, power(BOARD, counter=counter) as powered:
            with FlashSession(BOARD, powered.probe_uid) as session:
                session.program(artefact.hex)
                session.reset()
            with AgentClient(powered.serial_path, board_name=BOARD.name) as client:
                client.load_image(work.converted.image)
                runs = []
                for run in range(RUNS + 1):
                    before = counter.snapshot()
                    step = client.run(inputs, elapsed, state=work.state0, count_cycles=run == RUNS)
                    assert (step.states == golden).all()
                    runs.append(counter.counts(since=before).of("ltc_step"))
    return Measured(runs[:RUNS], runs[RUNS])


def test_twenty_runs_over_the_uart_are_identical(measured: Measured) -> None:
    cycles = [tuple(call.cycles for call in calls) for calls in measured.runs]
    assert {len(calls) for calls in cycles} == {STEPS}
    assert set(cycles) == {cycles[0]}
    assert len(set(cycles[0])) > 1  # the steps differ from one another, as they should
    assert any(call.exceptions for calls in measured.runs for call in calls)  # bytes did arrive meanwhile


def test_masked_interrupts_change_nothing(measured: Measured) -> None:
    assert not any(call.exceptions for call in measured.masked)
    assert [call.cycles for call in measured.masked] == [call.cycles for call in measured.runs[0]]


def test_steps_without_the_agent_take_the_same(measured: Measured, tmp_path: Path) -> None:
    elf = build_program(tmp_path / "steps.elf", HERE / "steps.c", *LTC_SOURCES)
    blob = tmp_path / "blob"
    blob.write_bytes(load_case(CASE, sequences=1, steps=STEPS).blob)
    with CycleCounter(elf, M0) as counter:
        run_qemu(elf, counter=counter, blob=blob)
        calls = counter.counts().of("ltc_step")
    assert [call.cycles for call in calls] == [call.cycles for call in measured.runs[0]]


def test_debugger_in_the_middle_of_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A halted core may go on; a moved one has not finished its call."""
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path / "state"))
    elf = build_program(tmp_path / "endless.elf", HERE / "endless.c")
    image = tmp_path / "endless.bin"
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, image], check=True)
    with CycleCounter(elf, M0, measure=["turn", "endless"]) as counter, power(BOARD, counter=counter) as powered:
        machine = powered.machine
        machine.halt()
        machine.set_flash_image(image.read_bytes().ljust(BOARD.memory.flash.bytes, b"\xff"))
        machine.reset(halt=False)
        while counter.idles < HALTS:  # a halt right after the last one finds nothing done between
            machine.halt()
            machine.resume()
        machine.reset(halt=True)
        halted = counter.counts().calls
        machine.step()  # from the reset vector: whatever was going on has ended
        stepped = counter.counts().calls
    turns = [call for call in halted if call.function == "turn"]
    assert len(turns) > 20
    assert {(call.cycles, call.trouble) for call in turns} == {(TURN, 0)}  # halting does not show
    assert "endless" not in {call.function for call in halted}
    ended = stepped[-1]
    assert ended.function == "endless"
    assert ended.trouble == LOST


def test_plugin_that_qemu_cannot_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIL_STATE_DIR", str(tmp_path))
    with (tmp_path / "file").open("w+b") as file:
        counter = Broken(file.fileno(), ("-plugin", f"file={plugin_path()},fd={file.fileno()}"))
        with pytest.raises(MachineError, match=r"QEMU ended(.|\n)*not a counter's file"):
            power(BOARD, counter=counter)


@dataclass(frozen=True)
class Broken:
    """A counter whose file is none."""

    fd: int
    arguments: tuple[str, ...]
