/* Kinetis L: what starts, and the marker; the link is UART0 (uart.c, uart/uart_link.h). */
#include "port.h"

#include "kinetis.h"
#include "protocol.h"
#include "systick.h"

static uint32_t defect;

static void marker_start(void) {
#ifdef BOARD_MARKER_PIN
    SIM_SCGC5 |= SIM_SCGC5_PORT(BOARD_MARKER_PORT);
    PORT_PCR(BOARD_MARKER_PORT, BOARD_MARKER_PIN) = PORT_PCR_MUX(1u);
    FGPIO_PDDR(BOARD_MARKER_PORT) |= 1u << BOARD_MARKER_PIN;
#endif
}

void port_marker_high(void) {
#ifdef BOARD_MARKER_PIN
    FGPIO_PSOR(BOARD_MARKER_PORT) = 1u << BOARD_MARKER_PIN;
#endif
}

void port_marker_low(void) {
#ifdef BOARD_MARKER_PIN
    FGPIO_PCOR(BOARD_MARKER_PORT) = 1u << BOARD_MARKER_PIN;
#endif
}

void port_init(void) {
    SIM_COPC = 0; /* the watchdog, which would bite after a second */
    const bool on_time = kinetis_clock_start();
    defect = on_time ? PROTOCOL_DEFECT_NONE : PROTOCOL_DEFECT_CLOCK;
    kinetis_uart_start(!on_time);
    marker_start();
    systick_start();
}

uint32_t port_defect(void) {
    return defect;
}
