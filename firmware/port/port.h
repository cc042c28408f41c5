/*
 * What a board must offer the agent. One folder a family implements these, and calls main_loop()
 * from its start-up code.
 */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>
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

/* Whether what was written is not all on its way yet: it waits for the host, which may not come. */
bool port_write_pending(void);

/* Bits of the counter of core clock cycles, 0 where there is none; it wraps. */
uint32_t port_counter_bits(void);
uint32_t port_counter(void);

/* Nothing but the caller runs between the two; they do not nest, and received bytes may be lost. */
void port_interrupts_off(void);
void port_interrupts_on(void);

/* Sleep until there may be something to read. */
void port_idle(void);

/* A pin that an instrument can see: high between the two. Without one they do nothing. */
void port_marker_high(void);
void port_marker_low(void);

/* Memory that keeps its content without power, for the program's own use: so many bytes, 0 without.
 * Offsets in bytes, a multiple of 4; the caller keeps within the size. */
uint32_t port_store_bytes(void);
void port_store_read(uint32_t offset, uint32_t *words, uint32_t count);

/* Write words that differ from what is there, one after the other, and read each back; returns how
 * many are as they should be, beginning with the first. Received bytes may be lost meanwhile. If
 * the power goes, the word at work may be anything, those before it are new, those behind it old.
 */
uint32_t port_store_write(uint32_t offset, const uint32_t *words, uint32_t count);

/* Longest time that the core can be stopped for, 0 where it has no such mode. */
uint32_t port_stop_longest_ms(void);

/* With the next port_idle() that has nothing to do, stop the core and its clocks, once: until so
 * many milliseconds have passed (0: no end) or a byte begins to arrive, which is lost. False if
 * what should end it in time does not work: then it does not stop. */
bool port_stop(uint32_t milliseconds);

/* Longest period of a timer that goes on while the core is stopped, 0 where there is none. */
uint32_t port_tick_longest_ms(void);

/* Have it tick, 0 to end that; false if it does not work. Meanwhile the core may stop with its
 * clocks whenever it idles and nothing waits to be sent; when a byte wakes it up, which is lost, it
 * only sleeps until the next tick. */
bool port_tick_start(uint32_t milliseconds);

/* Ticks since the last call, or the start. */
uint32_t port_ticks(void);

/* Bytes of the stack that were never used, or 0xFFFFFFFF where it is not known. */
uint32_t port_stack_unused(void);

#endif
