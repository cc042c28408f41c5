#include "spi_link.h"

#include "barrier.h"
#include "interrupts.h"
#include "port.h"
#include "startup.h"

_Static_assert((SPI_RING_BYTES & (SPI_RING_BYTES - 1u)) == 0, "indices wrap by masking");

/* For room, in the fault handler, where a host may never come. */
#define TRANSMIT_TRIES 0x10000u

static volatile uint8_t ring[SPI_RING_BYTES];
static volatile uint32_t ring_head; /* written with interrupts masked */
static volatile uint32_t ring_tail; /* written by what takes bytes out alone */

static uint8_t received_block[SPI_BLOCK_BYTES];

/* One of the two is offered to the host, from `offset` on: a header and what the host has not taken
 * yet. The other one fills up meanwhile. All with interrupts masked. */
static uint8_t block[2][SPI_BLOCK_BYTES];
static uint32_t armed;         /* which one is offered */
static uint32_t offset;        /* of its header */
static volatile uint32_t left; /* bytes of the stream behind that */
static volatile uint32_t filled;

/* It was clocked and heard no header: MOSI brings nothing. Then data-ready stays low, from which a
 * host can tell that NSS and SCK arrive. */
static bool deaf;

static uint8_t check(uint8_t count, uint8_t other) {
    return (uint8_t)(SPI_MARK ^ SPI_CHECK ^ count ^ other);
}

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static void arm(void) {
    if (left == 0) {
        armed ^= 1u;
        offset = 0;
        left = filled;
        filled = 0;
    }
    /* Of a block that was taken in part the header stands where the bytes taken were. */
    uint8_t *header = &block[armed][offset];
    const uint8_t count = (uint8_t)left;
    const uint8_t more = (uint8_t)filled;
    header[0] = SPI_MARK;
    header[1] = count;
    header[2] = more;
    header[3] = check(count, more);
    spi_port_arm(header, SPI_HEADER_BYTES + left, received_block);
    spi_port_ready(left != 0 && !deaf);
}

/* Offer what has gathered, where nothing is offered. During a transaction its end does it. */
static void offer(void) {
    if (left == 0 && filled != 0 && spi_port_claim()) {
        spi_port_poll(); /* of one that has just ended no interrupt has told yet */
        if (left == 0 && filled != 0) {
            arm();
        }
    }
}

void spi_link_start(void) {
    ring_tail = ring_head;
    left = 0;
    deaf = false;
    /* An empty frame: data-ready is high until the host has read once. */
    block[armed ^ 1u][SPI_HEADER_BYTES] = 0;
    filled = 1;
    arm();
}

static void take(const uint8_t *data, uint32_t count) {
    uint32_t head = ring_head;
    /* Beyond the window that was told: the frame's CRC finds what is lost. */
    count = smaller(count, SPI_RING_BYTES - (head - ring_tail));
    for (uint32_t i = 0; i < count; i++) {
        ring[head++ % SPI_RING_BYTES] = data[i];
    }
    ring_head = head;
}

void spi_link_ended(uint32_t received) {
    /* What was lost is lost in silence: half a frame in its place has the agent tell the host. */
    static const uint8_t cut_frame[] = {2, 0};
    barrier_order(); /* the end was seen before what was received is read */
    const uint32_t count = received_block[1];
    const uint32_t clocked = received_block[2];

    spi_port_ready(false);
    if (received >= SPI_HEADER_BYTES) {
        deaf = received_block[0] != SPI_MARK ||
               received_block[3] != check((uint8_t)count, (uint8_t)clocked);
    }
    /* More may have been received: of transactions that found the slave not armed again yet. */
    if (!deaf && received >= SPI_HEADER_BYTES + count && received >= SPI_HEADER_BYTES + clocked) {
        take(&received_block[SPI_HEADER_BYTES], count);
        const uint32_t taken = smaller(clocked, left);
        left -= taken;
        offset += taken;
    } else if (received >= SPI_HEADER_BYTES) {
        take(cut_frame, sizeof cut_frame);
    }
    arm();
}

bool spi_link_rests(void) {
    return left == 0 && filled == 0;
}

bool spi_link_idle(void) {
    offer();
    return ring_tail == ring_head;
}

uint32_t port_read(uint8_t *data, uint32_t capacity) {
    uint32_t count = 0;
    while (count < capacity && ring_tail != ring_head) {
        data[count++] = ring[ring_tail % SPI_RING_BYTES];
        ring_tail = ring_tail + 1u;
    }
    return count;
}

/* As many bytes as there is room for; returns how many. Without room it has waited until there may
 * be some: asleep, but in the fault handler, which runs with interrupts masked for good. */
static uint32_t enqueue(const uint8_t *data, uint32_t count, uint32_t *tries) {
    const uint32_t masked = interrupts_mask();
    if (filled == SPI_DATA_BYTES) {
        offer();
    }
    const uint32_t done = smaller(count, SPI_DATA_BYTES - filled);
    if (done != 0) {
        uint8_t *room = &block[armed ^ 1u][SPI_HEADER_BYTES + filled];
        for (uint32_t i = 0; i < done; i++) {
            room[i] = data[i];
        }
        filled = filled + done;
    } else if (masked != 0) {
        spi_port_poll();
        *tries += 1u;
    } else {
        interrupts_wait();
    }
    interrupts_restore(masked);
    return done;
}

/* It waits for a host for as long as it takes, but in the fault handler: any transaction, of a new
 * host too, takes what waits. */
void port_write(const uint8_t *data, uint32_t count) {
    uint32_t done = 0;
    uint32_t tries = 0;
    while (done < count && tries < TRANSMIT_TRIES) {
        done += enqueue(&data[done], count - done, &tries);
    }
}

bool port_write_pending(void) {
    return filled != 0;
}

uint32_t startup_poll(uint8_t *byte) {
    spi_port_poll();
    offer();
    return port_read(byte, 1);
}
