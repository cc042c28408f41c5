/* nRF51: the crystal, TIMER0 as the counter of cycles, and what idles; the link is in uart.c or
 * spi.c. */
#include "port.h"
#include "interrupts.h"

#include "board.h"
#include "nrf51.h"
#include "protocol.h"
#include "ready.h"

#if BOARD_CLOCK_HZ != 16000000u
#error "the board's clock_hz is not 16000000"
#endif

static uint32_t defect;

void port_init(void) {
    /* A UART needs the crystal: the RC oscillator is off by more than a frame's bits can bear. And
     * seconds that are told of cycles are the crystal's. */
    CLOCK_EVENTS_HFCLKSTARTED = 0;
    CLOCK_TASKS_HFCLKSTART = 1;
    const bool started = becomes(&CLOCK_EVENTS_HFCLKSTARTED, 1u, 1u); /* some 1 ms */
    defect = started ? PROTOCOL_DEFECT_NONE : PROTOCOL_DEFECT_CRYSTAL;
    TIMER0_BITMODE = TIMER0_BITMODE_32;
    TIMER0_PRESCALER = 0;
    TIMER0_TASKS_START = 1;
    nrf51_link_start();
}

uint32_t port_defect(void) {
    return defect;
}

void port_idle(void) {
    /* With interrupts masked a byte that arrives after the test still ends the sleep. */
    const uint32_t masked = interrupts_mask();
    if (nrf51_link_idle()) {
        interrupts_wait();
    }
    interrupts_restore(masked);
}

/* ---- counter ---- */

uint32_t port_counter_bits(void) {
    return 32;
}

uint32_t port_counter(void) {
    TIMER0_TASKS_CAPTURE0 = 1;
    return TIMER0_CC0;
}
