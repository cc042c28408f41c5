/*
 * The registers used here of the Kinetis L series, named and placed as in KL25P80M48SF0RM. What
 * each was held against, and what could not be, is in README.md.
 */
#ifndef KINETIS_H
#define KINETIS_H

#include <stdbool.h>
#include <stdint.h>

#define KINETIS_REGISTER(address)   (*(volatile uint32_t *)(address))
#define KINETIS_REGISTER_8(address) (*(volatile uint8_t *)(address))

/* Chapter SIM. */
#define SIM_SOPT2            KINETIS_REGISTER(0x40048004u)
#define SIM_SOPT2_PLLFLLSEL  (1u << 16) /* the PLL's clock / 2, not the FLL's */
#define SIM_SOPT2_UART0SRC   (3u << 26)
#define SIM_SOPT2_UART0SRC_1 (1u << 26) /* what PLLFLLSEL says */
#define SIM_SCGC4            KINETIS_REGISTER(0x40048034u)
#define SIM_SCGC4_UART0      (1u << 10)
#define SIM_SCGC5            KINETIS_REGISTER(0x40048038u)
#define SIM_SCGC5_PORT(port) (1u << (9u + (port)))
#define SIM_CLKDIV1          KINETIS_REGISTER(0x40048044u)
#define SIM_CLKDIV1_OUTDIV1  (1u << 28)                    /* the core's clock: half of the MCG's */
#define SIM_CLKDIV1_OUTDIV4  (1u << 16)                    /* bus and flash: half of the core's */
#define SIM_COPC             KINETIS_REGISTER(0x40048100u) /* watchdog; written once */

/* Chapter MCG. */
#define MCG_C1           KINETIS_REGISTER_8(0x40064000u)
#define MCG_C1_IREFS     (1u << 2) /* the FLL follows the internal reference */
#define MCG_C1_FRDIV     (3u << 3) /* crystal / 256 for the FLL, which wants 31.25 to 39 kHz */
#define MCG_C1_CLKS      (2u << 6) /* out: 0 what C6_PLLS says, 2 the crystal */
#define MCG_C2           KINETIS_REGISTER_8(0x40064001u)
#define MCG_C2_EREFS0    (1u << 2) /* a crystal */
#define MCG_C2_RANGE0    (2u << 4) /* of 8 MHz and more */
#define MCG_C2_LOCRE0    (1u << 7) /* reset value */
#define MCG_C5           KINETIS_REGISTER_8(0x40064004u)
#define MCG_C5_PRDIV0    (1u << 0) /* crystal / 2 for the PLL */
#define MCG_C6           KINETIS_REGISTER_8(0x40064005u)
#define MCG_C6_PLLS      (1u << 6) /* VDIV0 0: * 24 */
#define MCG_S            KINETIS_REGISTER_8(0x40064006u)
#define MCG_S_OSCINIT0   (1u << 1)
#define MCG_S_CLKST      (3u << 2)
#define MCG_S_CLKST_FLL  (0u << 2)
#define MCG_S_CLKST_XTAL (2u << 2)
#define MCG_S_CLKST_PLL  (3u << 2)
#define MCG_S_IREFST     (1u << 4)
#define MCG_S_PLLST      (1u << 5)
#define MCG_S_LOCK0      (1u << 6)

/* Chapter PORT; ports A to E are 0 to 4. */
#define PORT_PCR(port, pin) KINETIS_REGISTER(0x40049000u + 0x1000u * (port) + 4u * (pin))
#define PORT_PCR_PULL_UP    (3u << 0)
#define PORT_PCR_MUX(value) ((value) << 8)

/* Chapter GPIO, at the core's single-cycle port. */
#define FGPIO_REGISTER(port, offset) KINETIS_REGISTER(0xF80FF000u + 0x40u * (port) + (offset))
#define FGPIO_PSOR(port)             FGPIO_REGISTER(port, 0x04u) /* ones set */
#define FGPIO_PCOR(port)             FGPIO_REGISTER(port, 0x08u) /* ones clear */
#define FGPIO_PDDR(port)             FGPIO_REGISTER(port, 0x14u)

/* Chapter UART0: 8 data bits, no parity, 1 stop bit from reset on. */
#define UART0_BDH       KINETIS_REGISTER_8(0x4006A000u)
#define UART0_BDL       KINETIS_REGISTER_8(0x4006A001u)
#define UART0_C2        KINETIS_REGISTER_8(0x4006A003u)
#define UART0_C2_RE     (1u << 2)
#define UART0_C2_TE     (1u << 3)
#define UART0_C2_RIE    (1u << 5)
#define UART0_C2_TIE    (1u << 7)
#define UART0_S1        KINETIS_REGISTER_8(0x4006A004u)
#define UART0_S1_ERRORS (15u << 0) /* overrun, noise, framing, parity: a one clears each */
#define UART0_S1_RDRF   (1u << 5)
#define UART0_S1_TDRE   (1u << 7)
#define UART0_C3        KINETIS_REGISTER_8(0x4006A006u)
#define UART0_C3_ORIE   (1u << 3)
#define UART0_D         KINETIS_REGISTER_8(0x4006A007u)
#define UART0_C4        KINETIS_REGISTER_8(0x4006A00Au) /* samples a bit, less 1 */

#define KINETIS_UART0_IRQ 12u

/* The FLL on the internal reference of 32.768 kHz, * 640, which everything runs from after reset,
 * in Hz. */
#define KINETIS_FLL_HZ 20971520u

/* From the FLL to BOARD_CLOCK_HZ. False if something never became ready: the core then runs from
 * the FLL. */
bool kinetis_clock_start(void);

/* The pins and UART0, fed by what the core runs from: the FLL, or the PLL at BOARD_CLOCK_HZ. */
void kinetis_uart_start(bool on_fll);

#endif
