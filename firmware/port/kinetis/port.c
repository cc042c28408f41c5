/* Kinetis L: what starts; the link is UART0 (uart.c, uart/uart_link.h). */
#include "port.h"

#include "kinetis.h"
#include "marker.h"
#include "protocol.h"
#include "systick.h"

static uint32_t defect;

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
