/*
 * The link over SPI, board's side: blocks, ring and buffers, the same for every family
 * (docs/protocol.md, "Over SPI"). A family implements the first four functions with its SPI slave
 * and DMA, and calls the others. Of port.h this has port_read(), port_write() and
 * port_write_pending(), and startup_poll() of startup.h.
 */
#ifndef SPI_LINK_H
#define SPI_LINK_H

#include <stdbool.h>
#include <stdint.h>

/* One transaction: a header, then a stretch of the byte stream, each way. */
#define SPI_BLOCK_BYTES  252u
#define SPI_HEADER_BYTES 4u
#define SPI_DATA_BYTES   (SPI_BLOCK_BYTES - SPI_HEADER_BYTES)
#define SPI_MARK         0xC5u
#define SPI_CHECK        0x3Au

/* Received bytes that can wait while the core is busy: a power of two. */
#define SPI_RING_BYTES 1024u

/* ---- what a family implements ---- */

/* Ready the slave for one transaction: it sends `count` bytes, then anything, and keeps what it
 * receives: the first SPI_BLOCK_BYTES, into a buffer of that size. What an earlier call had readied
 * is dropped. Interrupts are masked. In a transaction that is under way, or begins meanwhile, the
 * slave takes no part; at its end spi_link_ended(0) may follow. */
void spi_port_arm(const uint8_t *transmit, uint32_t count, uint8_t *receive);

/* With interrupts masked, before arming out of turn: false while a transaction is under way, whose
 * end arms. Where the slave can be taken from the host until it is armed, it is. */
bool spi_port_claim(void);

/* The data-ready line, where the board has one. */
void spi_port_ready(bool level);

/* With interrupts masked: call spi_link_ended() if a transaction has ended that it was not called
 * for yet. */
void spi_port_poll(void);

/* ---- what a family calls ---- */

/* Once, when the hardware is ready: arms. */
void spi_link_start(void);

/* A transaction has ended: so many whole bytes were received since the slave was armed, 0 where it
 * took no part. From the interrupt, or with interrupts masked. Arms again. */
void spi_link_ended(uint32_t received);

/* Whether nothing waits to be sent. Interrupts are masked. */
bool spi_link_rests(void);

/* From port_idle(), with interrupts masked: what waits to be sent is offered; returns whether there
 * is nothing to read. */
bool spi_link_idle(void);

#endif
