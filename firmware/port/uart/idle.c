/* port_idle() of a family whose core has nothing to wait for but the UART. */
#include "interrupts.h"
#include "port.h"
#include "uart_link.h"

void port_idle(void) {
    /* With interrupts masked a byte that arrives after the test still ends the sleep. */
    const uint32_t masked = interrupts_mask();
    if (uart_link_idle()) {
        interrupts_wait();
    }
    interrupts_restore(masked);
}
