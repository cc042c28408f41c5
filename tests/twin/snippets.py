"""Small programs in assembly for the twin's STM32L031, and a bench to poke its registers directly."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hil.board import load_board
from hil.emulator.spi_bus import SpiWiring
from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.part import Stm32l031

if TYPE_CHECKING:
    from hil.emulator.twin.registers import Peripheral

BAUD: Final = 115200
_LINK: Final = load_board("nucleo-l031").links.spi
assert _LINK is not None
WIRING: Final = SpiWiring.of(_LINK)
SLEEPER: Final = "main: wfi; b main"
"""A program that lets time pass."""

# Set up what is asked for, then sleep deeply again and again; RESULT counts how often the core woke up.
SLEEP: Final = """
    put SCR, 4
    put RESULT, 0
1:  wfi
    ldr r0, =RESULT
    ldr r1, [r0]
    adds r1, #1
    str r1, [r0]
    b 1b
"""
PIN: Final = """
    put 0x4002102C, 1              // IOPENR
    put 0x50000000, 0xEBFFFCF3     // PA1 is an input
    put 0x40010408, 2              // EXTI_RTSR
    put 0x40010400, 2              // EXTI_IMR
    put NVIC_ISER, 0x20
"""
PIN_HANDLER: Final = """
irq5:
    ldr r0, =0x40010414
    movs r1, #2
    str r1, [r0]
    bx lr
"""

_PROLOGUE: Final = """
.syntax unified
.cpu cortex-m0plus
.thumb
.macro put address, value
    ldr r0, =\\address
    ldr r1, =\\value
    str r1, [r0]
.endm
.macro set address, bits
    ldr r0, =\\address
    ldr r1, [r0]
    ldr r2, =\\bits
    orrs r1, r2
    str r1, [r0]
.endm
.equ NVIC_ISER, 0xE000E100
.equ SCR, 0xE000ED10
.equ RESULT, 0x20000000
"""
_INTERRUPTS: Final = 32


@cache
def assemble(code: str, origin: int = 0x08000000) -> bytes:
    """Content of the flash: vectors, and code with a label `main`; `irqN` and `fault` handle what they say."""
    labels = {line.split(":")[0].strip() for line in code.replace(";", "\n").splitlines() if ":" in line}
    vectors = ["0x20001000", "main + 1", *["fault + 1"] * 14]
    vectors += [f"irq{n} + 1" if f"irq{n}" in labels else "fault + 1" for n in range(_INTERRUPTS)]
    fault = "" if "fault" in labels else "fault: b fault\n"
    text = _PROLOGUE + "".join(f".word {each}\n" for each in vectors) + code + "\n" + fault + ".ltorg\n"
    with tempfile.TemporaryDirectory() as folder:
        source, elf, image = (Path(folder) / name for name in ("code.s", "code.elf", "code.bin"))
        source.write_text(text)
        for command in (
            ["arm-none-eabi-gcc", "-nostdlib", f"-Wl,-Ttext={origin:#x},--no-warn-rwx-segments", "-o", elf, source],
            ["arm-none-eabi-objcopy", "-O", "binary", elf, image],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return image.read_bytes()


class Bench(Stm32l031):
    """The chip with a program, running, and its registers within reach; on the board's wires."""

    def __init__(self, code: str = SLEEPER) -> None:
        super().__init__(BAUD)
        self.connect_spi(WIRING)
        image = assemble(code)
        self.flash_content[: len(image)] = image
        self.reset()
        self.by_name = {each.name: each for each in self.peripherals}

    def _place(self, register: str) -> tuple[Peripheral, int]:
        name, _, rest = register.partition("_")
        peripheral = self.by_name[name]
        return peripheral, next(each.offset for each in peripheral.REGISTERS if each.name == rest)

    def write(self, register: str, value: int, *, size: int = 4) -> None:
        peripheral, offset = self._place(register)
        peripheral.write(offset, size, value)

    def set(self, register: str, bits: int) -> None:
        self.write(register, self.read(register) | bits)

    def clear(self, register: str, bits: int) -> None:
        self.write(register, self.read(register) & ~bits)

    def read(self, register: str) -> int:
        peripheral, offset = self._place(register)
        return peripheral.read(offset, 4)

    def wait(self, cycles: int) -> None:
        """Let so many cycles pass, or the time that they take."""
        until = self.now() + cycles
        while self.now() < until and not self.standing_still:
            self.events.at(until, lambda _cycle: None)  # again, as a reset forgets it
            assert self.run(until) in {Stop.DUE, Stop.ASLEEP}, self.fault_words()
            assert not self.trouble, self.trouble

    def word(self, at: int = 0) -> int:
        """A word of what the program has left in RAM."""
        return int.from_bytes(bytes(self.ram_content[at : at + 4]), "little")

    def hsi16(self) -> None:
        """Run from HSI16 in voltage range 1."""
        self.set("RCC_APB1ENR", 1 << 28)
        self.write("PWR_CR", 0x0800)
        self.wait(100)
        self.set("RCC_CR", 1)
        self.wait(100)
        self.set("RCC_CFGR", 1)

    def pin(self, name: str, function: int) -> None:
        """Set a pin to an alternate function."""
        port, number = self.pins.port(name)
        self.set("RCC_IOPENR", 1 << "ABC".index(name[1]))
        moder = self.read(f"{port.name}_MODER") & ~(3 << 2 * number)
        self.write(f"{port.name}_MODER", moder | 2 << 2 * number)
        register = f"{port.name}_AFR{'L' if number < 8 else 'H'}"
        shift = 4 * (number % 8)
        self.write(register, (self.read(register) & ~(0xF << shift)) | function << shift)
