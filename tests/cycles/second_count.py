"""Runs `second_count.c`, the independent count of a program's cycles."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.elf.elffile import ELFFile

SOURCE = Path(__file__).with_name("second_count.c")
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
FLASH_BYTES = 0x40000


@dataclass(frozen=True)
class SecondCount:
    """What was counted; cycles as a pair, of the Cortex-M0 and of the Cortex-M0+.

    Attributes:
        sent: what the program sent by its UART.
        instructions: executed.
        calls: of the measured function.
        exclusive: of each function that was executed, by name.
        inclusive: likewise, with what it called.
    """

    sent: bytes
    instructions: int
    calls: list[tuple[int, int]]
    exclusive: dict[str, tuple[int, int]]
    inclusive: dict[str, tuple[int, int]]


def build_second_count(out: Path) -> Path:
    """Compile the interpreter for the host."""
    done = subprocess.run(["gcc", *FLAGS, str(SOURCE), "-o", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


def second_count(program: Path, elf: Path, measured: str, folder: Path, *, blob: tuple[int, bytes]) -> SecondCount:
    """Have an ELF file interpreted until it sleeps.

    Args:
        program: the interpreter.
        elf: what to run.
        measured: the function whose every call is wanted.
        folder: for the interpreter's files.
        blob: what to put into flash beside the program, and where.
    """
    flash = bytearray(FLASH_BYTES)
    functions = []
    with elf.open("rb") as stream:
        file = ELFFile(stream)
        for segment in file.iter_segments("PT_LOAD"):
            at, data = segment["p_paddr"], segment.data()
            flash[at : at + len(data)] = data
        # Of several names of one function the first counts: one that is not the file's own, by the alphabet.
        symbols = file.get_section_by_name(".symtab").iter_symbols()
        for symbol in sorted(symbols, key=lambda each: (each["st_info"]["bind"] == "STB_LOCAL", each.name)):
            if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]:
                start = symbol["st_value"] & ~1
                functions.append(f"{start:x} {start + symbol['st_size']:x} {symbol.name}\n")
    flash[blob[0] : blob[0] + len(blob[1])] = blob[1]
    (folder / "flash").write_bytes(flash)
    (folder / "functions").write_text("".join(functions), encoding="ascii")
    command = [program, folder / "flash", folder / "functions", measured]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    sent, instructions, calls = b"", 0, []
    exclusive, inclusive = {}, {}
    for line in done.stdout.splitlines():
        match line.split():
            case ["sent", *values]:
                sent = bytes.fromhex("".join(values))
            case ["instructions", number]:
                instructions = int(number)
            case ["call", m0, m0plus]:
                calls.append((int(m0), int(m0plus)))
            case ["function", name, *numbers] if any(map(int, numbers)):
                assert name not in exclusive, f"two functions {name}"
                own_m0, own_m0plus, all_m0, all_m0plus = map(int, numbers)
                exclusive[name], inclusive[name] = (own_m0, own_m0plus), (all_m0, all_m0plus)
    return SecondCount(sent, instructions, calls, exclusive, inclusive)
