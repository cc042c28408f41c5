/* STM32L0: what starts and what idles; the link is in uart.c or spi.c. */
#include "port.h"

#include "board.h"
#include "interrupts.h"
#include "marker.h"
#include "protocol.h"
#include "stm32l0.h"
#include "systick.h"

static uint32_t defect;

void port_init(void) {
    defect = PROTOCOL_DEFECT_NONE;
    if (!stm32l0_clock_start()) {
        /* The core stays on MSI, which can make up to 115200 baud, so that the host hears of it. */
        defect = PROTOCOL_DEFECT_CLOCK;
    }
    stm32l0_link_start(defect != PROTOCOL_DEFECT_NONE);
    marker_start();
    systick_start();
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
