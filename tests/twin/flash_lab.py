"""Pieces of assembly on an emulated STM32L031: what its FLASH says to code that runs on the core."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from hil.emulator.twin.core import Stop
from hil.emulator.twin.stm32l031.flash import EEPROM_ORIGIN, FLASH_ORIGIN
from hil.emulator.twin.stm32l031.part import RAM_ORIGIN, Stm32l031

CODE = RAM_ORIGIN + 0x400
STACK = RAM_ORIGIN + 0x2000
LONG = 1 << 26
TPROG = 0.0032

NAMES = f"""
        .syntax unified
        .cpu cortex-m0plus
        .thumb
        .equ FLASH, 0x40022000
        .equ PECR, 0x04
        .equ PEKEYR, 0x0c
        .equ PRGKEYR, 0x10
        .equ OPTKEYR, 0x14
        .equ SR, 0x18
        .equ PAGE, {FLASH_ORIGIN + 0x1000}
        .equ EEPROM, {EEPROM_ORIGIN}
        .macro set register, value
        ldr r1, =\\value
        str r1, [r7, #\\register]
        .endm
        .macro unlock
        set PEKEYR, 0x89abcdef
        set PEKEYR, 0x02030405
        set PRGKEYR, 0x8c9daebf
        set PRGKEYR, 0x13141516
        .endm
        .macro write value, address
        ldr r0, =\\address
        ldr r1, =\\value
        str r1, [r0]
        .endm
        .macro wait
8:      ldr r1, [r7, #SR]
        lsrs r1, r1, #1
        bcs 8b
        .endm
        ldr r7, =FLASH
"""
END = """
        bkpt 0
        .ltorg
"""


@functools.cache
def assemble(text: str, origin: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, elf, binary = (Path(folder) / name for name in ("a.S", "a.elf", "a.bin"))
        source.write_text(text + "\n")
        subprocess.run(["arm-none-eabi-as", source, "-o", f"{elf}.o"], check=True)
        subprocess.run(["arm-none-eabi-ld", f"-Ttext={origin:#x}", "--entry=0", f"{elf}.o", "-o", elf], check=True)
        subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, binary], check=True)
        return binary.read_bytes()


class Lab:
    """A chip with an empty flash, whose core runs what it is given.

    HardFault's handler, in flash, leaves 0xfa in r4 and stops.
    """

    FAULT = FLASH_ORIGIN + 0x100

    def __init__(self) -> None:
        self.chip = Stm32l031(115200)
        vectors = b"".join(word.to_bytes(4, "little") for word in (STACK, CODE | 1, 0, self.FAULT | 1))
        self.chip.flash_content[: len(vectors)] = vectors
        handler = bytes.fromhex("fa2400be")  # movs r4, #0xfa; bkpt 0
        self.chip.flash_content[0x100 : 0x100 + len(handler)] = handler
        self.chip.reset()
        self.chip.core.shared.debug = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.chip.core.close()

    def load(self, text: str, at: int = CODE) -> None:
        code = assemble(NAMES + text + END, at)
        if at >= RAM_ORIGIN:
            self.chip.ram_content[at - RAM_ORIGIN : at - RAM_ORIGIN + len(code)] = code
        else:
            self.chip.flash_content[at - FLASH_ORIGIN : at - FLASH_ORIGIN + len(code)] = code
        self.chip.core.forget_code(at, len(code))
        self.chip.core.write_register("pc", at)

    def run(self, text: str, at: int = CODE) -> Lab:
        """Run a piece to its end."""
        self.load(text, at)
        stop = self.chip.run(LONG)
        assert stop is Stop.BKPT, (stop, self.chip.trouble, self.chip.fault_words())
        return self

    def trouble(self, text: str) -> str:
        """Run a piece that ends in a sentence."""
        self.load(text)
        self.chip.run(LONG)
        return self.chip.trouble

    def __getitem__(self, register: str) -> int:
        return self.chip.core.read_register(register)

    @property
    def sr(self) -> int:
        return self.chip.flash.value["SR"]

    def word(self, address: int) -> int:
        return int.from_bytes(self.chip.core.read(address, 4) or b"", "little")
