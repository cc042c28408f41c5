"""Debug port, access port and debug registers of the emulated probe, on a machine that only remembers."""

from __future__ import annotations

import pytest

from hil.emulator.machine import Access, CoreState, HaltReason, MemoryFault, Status
from hil.probe.adi import DebugInterface
from hil.probe.core_debug import AIRCR, DCRDR, DCRSR, DEMCR, DFSR, DHCSR, CoreDebug
from hil.probe.coresight import ROM_TABLE, TargetBus

RAM = range(0x20000000, 0x20001000)
KEY = 0xA05F0000
C_DEBUGEN, C_HALT, C_STEP, C_MASKINTS = 1, 2, 4, 8
S_HALT, S_LOCKUP, S_RETIRE_ST, S_RESET_ST = 1 << 17, 1 << 19, 1 << 24, 1 << 25


class FakeMachine:
    """1 KB of RAM, registers that remember, and a list of what it was told to do."""

    def __init__(self) -> None:
        self.state = Status(CoreState.RUNNING)
        self.told: list[str] = []
        self.ram = bytearray(len(RAM))
        self.registers: dict[str, int] = {}

    def power_on(self) -> None: ...

    def power_off(self) -> None: ...

    def status(self) -> Status:
        return self.state

    def halt(self) -> None:
        self.told.append("halt")
        self.state = Status(CoreState.HALTED, HaltReason.REQUEST)

    def resume(self) -> None:
        self.told.append("resume")
        self.state = Status(CoreState.RUNNING)

    def step(self, *, mask_interrupts: bool = True) -> None:
        self.told.append(f"step masked={mask_interrupts}")
        self.state = Status(CoreState.HALTED, HaltReason.STEP)

    def reset(self, *, halt: bool, through_core: bool = False) -> None:
        self.told.append(f"reset halt={halt}" + " through core" * through_core)
        self.state = Status(CoreState.HALTED, HaltReason.RESET) if halt else Status(CoreState.RUNNING)

    def read_memory(self, address: int, size: int) -> bytes:
        if address not in RAM:
            raise MemoryFault(address)
        return bytes(self.ram[address - RAM.start :][:size])

    def write_memory(self, address: int, data: bytes) -> None:
        if address not in RAM:
            raise MemoryFault(address)
        self.ram[address - RAM.start : address - RAM.start + len(data)] = data

    def read_register(self, name: str) -> int:
        return self.registers[name]

    def write_register(self, name: str, value: int) -> None:
        self.registers[name] = value

    def set_breakpoint(self, address: int) -> None:
        self.told.append(f"+{address:x}")

    def remove_breakpoint(self, address: int) -> None:
        self.told.append(f"-{address:x}")

    def set_watchpoint(self, address: int, size: int, access: Access) -> None:
        self.told.append(f"+{address:x}/{size} {access.value}")

    def remove_watchpoint(self, address: int, size: int, access: Access) -> None:
        self.told.append(f"-{address:x}/{size} {access.value}")

    def set_debug(self, *, enabled: bool, catch_hard_fault: bool = False) -> None:
        self.told.append(f"debug {enabled} {catch_hard_fault}")

    def flash_image(self) -> bytes:
        return b""

    def set_flash_image(self, image: bytes) -> None: ...


@pytest.fixture
def machine() -> FakeMachine:
    return FakeMachine()


@pytest.fixture
def core(machine: FakeMachine) -> CoreDebug:
    core = CoreDebug(machine)
    core.write(DHCSR, KEY | C_DEBUGEN)
    machine.told.clear()
    return core


@pytest.fixture
def bus(machine: FakeMachine) -> TargetBus:
    return TargetBus(machine)


def word(bus: TargetBus, address: int) -> int:
    return int.from_bytes(bus.read(address, 4), "little")


def put(bus: TargetBus, address: int, value: int) -> None:
    bus.write(address, value.to_bytes(4, "little"))


def dhcsr(core: CoreDebug) -> int:
    value = core.read(DHCSR)
    assert value is not None
    return value


def test_control_needs_the_key(core: CoreDebug, machine: FakeMachine) -> None:
    core.write(DHCSR, C_DEBUGEN | C_HALT)
    assert machine.told == []
    core.write(DHCSR, KEY | C_DEBUGEN | C_HALT)
    assert machine.told == ["halt"]


