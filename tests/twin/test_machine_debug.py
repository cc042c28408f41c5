"""The twin as a machine: what it says of a firmware that has ended, and of a debugger that asks too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hil.emulator.machine import CoreState, HaltReason, MachineError, MemoryFault
from hil.emulator.twin.machine import TwinMachine
from hil.emulator.twin.stm32l031.rcc import RESET_BY_PIN, RESET_BY_POWER, RESET_BY_SOFTWARE
from hil.probe.core_debug import AIRCR, CoreDebug
from tests.contract.emulated import NUCLEO
from tests.twin.snippets import assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

ADC1_CR = 0x40012408
RCC_CSR = 0x40021050
SYSRESETREQ = 0x05FA0004
ORIGIN = NUCLEO.spec.flash_origin


@pytest.fixture
def machine() -> Iterator[TwinMachine]:
    machine = TwinMachine(NUCLEO.spec, lambda _: None)
    try:
        yield machine
    finally:
        machine.close()


def start(machine: TwinMachine, code: str) -> None:
    machine.set_flash_image(assemble(code).ljust(NUCLEO.spec.flash_bytes, b"\0"))
    machine.power_on()


def run(machine: TwinMachine, slices: int = 3) -> None:
    for _ in range(slices):
        machine.poll()


def test_what_is_not_modelled_stops_the_board_with_a_sentence(machine: TwinMachine) -> None:
    start(machine, f"main: put {ADC1_CR:#x}, 1\n b main")
    run(machine)
    status = machine.status()
    assert (status.state, status.reason) == (CoreState.HALTED, HaltReason.EMULATOR)
    assert status.detail.startswith("the firmware at 0x080000")
    assert status.detail.endswith("writes a register of ADC1, which the twin does not model")
    at = machine.read_register("pc")
    for go_on in (machine.halt, machine.step, machine.resume):
        go_on()
        assert machine.status() == status  # a reset ends it, nothing else
        run(machine)
        assert machine.status() == status
        assert machine.read_register("pc") == at
    machine.reset(halt=True)
    assert machine.status().detail == ""


def test_also_where_a_step_runs_into_it(machine: TwinMachine) -> None:
    start(machine, f"main: ldr r0, ={ADC1_CR:#x}; ldr r1, [r0]\n b main")
    machine.reset(halt=True)
    machine.step()
    assert machine.status().reason is HaltReason.STEP
    machine.step()
    assert machine.status().reason is HaltReason.EMULATOR
    assert "reads a register of ADC1" in machine.status().detail


@pytest.mark.parametrize(("access", "does"), [("ldr r1, [r0]", "reads"), ("str r1, [r0]", "writes")])
def test_system_memory_is_there_by_name(machine: TwinMachine, access: str, does: str) -> None:
    start(machine, f"main: ldr r0, =0x1FF00FFC; {access}\n b main")
    run(machine)
    assert machine.status().reason is HaltReason.EMULATOR
    assert f"{does} the system memory (ST's boot loader), which the twin does not model" in machine.status().detail


def test_the_cause_of_a_hard_fault_is_told_while_its_handler_runs(machine: TwinMachine) -> None:
    start(machine, "main: ldr r0, =0x30000000; ldr r0, [r0]\n b main\n fault: b fault")
    run(machine)
    words = "HardFault by an access to an address where nothing is (to 0x30000000) at 0x080000"
    assert machine.status().state is CoreState.RUNNING
    assert words in machine.status().detail
    machine.halt()
    assert machine.status().reason is HaltReason.REQUEST
    assert words in machine.status().detail


def test_a_lockup_is_told_with_both_its_causes(machine: TwinMachine) -> None:
    start(machine, "main: udf #0\n fault: svc 0")
    run(machine)
    assert machine.status().state is CoreState.LOCKUP
    assert "HardFault by an instruction that ARMv6-M does not have at 0x0800" in machine.status().detail
    assert "then lockup by SVC where it cannot be taken at 0x0800" in machine.status().detail


@pytest.mark.parametrize("how", ["run", "step"])
def test_a_defect_of_the_twin_is_told_and_ends_nothing_else(
    machine: TwinMachine, monkeypatch: pytest.MonkeyPatch, how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    start(machine, "main: b main")
    assert machine._chip is not None

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(machine._chip, how, fail)
    if how == "step":
        machine.halt()
        machine.step()
    else:
        run(machine)
    assert machine.status().reason is HaltReason.EMULATOR
    assert machine.status().detail == "the emulation failed: ZeroDivisionError('of all things')"
    assert "ZeroDivisionError" in capfd.readouterr().err
    monkeypatch.undo()
    machine.reset(halt=False)
    run(machine)
    assert machine.status().state is CoreState.RUNNING


def test_a_debugger_that_asks_for_what_is_not_there(machine: TwinMachine) -> None:
    start(machine, "main: b main")
    with pytest.raises(MachineError, match="the debugger writes a register of ADC1, which the twin does not model"):
        machine.write_memory(ADC1_CR, bytes(4))
    with pytest.raises(MemoryFault):
        machine.read_memory(ADC1_CR, 4)
    with pytest.raises(MemoryFault):
        machine.read_memory(0x20002000, 4)
    with pytest.raises(MemoryFault):
        machine.write_memory(0x20001FFE, b"1234")
    run(machine)
    assert machine.status().state is CoreState.RUNNING


def test_breakpoints_and_watchpoints_hold_over_a_power_cycle(machine: TwinMachine) -> None:
    start(machine, "main: nop\n nop\n b main")
    at = int.from_bytes(machine.read_memory(ORIGIN + 4, 4), "little") + 1
    machine.set_breakpoint(at)
    machine.power_off()
    machine.power_on()
    run(machine)
    assert machine.status().reason is HaltReason.BREAKPOINT
    assert machine.read_register("pc") == at
    machine.forget_debugger()
    machine.resume()
    run(machine)
    assert machine.status().state is CoreState.RUNNING


def test_the_firmware_is_told_which_reset_a_debugger_made(machine: TwinMachine) -> None:
    """SFTRSTF and PINRSTF of RCC_CSR, as internal resets drive the pin too; PINRSTF alone for the pin (RM0377 7.3)."""
    # Keeps the flags, as firmware that asks does, and clears them (RMVF).
    start(
        machine,
        f"main: ldr r0, ={RCC_CSR:#x}; ldr r1, [r0]; lsrs r4, r1, #24; movs r2, #1; lsls r2, #23; str r2, [r0]\n b .",
    )
    debug = CoreDebug(machine)

    def flags() -> int:
        run(machine)
        machine.halt()
        return machine.read_register("r4") << 24

    assert flags() == RESET_BY_POWER | RESET_BY_PIN
    debug.write(AIRCR, SYSRESETREQ)
    assert flags() == RESET_BY_SOFTWARE | RESET_BY_PIN
    debug.reset()
    assert flags() == RESET_BY_PIN
    debug.hold_reset(asserted=True)
    debug.hold_reset(asserted=False)
    assert flags() == RESET_BY_PIN
