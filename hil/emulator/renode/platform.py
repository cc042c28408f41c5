"""The STM32L031 as Renode is told of it, and the commands that power it: text alone.

The names of Renode's models, and how its STM32L071 is put together of them, are from the platform file that it ships
(platforms/cpus/stm32l071.repl, version 1.15.3); addresses and interrupts from RM0377, as in firmware/port/stm32l0.
There is what the firmware uses: no SPI (Renode's is a master alone), no timers, no ADC. No register names are fetched
from anywhere. The core is its ``cortex-m0``: what it calls ``cortex-m0+`` is its Cortex-M3.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hil.emulator.machine import MachineError

if TYPE_CHECKING:
    from pathlib import Path

    from hil.emulator.machine import MachineSpec

DEVICES: Final = (
    *("nvic", "exti", "gpioPortA", "gpioPortB", "gpioPortC", "rtc", "lptim1", "rcc", "pwr", "usart2"),
    "flashController",
)
"""What a reset resets beside the core."""

PROGRAM_LOCK: Final = 0x40022004
"""FLASH_PECR; its two lowest bits are set while the flash takes no writes (RM0377 3.7.2)."""

EEPROM_ORIGIN: Final = 0x08080000
EEPROM_BYTES: Final = 0x400

CONTENT: Final = "content.bin"
"""Name of the file with what a memory is filled with."""

_IDCODE_AT: Final = 0x40015800
_IDCODE: Final = 0x425  # category 2 (RM0377 27.4.1); the revision reads as 0
_MIPS: Final = 16
"""Instructions a microsecond of Renode's time, which goes no faster than the clock on the wall. The chip makes 16
cycles in it, thus fewer instructions."""

_PLATFORM: Final = """\
cpu: CPU.CortexM @ sysbus
    cpuType: "cortex-m0"
    nvic: nvic
    PerformanceInMips: {mips}

nvic: IRQControllers.NVIC @ sysbus 0xE000E000
    priorityMask: 0xC0
    systickFrequency: 16000000
    IRQ -> cpu@0

flash: Memory.MappedMemory @ {{
        sysbus 0x{flash_origin:08X};
        sysbus 0x00000000
    }}
    size: 0x{flash_bytes:X}

eeprom: Memory.MappedMemory @ sysbus 0x{eeprom_origin:08X}
    size: 0x{eeprom_bytes:X}

ram: Memory.MappedMemory @ sysbus 0x{ram_origin:08X}
    size: 0x{ram_bytes:X}

flashController: MTD.STM32L0_FlashController @ {{
        sysbus 0x40022000;
        sysbus new Bus.BusMultiRegistration {{ address: 0x1FF80000; size: 0x100; region: "signature" }}
    }}
    flash: flash
    eeprom: eeprom

exti: IRQControllers.STM32F4_EXTI @ sysbus 0x40010400
    numberOfOutputLines: 30
    firstDirectLine: 23
    26 -> nvic@28
    29 -> nvic@13

gpioPortA: GPIOPort.STM32_GPIOPort @ sysbus <0x50000000, +0x400>
    modeResetValue: 0xEBFFFCFF
    pullUpPullDownResetValue: 0x24000000
    numberOfAFs: 8

gpioPortB: GPIOPort.STM32_GPIOPort @ sysbus <0x50000400, +0x400>
    modeResetValue: 0xFFFFFFFF
    numberOfAFs: 8

gpioPortC: GPIOPort.STM32_GPIOPort @ sysbus <0x50000800, +0x400>
    modeResetValue: 0xFFFFFFFF
    numberOfAFs: 8

rtc: Timers.STM32F4_RTC @ sysbus 0x40002800
    AlarmIRQ -> exti@17
    WakeupIRQ -> exti@20

lptim1: Timers.STM32L0_LpTimer @ sysbus 0x40007C00
    frequency: 37000
    -> exti@29

rcc: Miscellaneous.STM32L0_RCC @ sysbus 0x40021000
    rtc: rtc
    lptimer: lptim1
    systick: nvic

pwr: Miscellaneous.STM32L0_PWR @ sysbus 0x40007000

usart2: UART.STM32F7_USART @ sysbus 0x40004400
    frequency: 16000000
    IRQ -> exti@26

dbgmcu: Memory.ArrayMemory @ sysbus 0x40015800
    size: 0x400

sysbus:
    init:
        Tag <0x40010000, 0x400103FF> "SYSCFG"
"""


def platform(spec: MachineSpec) -> str:
    """The platform description of a board (Renode's ``.repl``)."""
    return _PLATFORM.format(
        mips=_MIPS,
        flash_origin=spec.flash_origin,
        flash_bytes=spec.flash_bytes,
        ram_origin=spec.ram_origin,
        ram_bytes=spec.ram_bytes,
        eeprom_origin=EEPROM_ORIGIN,
        eeprom_bytes=EEPROM_BYTES,
    )


def script(spec: MachineSpec, folder: Path, *, uart_port: int, gdb_port: int, nonce: str) -> str:
    """The commands that Renode starts with (its ``.resc``). It stops at the first that fails.

    WFI is made to do nothing: Renode does not step a core that sleeps, nor does a debugger wake it. A program must
    expect a WFI that ends without an interrupt; what it costs is that Renode never rests.

    Args:
        spec: the board's facts.
        folder: where the platform description is, as ``board.repl``, and what the flash is filled with, `CONTENT`.
        uart_port: TCP port for the UART's stream.
        gdb_port: TCP port for the gdb server.
        nonce: printed at the end, so that it is known who listens on these ports.
    """
    return "\n".join(
        (
            f'$word="{nonce}"',
            "logLevel 2",
            'mach create "board"',
            f"machine LoadPlatformDescription {quoted(folder / 'board.repl')}",
            load(folder, spec.flash_origin),
            f"sysbus WriteDoubleWord 0x{_IDCODE_AT:08X} 0x{_IDCODE:X}",
            "sysbus.cpu WfiAsNop true",
            f'emulation CreateServerSocketTerminal {uart_port} "uart" false',
            "connector Connect sysbus.usart2 uart",
            f"machine StartGdbServer {gdb_port} false",
            "echo $word",
            "",
        )
    )


def load(folder: Path, origin: int) -> str:
    """The command that fills a memory from `CONTENT` of a folder."""
    return f"sysbus LoadBinary {quoted(folder / CONTENT)} 0x{origin:08X}"


def idle_program(spec: MachineSpec) -> bytes:
    """Vectors and an endless loop. Renode must start with some: it halts a core without any for good."""
    loop = spec.flash_origin + 8
    return (spec.ram_origin + spec.ram_bytes).to_bytes(4, "little") + (loop | 1).to_bytes(4, "little") + b"\xfe\xe7"


def quoted(path: Path) -> str:
    """A path as Renode's commands take it.

    Raises:
        MachineError: they take no such path.
    """
    if not re.fullmatch(r"[\w./+-]+", str(path), re.ASCII):
        raise MachineError(
            f"Renode takes no files from {path}", hint="set TMPDIR to a folder whose name has letters and digits only"
        )
    return f"@{path}"
