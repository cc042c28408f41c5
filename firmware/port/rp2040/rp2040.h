/*
 * The registers used here, named and placed as in the RP2040 data sheet. What each was held
 * against, and what could not be, is in README.md.
 */
#ifndef RP2040_H
#define RP2040_H

#include <stdbool.h>
#include <stdint.h>

#define RP2040_REGISTER(address) (*(volatile uint32_t *)(address))
/* 2.1.2: a store to the register's alias sets, or clears, the bits that are ones. */
#define RP2040_SET(address)   RP2040_REGISTER((address) + 0x2000u)
#define RP2040_CLEAR(address) RP2040_REGISTER((address) + 0x3000u)

/* Subsystem resets. */
#define RESETS_RESET            0x4000C000u
#define RESETS_RESET_DONE       RP2040_REGISTER(0x4000C008u)
#define RESETS_RESET_IO_BANK0   (1u << 5)
#define RESETS_RESET_PADS_BANK0 (1u << 8)
#define RESETS_RESET_PLL_SYS    (1u << 12)
#define RESETS_RESET_UART0      (1u << 22)

/* Clocks. A CLK_x_SELECTED has the bit that CLK_x_CTRL_SRC has come to. */
#define CLK_REF_CTRL          RP2040_REGISTER(0x40008030u)
#define CLK_REF_CTRL_SRC_XOSC 2u
#define CLK_REF_SELECTED      RP2040_REGISTER(0x40008038u)
#define CLK_REF_DIV           RP2040_REGISTER(0x40008034u)
#define CLK_DIV_1             (1u << 8)
#define CLK_SYS_CTRL          0x4000803Cu
#define CLK_SYS_CTRL_SRC_REF  0u
#define CLK_SYS_CTRL_SRC_AUX  1u /* AUXSRC 0: the PLL */
#define CLK_SYS_DIV           RP2040_REGISTER(0x40008040u)
#define CLK_SYS_SELECTED      RP2040_REGISTER(0x40008044u)
#define CLK_PERI_CTRL         RP2040_REGISTER(0x40008048u)
#define CLK_PERI_CTRL_ENABLE  (1u << 11) /* AUXSRC 0: clk_sys */

/* Crystal oscillator. */
#define XOSC_CTRL               RP2040_REGISTER(0x40024000u)
#define XOSC_CTRL_ENABLE        (0xFABu << 12)
#define XOSC_CTRL_RANGE_1_15MHZ 0xAA0u
#define XOSC_STATUS             RP2040_REGISTER(0x40024004u)
#define XOSC_STATUS_STABLE      (1u << 31)
#define XOSC_STARTUP            RP2040_REGISTER(0x4002400Cu) /* in 256 periods of the crystal */

/* System PLL. */
#define PLL_SYS_CS                     RP2040_REGISTER(0x40028000u) /* REFDIV */
#define PLL_SYS_CS_LOCK                (1u << 31)
#define PLL_SYS_PWR                    0x40028004u
#define PLL_SYS_PWR_PD                 (1u << 0)
#define PLL_SYS_PWR_POSTDIV            (1u << 3)
#define PLL_SYS_PWR_VCO                (1u << 5)
#define PLL_SYS_FBDIV                  RP2040_REGISTER(0x40028008u)
#define PLL_SYS_PRIM                   RP2040_REGISTER(0x4002800Cu)
#define PLL_SYS_PRIM_OF(first, second) ((first) << 16 | (second) << 12)

/* Pins. */
#define IO_BANK0_CTRL(pin)   RP2040_REGISTER(0x40014004u + 8u * (pin)) /* FUNCSEL */
#define IO_BANK0_CTRL_UART   2u
#define IO_BANK0_CTRL_SIO    5u
#define PADS_BANK0_GPIO(pin) RP2040_REGISTER(0x4001C004u + 4u * (pin))
#define PADS_BANK0_PULL_UP   0x5Au /* input, Schmitt trigger, 4 mA, pulled up; reset: pulled down */
#define SIO_GPIO_OUT_SET     RP2040_REGISTER(0xD0000014u)
#define SIO_GPIO_OUT_CLR     RP2040_REGISTER(0xD0000018u)
#define SIO_GPIO_OE_SET      RP2040_REGISTER(0xD0000024u)

/* UART0 (PL011), with its FIFOs off: a byte each way. */
#define UART0_DR           RP2040_REGISTER(0x40034000u)
#define UART0_FR           RP2040_REGISTER(0x40034018u)
#define UART0_FR_RXFE      (1u << 4)
#define UART0_FR_TXFF      (1u << 5)
#define UART0_IBRD         RP2040_REGISTER(0x40034024u)
#define UART0_FBRD         RP2040_REGISTER(0x40034028u)
#define UART0_LCR_H        RP2040_REGISTER(0x4003402Cu)
#define UART0_LCR_H_8_BITS (3u << 5)
#define UART0_CR           RP2040_REGISTER(0x40034030u)
#define UART0_CR_UARTEN    (1u << 0)
#define UART0_CR_TXE       (1u << 8)
#define UART0_CR_RXE       (1u << 9)
#define UART0_IMSC         RP2040_REGISTER(0x40034038u)
#define UART0_IMSC_RXIM    (1u << 4)
#define UART0_IMSC_TXIM    (1u << 5)

#define RP2040_UART0_IRQ 20u

/* The crystal of the Pico, in Hz; the core runs from it where the PLL does not start. */
#define RP2040_CRYSTAL_HZ 12000000u

/* From whatever runs to BOARD_CLOCK_HZ; returns the clock of the core and of UART0 that it has come
 * to. */
uint32_t rp2040_clock_start(void);

/* The pins and UART0, fed by `clock_hz`. */
void rp2040_uart_start(uint32_t clock_hz);

/* Take blocks out of reset, their registers being as after power-up: bits of RESETS_RESET. */
bool rp2040_renew(uint32_t blocks);

#endif
