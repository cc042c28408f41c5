/*
 * What a board must offer the agent. One folder a family implements these, and calls main_loop()
 * from its start-up code.
 */
#ifndef PORT_H
#define PORT_H

#include <stdint.h>

/* The memories that the agent may use, and what the host may have in flight. */
struct port_memory {
    uint8_t *arena; /* aligned to 8; holds a RAM image, a network's working memory, its outputs */
    uint32_t arena_bytes;
    const uint8_t *slot; /* where an image may have been flashed, aligned to 4 */
    uint32_t slot_bytes;
    uint32_t window_bytes; /* encoded bytes that can wait here while the core is busy */
};

/* Clock, pins and link, ready to read and write. */
void port_init(void);

/* What of the board did not work then: an enum protocol_defect. */
uint32_t port_defect(void);

struct port_memory port_memory(void);

/* Move at most `capacity` received bytes to `data`; returns how many, 0 when none is there. Never
 * waits. */
uint32_t port_read(uint8_t *data, uint32_t capacity);

/* Send. A port may keep bytes back until port_idle(), which comes before every wait. */
void port_write(const uint8_t *data, uint32_t count);

/* Bits of the counter of core clock cycles, 0 where there is none; it wraps. */
uint32_t port_counter_bits(void);
uint32_t port_counter(void);

/* Nothing but the caller runs between the two; they do not nest, and received bytes may be lost. */
void port_interrupts_off(void);
void port_interrupts_on(void);

/* Sleep until there may be something to read. */
void port_idle(void);

/* Bytes of the stack that were never used, or 0xFFFFFFFF where it is not known. */
uint32_t port_stack_unused(void);

#endif
