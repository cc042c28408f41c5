#include "systick.h"

#include "core.h"
#include "port.h"

void systick_start(void) {
    SYST_RVR = SYST_MAX;
    SYST_CVR = 0; /* any value clears it */
    SYST_CSR = SYST_CSR_CLKSOURCE | SYST_CSR_ENABLE;
}

uint32_t port_counter_bits(void) {
    return SYST_BITS;
}

uint32_t port_counter(void) {
    return SYST_MAX - SYST_CVR;
}
