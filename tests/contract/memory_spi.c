/*
 * The agent behind an SPI slave that the test clocks pulse by pulse: the hardware of a family as
 * firmware/port/spi expects it, its interrupt included. The agent runs in a context of its own, and
 * comes back whenever it waits.
 */
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "agent.h"
#include "board.h"
#include "interrupts.h"
#include "spi_link.h"

void bus_boot(void);
void bus_run(void);
void bus_pulse(const uint8_t *mosi, const uint8_t *seen, uint32_t pulses, uint8_t *miso);
void bus_release(bool heard);
void bus_miss(void);
bool bus_ready(void);

static struct agent agent;
static _Alignas(8) uint8_t arena[1 << 16];
static ucontext_t test, core;
static _Alignas(16) uint8_t stack[1 << 18];

/* ---- the core ---- */

uint32_t interrupts_mask(void) {
    return 0;
}

void interrupts_restore(uint32_t masked) {
    (void)masked;
}

void interrupts_wait(void) {
    swapcontext(&core, &test);
}

static void run(void) {
    uint8_t bytes[64];
    for (;;) {
        const uint32_t count = port_read(bytes, sizeof bytes);
        if (count == 0 && spi_link_idle()) {
            interrupts_wait();
        }
        agent_receive(&agent, bytes, count);
    }
}

/* ---- the slave ---- */

static const uint8_t *transmit;
static uint32_t to_send;  /* bytes */
static uint8_t *receive;  /* NULL: not armed */
static uint32_t sent;     /* bits since it was armed */
static uint32_t received; /* bits */
static uint8_t shift;
static bool selected;
static bool ended; /* NSS has risen, and the interrupt not been handled */
static bool ready;

void spi_port_arm(const uint8_t *data, uint32_t count, uint8_t *buffer) {
    transmit = data;
    to_send = count;
    receive = selected ? NULL : buffer;
    sent = 0;
    received = 0;
}

bool spi_port_claim(void) {
    return !selected;
}

void spi_port_ready(bool level) {
    ready = level;
}

static void handle(void);

void spi_port_poll(void) {
    if (ended) {
        handle();
    }
}

struct port_memory port_memory(void) {
    return (struct port_memory){.arena = arena,
                                .arena_bytes = sizeof arena,
                                .slot = arena,
                                .slot_bytes = BOARD_SLOT_BYTES,
                                .window_bytes = SPI_RING_BYTES};
}

uint32_t port_counter_bits(void) {
    return 24;
}

/* A wrapping counter that only stands still between two reads. */
uint32_t port_counter(void) {
    static uint32_t reads;

    return (reads++ * 0x5678u) & 0xFFFFFFu;
}

/* ---- the test ---- */

/* Power on: RAM holds noise, nothing of an earlier life. */
void bus_boot(void) {
    for (uint32_t i = 0; i < sizeof arena; i++) {
        arena[i] = (uint8_t)(i * 151u);
    }
    selected = false;
    ended = false;
    agent_init(&agent);
    getcontext(&core);
    core.uc_stack.ss_sp = stack;
    core.uc_stack.ss_size = sizeof stack;
    core.uc_link = NULL;
    makecontext(&core, run, 0);
    spi_link_start();
}

/* Let the agent run until it waits. */
void bus_run(void) {
    swapcontext(&test, &core);
}

static bool out_bit(void) {
    const uint32_t byte = sent / 8u;
    if (receive == NULL) {
        return true; /* nobody drives the line */
    }
    if (byte >= to_send) {
        return sent % 3u == 0; /* the DMA has nothing more */
    }
    return (transmit[byte] >> (7u - sent % 8u) & 1u) != 0;
}

static void in_bit(bool bit) {
    shift = (uint8_t)(shift << 1 | bit);
    sent++;
    if (++received % 8u == 0 && received <= 8u * SPI_BLOCK_BYTES) {
        receive[received / 8u - 1u] = shift;
    }
}

/* Pulses of SCK while NSS is low: a bit on MOSI and how many pulses the slave sees, each; the bits
 * that the master samples. */
void bus_pulse(const uint8_t *mosi, const uint8_t *seen, uint32_t pulses, uint8_t *miso) {
    selected = true;
    for (uint32_t i = 0; i < pulses; i++) {
        miso[i] = out_bit();
        for (uint8_t n = 0; n < seen[i] && receive != NULL; n++) {
            in_bit(mosi[i] != 0);
        }
    }
}

static void handle(void) {
    const uint32_t bytes = received / 8u;
    ended = false;
    spi_link_ended(receive == NULL ? 0 : bytes < SPI_BLOCK_BYTES ? bytes : SPI_BLOCK_BYTES);
}

/* NSS rises; the interrupt is handled unless interrupts are off. */
void bus_release(bool heard) {
    selected = false;
    ended = true;
    if (heard) {
        handle();
    }
}

/* The next transaction begins while the slave is being armed. */
void bus_miss(void) {
    selected = true;
    if (ended) {
        handle();
    }
    receive = NULL;
}

bool bus_ready(void) {
    return ready;
}