def test_halt_step_and_resume_show_in_status_and_cause(core: CoreDebug, machine: FakeMachine) -> None:
    assert not dhcsr(core) & (S_HALT | C_HALT)
    core.write(DHCSR, KEY | C_DEBUGEN | C_HALT)
    assert dhcsr(core) & (S_HALT | C_HALT) == S_HALT | C_HALT
    assert core.read(DFSR) == 1
    core.write(DFSR, 1)
    assert core.read(DFSR) == 0
    core.write(DHCSR, KEY | C_DEBUGEN | C_STEP | C_MASKINTS)
    assert dhcsr(core) & (S_HALT | C_HALT) == S_HALT | C_HALT
    core.write(DHCSR, KEY | C_DEBUGEN | C_STEP)
    core.write(DHCSR, KEY | C_DEBUGEN)
    assert not dhcsr(core) & (S_HALT | C_HALT)
    assert machine.told == ["halt", "step masked=True", "step masked=False", "resume"]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        (HaltReason.REQUEST, 1),
        (HaltReason.BREAKPOINT, 2),
        (HaltReason.WATCHPOINT, 4),
        (HaltReason.VECTOR_CATCH, 8),
        (HaltReason.EMULATOR, 16),
    ],
)
def test_the_cause_of_a_halt_is_in_dfsr(core: CoreDebug, machine: FakeMachine, reason: HaltReason, cause: int) -> None:
    machine.state = Status(CoreState.HALTED, reason)
    assert core.read(DFSR) == cause


def test_lockup_shows_until_halted(core: CoreDebug, machine: FakeMachine) -> None:
    machine.state = Status(CoreState.LOCKUP)
    assert dhcsr(core) & (S_LOCKUP | S_HALT) == S_LOCKUP
    core.write(DHCSR, KEY | C_DEBUGEN | C_HALT)
    assert dhcsr(core) & (S_LOCKUP | S_HALT) == S_HALT


def test_a_reset_is_reported_once(core: CoreDebug, machine: FakeMachine) -> None:
    core.write(AIRCR, 4)  # without the key
    assert machine.told == []
    core.write(AIRCR, 0x05FA0004)
    assert machine.told == ["reset halt=False through core"]
    assert dhcsr(core) & S_RESET_ST
    assert not dhcsr(core) & S_RESET_ST
    assert dhcsr(core) & S_RETIRE_ST


def test_reset_catch_halts(core: CoreDebug, machine: FakeMachine) -> None:
    core.write(DEMCR, 1)
    core.write(AIRCR, 0x05FA0004)
    assert machine.told == ["debug True False", "reset halt=True through core"]
    assert dhcsr(core) & S_HALT
    assert core.read(DFSR) == 8


def test_hard_fault_catch_is_passed_on(core: CoreDebug, machine: FakeMachine) -> None:
    core.write(DEMCR, 1 << 10 | 1 << 24)
    assert core.read(DEMCR) == 1 << 10 | 1 << 24
    core.write(DHCSR, KEY)
    assert machine.told == ["debug True True", "debug False True"]


def test_a_held_reset_pin_holds_the_core(core: CoreDebug, machine: FakeMachine) -> None:
    core.hold_reset(asserted=True)
    assert core.in_reset
    assert dhcsr(core) & S_RESET_ST
    assert dhcsr(core) & S_RESET_ST  # as long as the pin is held
    core.write(DHCSR, KEY | C_DEBUGEN)  # does not let it run
    assert machine.told == ["halt"]
    core.hold_reset(asserted=False)
    assert machine.told == ["halt", "reset halt=False"]
    assert not core.in_reset


def test_registers_go_through_dcrdr(core: CoreDebug, machine: FakeMachine) -> None:
    core.write(DCRDR, 0x101)
    core.write(DCRSR, 1 << 16 | 15)
    assert machine.registers == {}  # the core runs
    core.write(DHCSR, KEY | C_DEBUGEN | C_HALT)
    core.write(DCRSR, 1 << 16 | 15)
    assert machine.registers == {"pc": 0x100}
    machine.registers |= {"control": 2, "primask": 1, "psp": 0x20000800}
    core.write(DCRSR, 20)
    assert core.read(DCRDR) == 0x02000001
    core.write(DCRSR, 18)
    assert core.read(DCRDR) == 0x20000800
    core.write(DCRDR, 0)
    core.write(DCRSR, 1 << 16 | 20)
    assert (machine.registers["control"], machine.registers["primask"]) == (0, 0)


