"""Assembly on the bare core: handlers of all exceptions, a log of marks with their cycles, and a debugger's hands."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from elftools.elf.elffile import ELFFile

from hil.emulator.twin.core import Stop
from hil.emulator.twin.registers import Peripheral
from tests.twin.bare import Bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hil.emulator.twin.registers import Register

STACK: Final = 0x20004000
LONG: Final = 1 << 24
LOG_BASE: Final = 0x40010000
_HANDLERS: Final = {2: "nmi", 3: "hard_fault", 11: "svc", 14: "pendsv", 15: "systick"}
_EXCEPTIONS: Final = 48
_PROLOGUE: Final = f"""
.syntax unified
.cpu cortex-m0plus
.thumb
.equ LOG, {LOG_BASE:#x}
.equ ICSR, 0xE000ED04
.equ SCR, 0xE000ED10
.equ SHPR2, 0xE000ED1C
.equ SHPR3, 0xE000ED20
.equ ISER, 0xE000E100
.equ ISPR, 0xE000E200
.equ ICPR, 0xE000E280
.equ IPR0, 0xE000E400
.equ SYST_CSR, 0xE000E010
.equ SYST_RVR, 0xE000E014
.equ SYST_CVR, 0xE000E018
.equ PENDSVSET, 1 << 28
@ 4 and 2 cycles to the store; changes r2, r3
.macro mark value
    ldr r2, =LOG
    movs r3, #\\value
    str r3, [r2]
.endm
@ changes r2, r3
.macro put address, value
    ldr r2, =\\address
    ldr r3, =\\value
    str r3, [r2]
.endm
"""


@cache
def assemble(code: str, origin: int = 0) -> tuple[bytes, dict[str, int]]:
    """Code and its symbols."""
    with tempfile.TemporaryDirectory() as folder:
        source, unlinked, elf = (Path(folder) / name for name in ("code.s", "code.o", "code.elf"))
        source.write_text(_PROLOGUE + code + "\n.ltorg\n")
        for command in (
            ["arm-none-eabi-as", source, "-o", unlinked],
            ["arm-none-eabi-ld", f"-Ttext={origin:#x}", "-e0", "--no-warn-rwx-segments", unlinked, "-o", elf],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        with elf.open("rb") as stream:
            linked = ELFFile(stream)
            table = linked.get_section_by_name(".symtab")
            symbols = {each.name: each["st_value"] & ~1 for each in table.iter_symbols() if each.name}
            return linked.get_section_by_name(".text").data(), symbols


def with_vectors(code: str, *, stack: int = STACK) -> str:
    """The code behind vectors to `main`, and to what it has of nmi, hard_fault, svc, pendsv, systick, irq0 to irq31."""
    labels = {line.split(":")[0].strip() for line in code.replace(";", "\n").splitlines() if ":" in line}
    vectors = [f"{stack:#x}", "main + 1"]
    for number in range(2, _EXCEPTIONS):
        name = _HANDLERS.get(number, f"irq{number - 16}")
        vectors.append(f"{name} + 1" if name in labels else "unexpected + 1")
    return "".join(f".word {each}\n" for each in vectors) + code + "\nunexpected: b unexpected\n"


class Log(Peripheral):
    """Keeps what is stored, and when the storing instruction began; a load gives the number of loads so far."""

    REGISTERS: ClassVar[Sequence[Register]] = ()

    def __init__(self, rig: Rig) -> None:
        super().__init__("LOG", LOG_BASE)
        self._rig = rig
        self.entries: list[tuple[int, int]] = []
        self.loads = 0

    def load(self, offset: int, size: int) -> int:
        del offset, size
        self.loads += 1
        return self.loads

    def take(self, offset: int, size: int, value: int) -> None:
        del offset, size
        self.entries.append((self._rig.now(), value))


class Rig(Bare):
    """The core with a program at 0, reset and about to execute `main`."""

    def __init__(self, code: str, *, vectors: bool = True, chain: int = 0, port: tuple[int, int] = (0, 0)) -> None:
        super().__init__(chain=chain, port=port)
        self.log = Log(self)
        self.attach(self.log)
        image, self.symbols = assemble(with_vectors(code) if vectors else code)
        assert self.core.write(0, image)
        self.reset()

    @property
    def values(self) -> list[int]:
        """What was logged."""
        return [value for _, value in self.log.entries]

    @property
    def cycles(self) -> list[int]:
        """When."""
        return [cycle for cycle, _ in self.log.entries]

    def register(self, name: str) -> int:
        return self.core.read_register(name)

    def word(self, address: int) -> int:
        data = self.core.read(address, 4)
        assert data is not None
        return int.from_bytes(data, "little")

    def words(self, address: int, count: int) -> list[int]:
        return [self.word(address + 4 * n) for n in range(count)]

    def run_to(self, label: str | int) -> None:
        """Up to the instruction at a label, and no further."""
        at = self.symbols[label] if isinstance(label, str) else label
        assert self.core.breakpoint(at, on=True)
        stop = self.run(self.now() + LONG)
        assert stop is Stop.BREAKPOINT, (stop, hex(self.register("pc")), self.fault_words())
        assert self.register("pc") == at
        self.core.breakpoint(at, on=False)

    def finish(self) -> None:
        """Up to a sleep that nothing ends."""
        stop = self.run(self.now() + LONG)
        assert stop is Stop.ASLEEP, (stop, hex(self.register("pc")), self.fault_words(), self.trouble)

    def step(self, *, mask_interrupts: bool = True) -> Stop:
        return super().step(mask_interrupts=mask_interrupts)
