/* The rings of the link over a UART (uart_link.h). */
#include "uart_link.h"

#include "interrupts.h"
#include "port.h"
#include "startup.h"

/* ---- what a family's uart_port.h has ---- */

/* What the UART says of itself, read once for both directions. */
static inline uint32_t uart_port_status(void);

/* One received byte; returns how many, 0 or 1. Where the receiver stands still after an error, it
 * goes on: the frame's CRC tells what was lost. */
static inline uint32_t uart_port_receive(uint32_t status, uint8_t *byte);

/* Whether it can take a byte to send; and hand it one. */
static inline bool uart_port_takes(uint32_t status);
static inline void uart_port_send(uint8_t byte);

/* From now on, whether its interrupt comes whenever it can take a byte, also at once. */
static inline void uart_port_ask(bool whenever_it_takes);

#include "uart_port.h"

/* Powers of two. With them the image of a network of 19 neurons and 186 synapses still fits into
 * the RAM of an STM32L031 beside its working memory. */
#define RECEIVE_BYTES  1024u
#define TRANSMIT_BYTES 256u
_Static_assert((RECEIVE_BYTES & (RECEIVE_BYTES - 1u)) == 0, "indices wrap by masking");
_Static_assert((TRANSMIT_BYTES & (TRANSMIT_BYTES - 1u)) == 0, "indices wrap by masking");

/* For room in the ring, which a UART that runs makes within thousands of cycles. */
#define TRANSMIT_TRIES 0x10000u

/* There was none in time. Until there is, what comes is lost, without a wait. */
static bool stuck;

static volatile uint8_t received[RECEIVE_BYTES];
static volatile uint32_t received_head; /* written by the interrupt alone */
static volatile uint32_t received_tail; /* written by port_read() alone */

static volatile uint8_t unsent[TRANSMIT_BYTES];
static volatile uint32_t unsent_head; /* both written with interrupts masked */
static volatile uint32_t unsent_tail;

struct port_memory port_memory(void) {
    return startup_memory(RECEIVE_BYTES);
}

/* One byte of the ring to the UART, if it can take one. Interrupts are masked. */
static inline void transmit(uint32_t status) {
    if (!uart_port_takes(status)) {
        return;
    }
    const uint32_t tail = unsent_tail;
    if (tail == unsent_head) {
        uart_port_ask(false);
        return;
    }
    uart_port_send(unsent[tail % TRANSMIT_BYTES]);
    unsent_tail = tail + 1u;
}

/* Some hundred cycles a byte matter here: what arrives in the meantime raises it again. */
void uart_link_handler(void) {
    const uint32_t status = uart_port_status();
    uint8_t byte;
    if (uart_port_receive(status, &byte) != 0) {
        const uint32_t head = received_head;
        if (head - received_tail < RECEIVE_BYTES) {
            received[head % RECEIVE_BYTES] = byte;
            received_head = head + 1u;
        }
    }
    transmit(status);
}

uint32_t port_read(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && received_tail != received_head) {
        data[count++] = received[received_tail % RECEIVE_BYTES];
        received_tail = received_tail + 1u;
    }
    return count;
}

/* Into the ring; returns whether there was room. Without, it has waited until there may be some:
 * asleep, but in the fault handler, which runs with interrupts masked for good. */
static bool enqueue(uint8_t byte) {
    const uint32_t masked = interrupts_mask();
    const uint32_t head = unsent_head;
    const uint32_t waiting = head - unsent_tail;
    const bool room = waiting < TRANSMIT_BYTES;
    if (room) {
        unsent[head % TRANSMIT_BYTES] = byte;
        unsent_head = head + 1u;
        if (waiting == 0) { /* else it is asked already */
            uart_port_ask(true);
        }
    } else if (masked != 0) {
        transmit(uart_port_status());
    } else {
        interrupts_wait();
    }
    interrupts_restore(masked);
    return room;
}

/* Bounded in the fault handler, which writes too, perhaps before the UART is on: then one byte is
 * waited for in all of its reports. Elsewhere the UART is on, and takes a byte in each byte's time,
 * which ends the sleep. */
void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tries = 0;
        bool done;
        do {
            done = enqueue(data[i]);
        } while (!done && !stuck && ++tries < TRANSMIT_TRIES);
        stuck = !done;
    }
}

uint32_t startup_poll(uint8_t *byte) {
    const uint32_t status = uart_port_status();
    transmit(status);
    return uart_port_receive(status, byte);
}

bool uart_link_idle(void) {
    return received_tail == received_head;
}

/* It sends whether the host listens or not. */
bool port_write_pending(void) {
    return false;
}
