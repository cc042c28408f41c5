/* RP2040: what starts; the link is UART0 (uart.c, uart/uart_link.h).
 * Core 1 is left where the boot ROM holds it. */
#include "port.h"

#include "board.h"
#include "marker.h"
#include "protocol.h"
#include "rp2040.h"
#include "systick.h"

static uint32_t defect;

void port_init(void) {
    const uint32_t clock_hz = rp2040_clock_start();
    defect = clock_hz == BOARD_CLOCK_HZ ? PROTOCOL_DEFECT_NONE
             : clock_hz == 0            ? PROTOCOL_DEFECT_CRYSTAL
                                        : PROTOCOL_DEFECT_CLOCK;
    (void)rp2040_renew(RESETS_RESET_IO_BANK0 | RESETS_RESET_PADS_BANK0 | RESETS_RESET_UART0);
    rp2040_uart_start(clock_hz != 0 ? clock_hz : RP2040_CRYSTAL_HZ);
    marker_start();
    systick_start();
}

uint32_t port_defect(void) {
    return defect;
}
