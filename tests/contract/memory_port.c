/* A port without a wire: the link's tests hand bytes in and out, and decide what happens to them on
 * the way. */
#include "agent.h"

#include "board.h"

void wire_boot(void);
void wire_feed(const uint8_t *data, uint32_t count);
uint32_t wire_take(uint8_t *data, uint32_t capacity);
void wire_fault(void);
void wire_tick(void);

static struct agent agent;
static _Alignas(8) uint8_t arena[1 << 16];
static uint8_t sent[1 << 20];
static uint32_t sent_bytes;

struct port_memory port_memory(void) {
    return (struct port_memory){.arena = arena,
                                .arena_bytes = sizeof arena,
                                .slot = arena,
                                .slot_bytes = BOARD_SLOT_BYTES,
                                .window_bytes = 2048};
}

void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count && sent_bytes < sizeof sent; i++) {
        sent[sent_bytes++] = data[i];
    }
}

uint32_t port_counter_bits(void) {
    return 24;
}

static bool ticking;
static uint32_t ticks;

uint32_t port_tick_longest_ms(void) {
    return 1000;
}

bool port_tick_start(uint32_t milliseconds) {
    ticking = milliseconds != 0;
    ticks = 0;
    return true;
}

uint32_t port_ticks(void) {
    const uint32_t passed = ticks;
    ticks = 0;
    return passed;
}

/* A period has passed, and the main loop goes round. */
void wire_tick(void) {
    ticks += ticking ? 1u : 0u;
    while (watch_tick(&agent)) {
    }
}

/* A wrapping counter that only stands still between two reads. */
uint32_t port_counter(void) {
    static uint32_t reads;

    return (reads++ * 0x5678u) & 0xFFFFFFu;
}

/* Power on: RAM holds noise, nothing of an earlier life. */
void wire_boot(void) {
    for (uint32_t i = 0; i < sizeof arena; i++) {
        arena[i] = (uint8_t)(i * 151u);
    }
    sent_bytes = 0;
    agent_init(&agent);
}

void wire_feed(const uint8_t *data, uint32_t count) {
    agent_receive(&agent, data, count);
}

uint32_t wire_take(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    for (; count < sent_bytes && count < capacity; count++) {
        data[count] = sent[count];
    }
    sent_bytes = 0;
    return count;
}

/* What a port's fault handler does. */
void wire_fault(void) {
    static const uint32_t stacked[8] = {1, 2, 3, 4, 5, 6, 0x1234, 0x01000003};
    agent_report_fault(&agent, 3, stacked);
}
