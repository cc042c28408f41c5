/*
 * The link over UART0, received by interrupt into a ring, sent by polling.
 *
 * Polling is on purpose, and the reason that this does not share uart/uart_link.c: a core that
 * computes has nothing else to do while it sends, and an emulated UART whose other end is slow
 * stalls interrupt-driven transmitters.
 */
#include "port.h"

#include "board.h"
#include "core.h"
#include "nrf51.h"
#include "startup.h"

#define RING_BYTES 2048u /* a power of two */
_Static_assert((RING_BYTES & (RING_BYTES - 1u)) == 0, "indices wrap by masking");

/* For a byte of 10 bits to leave: the time of so many. One is enough on silicon; an emulated UART
 * waits for whoever reads its other end. A try is 5 cycles at least: load, comparison and a branch
 * that is taken. */
#define TRANSMIT_BYTES 1000u
#define TRY_CYCLES     5u
#define TRANSMIT_TRIES (BOARD_CLOCK_HZ / TRY_CYCLES / (BOARD_UART_BAUD / 10u) * TRANSMIT_BYTES)

/* What BAUDRATE is tabulated for. */
_Static_assert(BOARD_UART_BAUD >= 1200u && BOARD_UART_BAUD <= 1000000u,
               "the clock gives no such baud rate");

static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t ring_head; /* written by the interrupt alone */
static volatile uint32_t ring_tail; /* written by port_read() alone */

/* A byte has not left in its time. Until it has, what comes behind it is lost, without a wait. */
static bool stuck;

static uint32_t baud_register(void) {
    /* The manual tabulates 2^32 / 16 MHz times the baud rate, rounded to the upper 20 bits. */
    return (uint32_t)((((uint64_t)BOARD_UART_BAUD << 32) / 16000000u + 0x800u) & 0xFFFFF000u);
}

void nrf51_link_start(void) {
    GPIO_OUTSET = 1u << BOARD_UART_TX_PIN; /* idle level, before the pin drives */
    GPIO_PIN_CNF(BOARD_UART_TX_PIN) = GPIO_PIN_CNF_OUTPUT;
    GPIO_PIN_CNF(BOARD_UART_RX_PIN) = GPIO_PIN_CNF_INPUT_PULLUP;
    UART_PSELTXD = BOARD_UART_TX_PIN;
    UART_PSELRXD = BOARD_UART_RX_PIN;
    UART_BAUDRATE = baud_register();
    UART_ENABLE = UART_ENABLE_ENABLED;
    UART_EVENTS_RXDRDY = 0;
    UART_EVENTS_TXDRDY = 0;
    UART_INTENSET = UART_INTENSET_RXDRDY | UART_INTENSET_ERROR;
    NVIC_ISER = 1u << NRF51_UART_IRQ;
    stuck = false;
    UART_TASKS_STARTTX = 1;
    UART_TASKS_STARTRX = 1;
}

struct port_memory port_memory(void) {
    return startup_memory(RING_BYTES);
}

void nrf51_uart_handler(void) {
    if (UART_EVENTS_ERROR != 0) {
        UART_EVENTS_ERROR = 0;
        UART_ERRORSRC = UART_ERRORSRC; /* written ones clear; the frame's CRC tells what was lost */
    }
    while (UART_EVENTS_RXDRDY != 0) {
        UART_EVENTS_RXDRDY =
            0; /* before RXD is read: reading it raises the event for the next byte */
        const uint8_t byte = (uint8_t)UART_RXD;
        const uint32_t head = ring_head;
        if (head - ring_tail < RING_BYTES) {
            ring[head % RING_BYTES] = byte;
            ring_head = head + 1u;
        }
    }
}

uint32_t port_read(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && ring_tail != ring_head) {
        data[count++] = ring[ring_tail % RING_BYTES];
        ring_tail = ring_tail + 1u;
    }
    return count;
}

/* Whether the last byte has left, within so many tries more. */
static bool left(uint32_t most_tries) {
    for (uint32_t tries = 0; UART_EVENTS_TXDRDY == 0; tries++) {
        if (tries == most_tries) {
            return false;
        }
    }
    return true;
}

/* Bounded, as the fault handler writes too, perhaps before the UART is on: then one byte is waited
 * for in all of its reports. */
void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        stuck = stuck && !left(0);
        if (!stuck) {
            UART_EVENTS_TXDRDY = 0;
            UART_TXD = data[i];
            stuck = !left(TRANSMIT_TRIES);
        }
    }
}

bool nrf51_link_idle(void) {
    return ring_tail == ring_head;
}

uint32_t startup_poll(uint8_t *byte) {
    if (UART_EVENTS_RXDRDY == 0) {
        return 0;
    }
    UART_EVENTS_RXDRDY = 0;
    *byte = (uint8_t)UART_RXD;
    return 1;
}

/* It sends whether the host listens or not. */
bool port_write_pending(void) {
    return false;
}
