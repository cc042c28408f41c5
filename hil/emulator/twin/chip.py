"""A chip: core, bus, peripherals, time. What is special to a part is in its folder (`stm32l031`)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, Self

from hil.emulator.twin.core import ACCESS_FAULTS, FAR, FAULTS, UNPRIVILEGED, Stop
from hil.emulator.twin.recording import RecordedChip
from hil.emulator.twin.registers import PAGE_BYTES, BusError, NotModelledError, Peripheral
from hil.emulator.twin.timebase import Timer
from hil.energy.activity import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hil.emulator.twin.core import Core

__all__ = ["SYSTEM_PAGE_BYTES", "Chip", "Timer"]

SYSTEM_PAGE_BYTES: Final = 0x1000
_SLEEPDEEP: Final = 4  # of SCR
_HARD_FAULT: Final = 3
_MSR_BYTES: Final = 4
_WFE: Final = 2  # of `asleep`


class Chip(RecordedChip):
    """Runs a core and what is around it, in virtual time. Used from one thread.

    Time passes only while something happens: where the core sleeps and an event is due, the clock jumps to it.

    Attributes:
        core: executes.
        trouble: why the chip cannot go on: firmware used what is not modelled. Empty while all is well.
        notes: what the firmware did that loses data on silicon too, each kind once.
        stood_still: how long it has so far, in s.
    """

    def __init__(self, core: Core, clock_hz: int) -> None:
        super().__init__(core, clock_hz)
        core.on_store = self._store
        self.trouble = ""
        self.notes: dict[str, str] = {}
        self.stood_still = Fraction(0)
        self._run_horizon = 0
        self._wake_asked = False
        self._reset_requested = False
        self._refused: dict[int, tuple[int, str]] = {}  # by instruction: address of what a device refused, and why
        self._bus: list[tuple[Peripheral, int]] = []
        self.on_reset: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.core.close()

    def note(self, about: str, text: str) -> None:
        """Remember what the firmware does wrong; the first of each kind stays."""
        if about not in self.notes:
            self.notes[about] = f"{text} (PC 0x{self.core.read_register('pc') & ~1:08x})"

    def wait_until(self, cycle: int) -> None:
        """The core waits on its bus, also from within an access; meanwhile happens what is due."""
        self._idle_to(cycle)
        self._run_due(self.core.shared.clock)

    # Interrupts

    def set_line(self, number: int, *, level: bool) -> None:
        """Drive an interrupt line.

        When it rises the interrupt becomes pending, also while its handler runs; while it is high the interrupt becomes
        pending again whenever its handler is over.
        """
        shared = self.core.shared
        bit = 1 << number
        if not level:
            shared.lines &= ~bit
        elif not shared.lines & bit:
            shared.lines |= bit
            shared.pending |= bit

    # Bus

    @property
    def peripherals(self) -> Sequence[Peripheral]:
        """All on the bus."""
        return [peripheral for peripheral, _ in self._bus]

    def attach(self, peripheral: Peripheral, *, size: int = PAGE_BYTES) -> None:
        """Put a peripheral on the bus at its base address."""
        self._bus.append((peripheral, size))
        clocked = peripheral.clocked

        def read(offset: int, size: int) -> int:
            try:
                if clocked():
                    return peripheral.load(offset, size)
                self._note_unclocked(peripheral)
            except NotModelledError as error:
                self._give_up(error)
            return 0

        def write(offset: int, size: int, value: int) -> bool:
            try:
                if clocked():
                    peripheral.take(offset, size, value)
                else:
                    self._note_unclocked(peripheral)
            except NotModelledError as error:
                self._give_up(error)
            except BusError as error:
                self._refused[self.core.read_register("pc") & ~1] = (peripheral.base + offset, str(error))
                return False
            return True

        self.core.map_registers(peripheral.base, size, read, write)

    def peripheral_at(self, address: int) -> Peripheral | None:
        """Whose registers lie at an address."""
        for peripheral, size in self._bus:
            if peripheral.base <= address < peripheral.base + size:
                return peripheral
        return None

    def _note_unclocked(self, peripheral: Peripheral) -> None:
        self.note(f"clock of {peripheral.name}", f"{peripheral.name} is accessed while its bus clock is off")

    def _give_up(self, error: NotModelledError, *, behind: int = 0) -> None:
        """Have no more of it; PC is so many bytes behind the instruction."""
        if not self.trouble:
            self.trouble = f"the firmware at 0x{(self.core.read_register('pc') & ~1) - behind:08x} {error}"
        self._come_back_by(0)

    # Life

    def request_reset(self) -> None:
        """From within an access or an event: reset as soon as the running block of instructions has ended."""
        self._reset_requested = True
        self._come_back_by(0)

    def reset(self) -> None:
        """Reset everything but the clock and the memories' content."""
        self._clear()
        self.trouble = ""
        self._refused.clear()
        self.standing_still = self._wake_asked = False
        self._reset_requested = False
        self.on_reset()
        for peripheral, _ in self._bus:
            peripheral.reset()
        self.core.reset()
        self.set_up_anew()

    def run(self, horizon: int) -> Stop:
        """Run up to a cycle, and on to the end of the block of instructions that runs then.

        Returns:
            `Stop.DUE` at the horizon, `Stop.ASLEEP` when the core sleeps and nothing will be due; otherwise
            why the core stopped. `trouble` may be set with any of them.
        """
        shared = self.core.shared
        until = self.seconds() + Fraction(max(0, horizon - shared.clock), self.clock_hz)
        self._run_horizon = horizon
        while not self.trouble:
            self._run_events()
            if self._reset_requested:
                self.reset()
            if shared.clock >= horizon or self.trouble:
                return Stop.DUE
            if self.standing_still:
                if self._stand_still(until):
                    continue
                return Stop.DUE if self._timers else Stop.ASLEEP
            if (wait := self.code_waits()) > shared.clock:
                self.wait_until(min(wait, horizon))
                continue
            self._enter(State.RUN)
            stop = self.core.run(self.events.next(), min(self.outside.next(), horizon))
            if not self._goes_on(stop, horizon):
                return stop
        return Stop.DUE

    def _goes_on(self, stop: Stop, horizon: int) -> bool:
        """Whether what stopped the core is no reason to come back."""
        self._look_for_privilege(stop)
        if stop is Stop.ASLEEP:
            return self._sleep(horizon)
        return stop is Stop.DUE or (stop is Stop.BREAKPOINT and self.code_barred())

    def _look_for_privilege(self, stop: Stop) -> None:
        if stop is Stop.FAILED and self.core.shared.failure == UNPRIVILEGED:
            error = NotModelledError("sets nPRIV of CONTROL: the twin does not model unprivileged execution")
            self._give_up(error, behind=_MSR_BYTES)

    def _sleep(self, horizon: int) -> bool:
        """Let the core sleep until something happens, or until a cycle; False where nothing will."""
        shared = self.core.shared
        if shared.system_control & _SLEEPDEEP and self._deep_sleep():
            return True
        self._enter(State.SLEEP)
        due = self._next_due()  # the core may have set something going before it slept
        if due >= FAR:
            return False
        self._idle_to(min(due, horizon))
        return True

    def idle_until(self) -> int:
        """From within an event: the core sleeps on up to a cycle, unless this event wakes it; now where it does not."""
        shared = self.core.shared
        wakes = shared.event | shared.pending if shared.asleep == _WFE else shared.pending & shared.enabled
        if not shared.asleep or self.standing_still or wakes or shared.system_pending:
            return shared.clock
        return max(shared.clock, min(self._next_due(), self._run_horizon))

    def _run_events(self) -> None:
        try:
            self._run_due(self.core.shared.clock)
        except NotModelledError as error:
            self._give_up(error)

    # Deep sleep

    def _deep_sleep(self) -> bool:
        """The core sleeps deeply; False where the chip treats that as sleep."""
        try:
            self.standing_still = self.stop_clock()
        except NotModelledError as error:
            self._give_up(error)
        if self.standing_still:
            self._enter(State.STOP)
        return self.standing_still or not self.core.shared.asleep

    def stop_clock(self) -> bool:
        """Stop the core's clock, as it sleeps deeply; False to have it run on. A part overrides this."""
        return False

    def start_clock(self) -> None:
        """Start the core's clock again. A part overrides this."""

    def wake(self) -> None:
        """Start the core's clock if it stands still and an interrupt or event is there that ends the core's sleep."""
        self._wake_asked = True

    def _wakes(self) -> bool:
        shared = self.core.shared
        awake = not shared.asleep  # a debugger has halted it
        waits = shared.event if shared.asleep == _WFE else 0
        return awake or (self._wake_asked and bool(waits or shared.pending & shared.enabled))

    def _stand_still(self, until: Fraction) -> bool:
        """Let time go by without cycles; False when it is `until`, or nothing is due."""
        since = self.seconds()
        try:
            while not (self._wakes() or self._reset_requested):
                timer = self._next_timer()
                self.pass_time(min(until, timer.due) if timer else self.seconds())
                if timer is None or timer.due > until:
                    return False
                self._happen(timer)
            if not self._reset_requested:
                self._rise()
        except NotModelledError as error:
            self._give_up(error)
        finally:
            self.stood_still += self.seconds() - since
        return True

    def _rise(self) -> None:
        """The core's clock runs again."""
        self.standing_still = self._wake_asked = False
        self._wake_by(self.start_clock)

    def step(self, *, mask_interrupts: bool) -> Stop:
        """Execute one instruction, and let happen what became due with it."""
        self._run_events()
        if self.standing_still:
            self._rise()
        self._enter(State.RUN)
        while (wait := self.code_waits()) > self.core.shared.clock:
            self.wait_until(wait)
        self.core.arrive(mask_interrupts=mask_interrupts)
        self._run_events()
        stop = self.core.step(mask_interrupts=mask_interrupts)
        self._look_for_privilege(stop)
        self._run_events()
        if self._reset_requested:
            self.reset()
        return stop

    @property
    def in_hard_fault(self) -> bool:
        """Whether HardFault's handler runs, or was interrupted."""
        shared = self.core.shared
        return _HARD_FAULT in shared.level[: shared.active]

    def fault_words(self) -> str:
        """What raised the latest HardFault, and what its handler could not do, in words; empty without one."""
        shared = self.core.shared
        words = []
        if shared.fault:
            data = f" (to 0x{shared.fault_address:08x})" if FAULTS[shared.fault] in ACCESS_FAULTS else ""
            address, cause = self._refused.get(shared.fault_pc, (0, ""))
            cause = cause if cause and data and address == shared.fault_address else FAULTS[shared.fault]
            words.append(f"HardFault by {cause}{data} at 0x{shared.fault_pc:08x}")
        if shared.lockup:
            _, cause = self._refused.get(shared.lockup_pc, (0, ""))
            cause = cause if cause and FAULTS[shared.lockup] in ACCESS_FAULTS else FAULTS[shared.lockup]
            words.append(f"lockup by {cause} at 0x{shared.lockup_pc:08x}")
        return ", then ".join(words)

    def code_waits(self) -> int:
        """Cycle at which the code at PC can be fetched; 0 for at once. A part overrides this."""
        return 0

    def code_barred(self) -> bool:
        """Whether the core stopped at PC because the code there must wait first. A part overrides this."""
        return False

    def _store(self, address: int, size: int, value: int) -> bool:
        try:
            return self.store(address, size, value)
        except NotModelledError as error:
            self._give_up(error)
            return True

    def store(self, address: int, size: int, value: int) -> bool:
        """A store to memory that takes no plain ones; False for a bus fault. A part overrides this."""
        del address, size, value
        return False
