/* USART0 for the link over a UART (uart/uart_link.h): its pins, its clock, its baud rate. */
#include "baud.h"
#include "board.h"
#include "core.h"
#include "lpc8xx.h"

#define SAMPLES 16u /* a bit */
_Static_assert(BAUD_FITS(BOARD_CLOCK_HZ, SAMPLES, 1u, 0x10000u),
               "the clock gives no such baud rate");

void lpc8xx_uart_start(void) {
    SYSCON_SYSAHBCLKCTRL0 |= SYSCON_SYSAHBCLKCTRL0_SWM | SYSCON_SYSAHBCLKCTRL0_UART0;
    SYSCON_PRESETCTRL0 &= ~SYSCON_PRESETCTRL0_UART0;
    SYSCON_PRESETCTRL0 |= SYSCON_PRESETCTRL0_UART0;
    SYSCON_FCLK0SEL = SYSCON_FCLK0SEL_MAIN;
    USART0_OSR = SAMPLES - 1u;
    USART0_BRG = BAUD_DIVIDER(BOARD_CLOCK_HZ, SAMPLES) - 1u;
    USART0_CFG = USART0_CFG_DATALEN_8 | USART0_CFG_ENABLE;
    USART0_INTENSET = USART0_INTEN_RXRDY;
    /* Only now, as the transmitter holds its line at the idle level. Pins are pulled up from reset
     * on. */
    SWM_PINASSIGN0 = (SWM_PINASSIGN0 & ~SWM_PINASSIGN0_TX_RX) |
                     SWM_PINASSIGN0_OF(BOARD_UART_TX_PIN, BOARD_UART_RX_PIN);
    SYSCON_SYSAHBCLKCTRL0 &= ~SYSCON_SYSAHBCLKCTRL0_SWM; /* it keeps what it was told */
    NVIC_ISER = 1u << LPC8XX_USART0_IRQ;
}
