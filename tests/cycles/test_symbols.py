"""Which function owns an address, and where vectors lead: from ELF files of all sorts."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from hil.cycles.symbols import NOWHERE, CodeMap, Handler, read_code_map
from hil.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
.syntax unified; .cpu cortex-m0; .thumb; .section .text
vectors: .word 0x20001000, reset + 1, fault + 1, fault + 1, 0, 12, 0x800001C
.type vectors, %object; .size vectors, . - vectors
.macro function name
.thumb_func; .type \\name, %function; \\name:
.endm
.global reset, zweite, alias
function reset
nop; nop; .size reset, . - reset
.balign 16, 0
function outer
nop
function inner
nop; .size inner, . - inner
nop; .size outer, . - outer
function zweite
function alias
nop; .size zweite, . - zweite
function fault  // no size: up to the next function
nop; nop; nop
function last   // no size: up to the section's end
nop; nop
"""


@pytest.fixture
def elf(tmp_path: Path) -> Path:
    (tmp_path / "a.S").write_text(SOURCE)
    command = ["arm-none-eabi-gcc", "-nostdlib", "-Wl,-Ttext=0x8000000", "-Wl,-e,reset", "-o", "a.elf", "a.S"]
    subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path / "a.elf"


def owner(code: CodeMap, address: int) -> str:
    return next((code.names[span.function] for span in code.ranges if span.start <= address < span.end), NOWHERE)


def test_owners(elf: Path) -> None:
    code = read_code_map(elf)
    reset = 0x800001C
    owners = [owner(code, address) for address in range(reset - 2, reset + 32, 2)]
    assert owners == [
        *(NOWHERE, "reset", "reset"),
        *("outer", "inner", "outer", "alias"),
        *["fault"] * 3,
        *["last"] * 3,  # with what fills the section up
        *[NOWHERE] * 4,
    ]
    assert code.names[0] == NOWHERE
    assert code.indices("alias") == code.indices("zweite")
    assert [code.names[index] for index in code.indices("zweite")] == ["alias"]
    with pytest.raises(InputError, match="no function 'ltc_step'"):
        code.indices("ltc_step")


def test_vectors_that_lead_to_functions(elf: Path) -> None:
    code = read_code_map(elf)
    entry = dict(zip(code.names, code.entries, strict=True))
    # The table is as long as its symbol says; its sixth word leads to no function, its last to an even address.
    assert code.handlers == (Handler(entry["reset"], 1), Handler(entry["fault"], 2))
    assert read_code_map(elf, vectors=0x8000004).handlers == (Handler(entry["fault"], 1),)


def test_static_functions_of_one_name(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.c").write_text(
            f'__attribute__((noinline)) static void same(void) {{ __asm volatile("nop"); }} void {name}(void);'
            f"void {name}(void) {{ same(); }}"
        )
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m0", "-nostdlib", "-Wl,-e,a", "-o", "a.elf", "a.c", "b.c"]
    subprocess.run(command, cwd=tmp_path, check=True)
    code = read_code_map(tmp_path / "a.elf")
    assert len(code.indices("same")) == 2
    assert [name.partition("@")[0] for name in code.names if "@0x" in name] == ["same", "same"]


def test_files_that_will_not_do(elf: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.elf cannot be read"):
        read_code_map(tmp_path / "nothing.elf")
    with pytest.raises(InputError, match="is no ELF file"):
        read_code_map(tmp_path / "a.S")
    stripped = tmp_path / "stripped.elf"
    subprocess.run(["arm-none-eabi-objcopy", "--strip-all", elf, stripped], check=True)
    with pytest.raises(InputError, match=r"stripped\.elf has no function symbols"):
        read_code_map(stripped)
    (tmp_path / "host.c").write_text("int main(void) { return 0; }")
    subprocess.run(["gcc", "host.c", "-o", "host"], cwd=tmp_path, check=True)
    with pytest.raises(InputError, match="not for Arm"):
        read_code_map(tmp_path / "host")
