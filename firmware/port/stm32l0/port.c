/* STM32L0: SysTick as the counter of cycles, and what idles; the link is in uart.c or spi.c. */
#include "port.h"

#include "board.h"
#include "interrupts.h"
#include "protocol.h"
#include "stm32l0.h"

static void counter_start(void) {
    SYST_RVR = SYST_MAX;
    SYST_CVR = 0; /* any value clears it */
    SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_ENABLE;
}

static uint32_t defect;

void port_init(void) {
    defect = PROTOCOL_DEFECT_NONE;
    if (!stm32l0_clock_start()) {
        /* The core stays on MSI, which can make up to 115200 baud, so that the host hears of it. */
        defect = PROTOCOL_DEFECT_CLOCK;
    }
    stm32l0_link_start(defect != PROTOCOL_DEFECT_NONE);
    stm32l0_marker_start();
    counter_start();
}

uint32_t port_defect(void) {
    return defect;
}

void port_idle(void) {
    /* With interrupts masked a byte that arrives after the test still ends the sleep. */
    const uint32_t masked = interrupts_mask();
    if (stm32l0_link_idle() && !stm32l0_tick_waits()) {
        if (stm32l0_stops()) {
            stm32l0_stop();
            if (defect == PROTOCOL_DEFECT_NONE && !stm32l0_clock_resume()) {
                defect = PROTOCOL_DEFECT_CLOCK;
            }
        } else {
            interrupts_wait();
        }
    }
    interrupts_restore(masked);
}

/* ---- counter ---- */

uint32_t port_counter_bits(void) {
    return SYST_BITS;
}

uint32_t port_counter(void) {
    return SYST_MAX - SYST_CVR;
}
