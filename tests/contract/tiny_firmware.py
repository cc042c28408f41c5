"""Firmware of 300 bytes for emulated boards: counts, echoes, and faults when asked to; or sleeps; or only counts."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hil.board import load_board

if TYPE_CHECKING:
    from pathlib import Path

    from hil.board import Memory

# Each board's serial port: 115200 baud, polled, or an interrupt for each byte.
SERIAL = {
    "microbit": r"""
#define STACK 0x20004000
#define UART_IRQ 2
static int uart_sends;
static void uart_start(void) {
    REG(0x4000250C) = 24; REG(0x40002514) = 25;          /* pins */
    REG(0x40002524) = 0x01E12000; REG(0x40002500) = 4;   /* 2 % over 115200 baud: its echo keeps up; enabled */
    REG(0x40002000) = 1; REG(0x40002008) = 1;            /* STARTRX, STARTTX */
    uart_sends = 0;
}
static void uart_interrupts(void) { REG(0x40002304) = 4; }  /* on RXDRDY */
static int uart_has_byte(void) { return REG(0x40002108) != 0; }
static uint32_t uart_byte(void) { REG(0x40002108) = 0; return REG(0x40002518) & 0xFF; }
static void uart_send(uint32_t byte) {
    while (uart_sends && !REG(0x4000211C)) {}            /* TXDRDY of the one before */
    REG(0x4000211C) = 0;
    REG(0x4000251C) = byte;
    uart_sends = 1;
}
""",
    "nucleo-l031": r"""
#define STACK 0x20002000
#define UART_IRQ 28
static void uart_start(void) {
    REG(0x4002102C) |= 1; REG(0x40021038) |= 1 << 17;    /* clocks of port A and USART2 */
    REG(0x50000020) = 4 << 8; REG(0x50000024) = 4 << 28; /* PA2 and PA15: function 4 */
    REG(0x50000000) = (REG(0x50000000) & ~0xC0000030) | 0x80000020;
    REG(0x4000440C) = 18;                                /* 2097 kHz / 115200 */
    REG(0x40004400) = 0xD;                               /* UE, RE, TE */
}
static void uart_interrupts(void) { REG(0x40004400) |= 1 << 5; }  /* on RXNE */
static int uart_has_byte(void) { return REG(0x4000441C) >> 5 & 1; }
static uint32_t uart_byte(void) { return REG(0x40004424) & 0xFF; }
static void uart_send(uint32_t byte) {
    while (!(REG(0x4000441C) >> 7 & 1)) {}               /* TXE */
    REG(0x40004428) = byte;
}
""",
}

SOURCE = r"""
extern uint32_t data_start, data_end, data_load;
volatile uint32_t counter, faults, ready;
volatile uint32_t magic = 0xC0FFEE;

__attribute__((noinline)) int step(int x) { counter++; return x + 1; }

void hard_fault(void) {
    faults++;
    if (counter == 0xDEAD) __asm volatile(".short 0xde01"); /* a fault inside HardFault: lockup */
    for (;;) {}
}

void start(void) {
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;) *to++ = *from++;
    counter = faults = ready = 0;
    uart_start();
    ready = 0x600D;
    for (int x = 0;; x = step(x)) {
        if (!uart_has_byte()) continue;
        uint32_t c = uart_byte();
        if (c == 'L') counter = 0xDEAD;
        if (c == 'F' || c == 'L') __asm volatile(".short 0xde01");
        uart_send(c ^ 0x20);
    }
}

__attribute__((section(".vectors"), used)) void *const vectors[16] = {
    (void *)STACK, start, hard_fault, hard_fault};
"""

SLEEPY_SOURCE = r"""
volatile uint32_t wakes, bytes;

void fault(void) { for (;;) {} }

void uart(void) { bytes = bytes << 8 | uart_byte(); }

void start(void) {
    wakes = bytes = 0;
    uart_start();
    uart_interrupts();
    REG(0xE000E100) = 1u << UART_IRQ;
    for (;;) {
        __asm volatile("wfi" ::: "memory");
        wakes++;
    }
}

__attribute__((section(".vectors"), used)) void *const vectors[48] = {
    (void *)STACK, start, fault, fault, [16 + UART_IRQ] = uart};
"""

COUNTING_SOURCE = r"""
extern uint32_t data_start, data_end, data_load;
volatile uint32_t counter;
volatile uint32_t magic = 0xC0FFEE;

void fault(void) { for (;;) {} }

void start(void) {
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;) *to++ = *from++;
    for (counter = 0;;) counter++;
}

__attribute__((section(".vectors"), used)) void *const vectors[16] = {
    (void *)STACK, start, fault, fault};
"""

MEMORIES = {
    "microbit": ("cortex-m0", "ORIGIN = 0, LENGTH = 256K", "LENGTH = 16K"),
    "nucleo-l031": ("cortex-m0plus", "ORIGIN = 0x08000000, LENGTH = 32K", "LENGTH = 8K"),
}

LINKER_SCRIPT = """
MEMORY { FLASH (rx) : %s
         RAM (rw) : ORIGIN = 0x20000000, %s }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) . = ALIGN(4); } > FLASH
  .data : { data_start = .; *(.data*) . = ALIGN(4); data_end = .; } > RAM AT > FLASH
  data_load = LOADADDR(.data);
  .bss (NOLOAD) : { *(.bss*) *(COMMON) } > RAM
}
"""


@dataclass(frozen=True)
class TinyFirmware:
    elf: Path
    hex: Path
    bin: Path
    symbols: dict[str, int]
    flash: Memory

    def flash_image(self) -> bytes:
        return self.bin.read_bytes().ljust(self.flash.bytes, bytes([self.flash.erased_byte]))


def build(folder: Path, source: str = SOURCE, board: str = "microbit") -> TinyFirmware:
    core, flash, ram = MEMORIES[board]
    common = "#include <stdint.h>\n#define REG(address) (*(volatile uint32_t *)(address))\n"
    (folder / "tiny.c").write_text(common + SERIAL[board] + source)
    (folder / "tiny.ld").write_text(LINKER_SCRIPT % (flash, ram))
    elf, hexfile, binfile = (folder / f"tiny.{suffix}" for suffix in ("elf", "hex", "bin"))
    flags = [f"-mcpu={core}", "-mthumb", "-O1", "-g", "-nostdlib", "-ffreestanding", "-Ttiny.ld"]
    subprocess.run(["arm-none-eabi-gcc", *flags, "tiny.c", "-o", elf], cwd=folder, check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "ihex", elf, hexfile], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, binfile], check=True)
    listing = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True).stdout
    symbols = {fields[2]: int(fields[0], 16) for line in listing.splitlines() if len(fields := line.split()) == 3}
    return TinyFirmware(elf, hexfile, binfile, symbols, load_board(board).memory.flash)
