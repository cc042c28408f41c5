/* What a port may offer, and this one does not: a marker, a store, Stop mode. */
#include "port.h"

void port_marker_high(void) {
}

void port_marker_low(void) {
}

uint32_t port_store_bytes(void) {
    return 0;
}

void port_store_read(uint32_t offset, uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
}

uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
    return 0;
}

uint32_t port_stop_longest_ms(void) {
    return 0;
}

void port_stop(uint32_t milliseconds) {
    (void)milliseconds;
}

uint32_t port_tick_longest_ms(void) {
    return 0;
}

void port_tick_start(uint32_t milliseconds) {
    (void)milliseconds;
}

uint32_t port_ticks(void) {
    return 0;
}
