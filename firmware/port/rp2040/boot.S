/*
 * The second stage of the RP2040's boot: the boot ROM copies the first 256 bytes of the flash to RAM, checks the CRC in
 * the last four, and runs them (data sheet, 2.8.1.3.1). Here they have the flash read through the address space, by the
 * command that every serial flash knows (03h, one bit at a time), and go on to the vector table behind them. The
 * flash's cache makes that no slower than faster commands for code that it holds.
 *
 * Registers: chapter SSI. It is the same in every build, so its CRC is written here; tests/boards reckons it again.
 */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ XIP_SSI, 0x18000000
    .equ SSIENR, 0x08
    .equ BAUDR, 0x14
    .equ CTRLR0, 0x00
    .equ CTRLR1, 0x04
    .equ SPI_CTRLR0, 0xF4
    .equ PROGRAM, 0x10000100
    .equ VTOR, 0xE000ED08

    .section .boot, "a"
boot:
    ldr r4, =XIP_SSI
    adr r0, settings
    adr r1, settings_end
1:  ldmia r0!, {r2, r3}
    str r3, [r4, r2]
    cmp r0, r1
    bne 1b
    ldr r0, =PROGRAM
    ldr r1, =VTOR
    str r0, [r1]
    ldmia r0!, {r1, r2}
    msr msp, r1
    bx r2

    .balign 4
settings: /* register, value */
    .word SSIENR, 0             /* off, as only then the others can be written */
    .word BAUDR, 4              /* a quarter of clk_sys */
    .word CTRLR0, 31 << 16 | 3 << 8 /* DFS_32: 32 bits; TMOD: command and address, then read; SPI_FRF 0: one bit at a time */
    .word SPI_CTRLR0, 0x03 << 24 | 2 << 8 | 6 << 2 /* XIP_CMD; INST_L: of 8 bits; ADDR_L: 24 bits; TRANS_TYPE 0 */
    .word CTRLR1, 0             /* one word at a time */
    .word SSIENR, 1
settings_end:
    .ltorg
    .org 252
    .word 0xA76472F7 /* CRC-32, polynomial 0x04C11DB7, from all ones on, not reflected, over the 252 bytes */
