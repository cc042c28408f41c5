/*
 * A port without any hardware. Every function is weak: whoever links this file, the host's port or
 * a test, writes those that it has something for.
 */
#include "port.h"
#include "protocol.h"

#define ABSENT __attribute__((weak))

ABSENT void port_init(void) {
}

ABSENT uint32_t port_defect(void) {
    return PROTOCOL_DEFECT_NONE;
}

ABSENT uint32_t port_read(uint8_t *data, uint32_t capacity) {
    (void)data;
    (void)capacity;
    return 0;
}

ABSENT uint32_t port_counter_bits(void) {
    return 0;
}

ABSENT uint32_t port_counter(void) {
    return 0;
}

ABSENT void port_interrupts_off(void) {
}

ABSENT void port_interrupts_on(void) {
}

ABSENT void port_idle(void) {
}

ABSENT uint32_t port_stack_unused(void) {
    return UINT32_MAX;
}

ABSENT void port_marker_high(void) {
}

ABSENT void port_marker_low(void) {
}

ABSENT uint32_t port_store_bytes(void) {
    return 0;
}

ABSENT void port_store_read(uint32_t offset, uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
}

ABSENT uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count) {
    (void)offset;
    (void)words;
    (void)count;
    return 0;
}

ABSENT uint32_t port_stop_longest_ms(void) {
    return 0;
}

ABSENT bool port_stop(uint32_t milliseconds) {
    (void)milliseconds;
    return false;
}

ABSENT uint32_t port_tick_longest_ms(void) {
    return 0;
}

ABSENT bool port_tick_start(uint32_t milliseconds) {
    return milliseconds == 0;
}

ABSENT uint32_t port_ticks(void) {
    return 0;
}

ABSENT bool port_write_pending(void) {
    return false;
}
