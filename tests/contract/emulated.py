"""Every emulator of a board, in this process and through a supervisor, for tests that all of them must pass."""

from __future__ import annotations

import dataclasses
import os
import select
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hil.board import load_board
from hil.emulator.backend import find_backend
from hil.emulator.machine import CoreState, HaltReason, Machine, MachineSpec, OwnedMachine, Status
from hil.emulator.power import power
from hil.emulator.remote import RemoteMachine
from hil.emulator.spi_bus import SpiWiring

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.contract.tiny_firmware import TinyFirmware

DEADLINE_S = 60.0
SLICE_S = 0.02  # what is in the target's memory changes without an event


@dataclass(frozen=True)
class Emulated:
    """A board and its emulator, and what differs between them.

    Attributes:
        target: what pyOCD calls its chip.
        interrupt: number of its serial port's.
        pins: registers that set output pins, and that show them.
        opens: what to write to its flash controller so that plain writes program, and `closes` to end that.
        erased_words: words with which erased flash is told to lead nowhere.
    """

    name: str
    backend: str
    target: str
    interrupt: int
    pins: tuple[int, int]
    opens: tuple[tuple[int, int], ...]
    closes: tuple[int, int]
    erased_words: str

    def __str__(self) -> str:
        return self.name if self is not MICROBIT_TWIN else f"{self.name}-{self.backend}"

    @property
    def spec(self) -> MachineSpec:
        board = load_board(self.name)
        memory = board.memory
        emulator = board.emulator(self.backend)
        assert emulator is not None
        assert board.links.uart is not None
        return MachineSpec(
            *(
                board.name,
                emulator.machine,
                memory.flash.origin,
                memory.flash.bytes,
                memory.ram.origin,
                memory.ram.bytes,
            ),
            spi=SpiWiring.of(board.links.spi) if board.links.spi else None,
            part=board.part,
            erased=memory.flash.erased_byte,
            baud=board.links.uart.baud,
            serial_pins=(board.links.uart.tx, board.links.uart.rx),
        )

    @property
    def stack(self) -> int:
        """Where the firmware's stack begins: the end of RAM."""
        return self.spec.ram_origin + self.spec.ram_bytes

    @property
    def erased(self) -> bytes:
        return bytes([self.spec.erased])


MICROBIT = Emulated(
    "microbit",
    "qemu",
    "nrf51",
    interrupt=2,
    pins=(0x50000508, 0x50000504),  # GPIO OUTSET, OUT
    opens=((0x4001E504, 1),),  # NVMC CONFIG: write enable
    closes=(0x4001E504, 0),
    erased_words="0xfffffffe",
)
MICROBIT_TWIN = dataclasses.replace(MICROBIT, backend="twin")
NUCLEO = Emulated(
    "nucleo-l031",
    "twin",
    "stm32l031x6",
    interrupt=28,
    pins=(0x50000018, 0x50000014),  # GPIOA BSRR, ODR
    opens=((0x4002200C, 0x89ABCDEF), (0x4002200C, 0x02030405), (0x40022010, 0x8C9DAEBF), (0x40022010, 0x13141516)),
    closes=(0x40022004, 7),  # FLASH PECR: locked
    erased_words="without the Thumb bit",
)
BOARDS = (MICROBIT, MICROBIT_TWIN, NUCLEO)


@dataclass
class Bench:
    """A machine with the host's end of its serial port, and firmware for it."""

    machine: Machine
    uart_fd: int
    firmware: TinyFirmware
    board: Emulated

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true"
            events = self._events()
            select.select([events] if events is not None else [], [], [], SLICE_S)
            self._poll()

    def _events(self) -> int | socket.socket | None:
        """What becomes readable when the core stops, or the emulator ends."""
        if isinstance(self.machine, RemoteMachine):
            return self.machine._sock
        return self._owned.event_fd()

    @property
    def _owned(self) -> OwnedMachine:
        return self.machine  # type: ignore[return-value]

    def _poll(self) -> None:
        """What a supervisor does between requests."""
        if not isinstance(self.machine, RemoteMachine):
            self._owned.poll()

    def settle(self, seconds: float) -> None:
        """Give the machine time of its own."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._poll()
            time.sleep(0.005)

    def until_status(self, state: CoreState, reason: HaltReason | None = None) -> Status:
        self.until(lambda: self.machine.status().state is state)
        status = self.machine.status()
        assert status.reason is reason
        return status

    def word(self, symbol: str) -> int:
        return self.word_at(self.firmware.symbols[symbol])

    def word_at(self, address: int) -> int:
        return int.from_bytes(self.machine.read_memory(address, 4), "little")

    def exchange(self, data: bytes, answer_bytes: int) -> bytes:
        os.write(self.uart_fd, data)
        answer = b""
        deadline = time.monotonic() + DEADLINE_S
        while len(answer) < answer_bytes:
            assert time.monotonic() < deadline, f"only {answer!r} came back"
            self._poll()
            if select.select([self.uart_fd], [], [], 0 if self._is_here else SLICE_S)[0]:
                answer += os.read(self.uart_fd, 4096)
        return answer

    @property
    def _is_here(self) -> bool:
        return not isinstance(self.machine, RemoteMachine)

    def load(self) -> None:
        self.machine.set_flash_image(self.firmware.flash_image())
        self.machine.reset(halt=False)
        self.until_started()

    def until_started(self) -> None:
        """Until the firmware counts, and its serial port is ready. RAM may hold anything before."""
        self.until(lambda: self.word("ready") == 0x600D and self.word("counter") > 0)


@contextmanager
def here(board: Emulated, _: Path) -> Iterator[tuple[Machine, int]]:
    """Its machine in this process."""
    with ExitStack() as stack:
        make = find_backend(board.backend).machine
        assert make is not None
        machine = make(board.spec, lambda _: None)
        stack.callback(machine.close)
        machine.set_flash_image(board.erased * board.spec.flash_bytes)
        machine.power_on()
        yield machine, machine.uart.host.fileno()


@contextmanager
def supervised(board: Emulated, state: Path) -> Iterator[tuple[Machine, int]]:
    """Its machine in a supervisor's process."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("HIL_STATE_DIR", str(state))
        powered = stack.enter_context(power(load_board(board.name), board.backend))
        port = os.open(powered.serial_path, os.O_RDWR | os.O_NOCTTY)
        stack.callback(os.close, port)
        yield powered.machine, port


PLACES = [(board, make) for board in BOARDS for make in (here, supervised)]
PLACE_IDS = [f"{board}-{make.__name__}" for board, make in PLACES]
