"""A program that answers over SPI by DMA what it heard last, and says by PB1 that it is ready."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 16

_SETUP: Final = """
    put 0x4002102C, 3               // IOPENR
    put 0x40021030, 0x101           // AHBENR
    put 0x40021034, 0x1000          // APB2ENR
    put 0x50000000, 0xEBFFAAFF      // PA4 to PA7
    put 0x50000400, 0xFFFFFFF7      // PB1 is an output
    put 0x40010408, 0x10            // EXTI_RTSR
    put 0x40010400, 0x10            // EXTI_IMR
    put NVIC_ISER, 0x80
    put 0x400200A8, 0x110           // CSELR
    put 0x40020024, 0x4001300C      // CPAR2
    put 0x40020028, 0x20000400      // CMAR2
    put 0x40020038, 0x4001300C      // CPAR3
    put 0x4002003C, 0x20000400      // CMAR3: what the last block has left
    put 0x20000400, 0x03020100
    put 0x20000404, 0x07060504
    put 0x20000408, 0x0B0A0908
    put 0x2000040C, 0x0F0E0D0C
"""
_HANDLER: Final = """
irq7:                               // NSS rises
    push {lr}
    put 0x40010414, 0x10
    put 0x50000428, 2               // PB1 low
    put 0x40021024, 0x1000          // the SPI is reset
    put 0x40021024, 0
    put 0x4002001C, 0
    put 0x40020030, 0
    bl arm
    pop {pc}
arm:
    put 0x40020020, 16              // CNDTR2
    put 0x40020034, 16              // CNDTR3
    put 0x40020030, 0x91            // CCR3: MINC, DIR, EN
    put 0x4002001C, 0x81            // CCR2: MINC, EN
    put 0x40013004, 3
    put 0x40013000, 0x40            // SPE
    put 0x50000418, 2               // PB1 high
    bx lr
"""
ASLEEP: Final = "main:" + _SETUP + "bl arm\n1: wfi\nb 1b\n" + _HANDLER
BUSY: Final = (
    "main:" + _SETUP + "bl arm\nldr r4, =RESULT\n1: ldr r5, [r4]\nadds r5, #1\nstr r5, [r4]\nb 1b\n" + _HANDLER
)
FIRST: Final = bytes(range(BLOCK))
"""What it answers the first block."""
