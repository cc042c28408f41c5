/*
 * The registers used here of the LPC84x, named and placed as in UM11029. What each was held
 * against, and what could not be, is in README.md.
 */
#ifndef LPC8XX_H
#define LPC8XX_H

#include <stdbool.h>
#include <stdint.h>

#define LPC8XX_REGISTER(address) (*(volatile uint32_t *)(address))

/* Chapter SYSCON. */
#define SYSCON_FROOSCCTRL           LPC8XX_REGISTER(0x40048028u)
#define SYSCON_FROOSCCTRL_DIRECT    (1u << 17) /* the oscillator itself, not a fraction of it */
#define SYSCON_FRODIRECTCLKUEN      LPC8XX_REGISTER(0x40048030u) /* 0, then 1: take that over */
#define SYSCON_SYSAHBCLKCTRL0       LPC8XX_REGISTER(0x40048080u)
#define SYSCON_SYSAHBCLKCTRL0_GPIO0 (1u << 6)
#define SYSCON_SYSAHBCLKCTRL0_SWM   (1u << 7)
#define SYSCON_SYSAHBCLKCTRL0_UART0 (1u << 14)
#define SYSCON_PRESETCTRL0          LPC8XX_REGISTER(0x40048088u)
#define SYSCON_PRESETCTRL0_UART0    (1u << 14)                   /* a one ends its reset */
#define SYSCON_FCLK0SEL             LPC8XX_REGISTER(0x40048090u) /* of UART0 */
#define SYSCON_FCLK0SEL_MAIN        1u

/* Chapter switch matrix: which pin has USART0's TXD (bits 0 to 7) and RXD (8 to 15), RTS and CTS.
 */
#define SWM_PINASSIGN0            LPC8XX_REGISTER(0x4000C000u)
#define SWM_PINASSIGN0_TX_RX      0xFFFFu
#define SWM_PINASSIGN0_OF(tx, rx) ((tx) | (rx) << 8)

/* Chapter GPIO: port 0. */
#define GPIO_SET0    LPC8XX_REGISTER(0xA0002200u)
#define GPIO_CLR0    LPC8XX_REGISTER(0xA0002280u)
#define GPIO_DIRSET0 LPC8XX_REGISTER(0xA0002380u)

/* Chapter USART. */
#define USART0_CFG           LPC8XX_REGISTER(0x40064000u)
#define USART0_CFG_ENABLE    (1u << 0)
#define USART0_CFG_DATALEN_8 (1u << 2)
#define USART0_STAT          LPC8XX_REGISTER(0x40064008u)
#define USART0_STAT_RXRDY    (1u << 0)
#define USART0_STAT_TXRDY    (1u << 2)
#define USART0_STAT_OVERRUN  (1u << 8) /* a one clears it */
#define USART0_INTENSET      LPC8XX_REGISTER(0x4006400Cu)
#define USART0_INTENCLR      LPC8XX_REGISTER(0x40064010u)
#define USART0_INTEN_RXRDY   (1u << 0)
#define USART0_INTEN_TXRDY   (1u << 2)
#define USART0_RXDAT         LPC8XX_REGISTER(0x40064014u)
#define USART0_TXDAT         LPC8XX_REGISTER(0x4006401Cu)
#define USART0_BRG LPC8XX_REGISTER(0x40064020u) /* what divides the clock to a sample, less 1 */
#define USART0_OSR LPC8XX_REGISTER(0x40064028u) /* samples a bit, less 1 */

#define LPC8XX_USART0_IRQ 3u

/* The pins and USART0. */
void lpc8xx_uart_start(void);

#endif
