/* For a port that has neither Stop mode nor a timer that goes on in it. */
#include "port.h"

uint32_t port_stop_longest_ms(void) {
    return 0;
}

bool port_stop(uint32_t milliseconds) {
    (void)milliseconds;
    return false;
}

uint32_t port_tick_longest_ms(void) {
    return 0;
}

bool port_tick_start(uint32_t milliseconds) {
    return milliseconds == 0;
}

uint32_t port_ticks(void) {
    return 0;
}
