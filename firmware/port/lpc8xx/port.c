/* LPC84x: what starts; the link is USART0 (uart.c, uart/uart_link.h). */
#include "port.h"

#include "board.h"
#include "lpc8xx.h"
#include "marker.h"
#include "protocol.h"
#include "systick.h"

#if BOARD_CLOCK_HZ != 24000000u
#error "the board's clock_hz is not 24000000"
#endif

/* The free-running oscillator itself, 24 MHz, instead of the half or sixteenth that the chip starts
 * with. The flash's access time is that of reset: README.md says what that is known from. Nothing
 * here can fail to become ready. */
static void clock_start(void) {
    SYSCON_FROOSCCTRL |= SYSCON_FROOSCCTRL_DIRECT;
    SYSCON_FRODIRECTCLKUEN = 0;
    SYSCON_FRODIRECTCLKUEN = 1;
}

void port_init(void) {
    clock_start();
    lpc8xx_uart_start();
    marker_start();
    systick_start();
}

uint32_t port_defect(void) {
    return PROTOCOL_DEFECT_NONE;
}