def test_rom_table_leads_to_the_components_of_a_cortex_m0(bus: TargetBus) -> None:
    parts = {}
    for entry in range(ROM_TABLE, ROM_TABLE + 12, 4):
        base = ROM_TABLE + (word(bus, entry) & ~0xFFF) & 0xFFFFFFFF
        assert word(bus, entry) & 3 == 3
        identification = [word(bus, base + at) & 0xFF for at in (0xFF0, 0xFF4, 0xFF8, 0xFFC)]
        assert identification == [0x0D, 0xE0, 0x05, 0xB1]
        parts[base] = word(bus, base + 0xFE0) | (word(bus, base + 0xFE4) & 0xF) << 8
    assert parts == {0xE000E000: 0x008, 0xE0001000: 0x00A, 0xE0002000: 0x00B}
    assert word(bus, ROM_TABLE + 12) == 0
    assert word(bus, ROM_TABLE + 0xFF4) == 0x10


def test_breakpoint_comparators(bus: TargetBus, machine: FakeMachine) -> None:
    assert word(bus, 0xE0002000) >> 4 & 0xF == 4
    put(bus, 0xE0002008, 0x40000101)  # lower halfword of 0x100
    assert machine.told == []  # the unit is off
    put(bus, 0xE0002000, 3)
    put(bus, 0xE000200C, 0xC0000201)  # both halfwords of 0x200
    put(bus, 0xE0002008, 0x80000101)  # upper halfword of 0x100
    assert machine.told[:1] == ["+100"]
    assert sorted(machine.told[1:3]) == ["+200", "+202"]
    assert machine.told[3:] == ["-100", "+102"]
    put(bus, 0xE0002000, 2)
    assert sorted(machine.told[5:]) == ["-102", "-200", "-202"]


def test_watchpoint_comparators(bus: TargetBus, machine: FakeMachine) -> None:
    assert word(bus, 0xE0001000) >> 28 == 2
    put(bus, 0xE0001020, 0x20000010)
    put(bus, 0xE0001024, 2)
    put(bus, 0xE0001028, 6)
    put(bus, 0xE0001028, 7)
    put(bus, 0xE0001028, 0)
    assert machine.told == ["+20000010/4 write", "-20000010/4 write", "+20000010/4 any", "-20000010/4 any"]


def test_private_region_takes_whole_words_and_faults_elsewhere(bus: TargetBus) -> None:
    assert bus.read(0xE000EDF2, 1) == bytes([word(bus, DHCSR) >> 16 & 0xFF])
    for access in (lambda: bus.read(0xE0003000, 4), lambda: bus.write(0xE0003000, bytes(4))):
        with pytest.raises(MemoryFault, match="0xe0003000"):
            access()
    with pytest.raises(MemoryFault):
        bus.write(DCRDR, b"\0")


def test_debug_port_identifies_itself_and_acknowledges_power(bus: TargetBus) -> None:
    interface = DebugInterface(bus, ROM_TABLE)
    assert interface.read_dp(0) == 0x0BB11477
    interface.write_dp(4, 0x50000000)
    assert interface.read_dp(4) == 0xF0000000
    interface.write_dp(4, 0)
    assert interface.read_dp(4) == 0
    interface.write_dp(8, 2)  # another bank
    assert interface.read_dp(0) == 0


def test_access_port_transfers(bus: TargetBus, machine: FakeMachine) -> None:
    interface = DebugInterface(bus, ROM_TABLE)
    assert interface.read_ap(0xFC) == 0x04770021
    assert interface.read_ap(0x010000FC) == 0  # there is no second port
    assert interface.read_ap(0xF8) == ROM_TABLE | 3
    assert interface.read_ap(0) & 1 << 6
    interface.write_ap(0x00, 0x12)  # words, with increment
    interface.write_ap(0x04, RAM.start + 0x3FC)
    interface.write_ap(0x0C, 0x11223344)
    assert interface.read_ap(0x04) == RAM.start  # wraps within 1 KB
    assert machine.ram[0x3FC:0x400] == bytes.fromhex("44332211")
    interface.write_ap(0x04, RAM.start + 0x3FC)
    assert interface.read_ap(0x0C) == 0x11223344
    interface.write_ap(0x00, 0x10)  # bytes: each on its lane
    interface.write_ap(0x04, RAM.start + 1)
    interface.write_ap(0x0C, 0x0000AB00)
    assert machine.ram[:4] == bytes([0, 0xAB, 0, 0])
    interface.write_ap(0x04, RAM.start + 1)
    assert interface.read_ap(0x0C) == 0xAB00
    interface.write_ap(0x04, RAM.start + 0x20)
    interface.write_ap(0x14, 7)
    assert interface.read_ap(0x14) == 7
    assert machine.ram[0x24] == 7
    interface.write_ap(0x04, 0x30000000)
    with pytest.raises(MemoryFault, match="0x30000000"):
        interface.read_ap(0x0C)
