/*
 * The link over SPIS1, a slave that has its own way to RAM. A semaphore says whose the buffers are:
 * while the core has it, transactions find no slave and are answered with zeros, which is no
 * header. One interrupt a transaction, when CSN has risen; the shortcut has given the core the
 * semaphore by then, so that transactions which come before the slave is armed again (interrupts
 * are off, say) change nothing. The manual calls NSS CSN.
 */
#include "barrier.h"
#include "board.h"
#include "core.h"
#include "nrf51.h"
#include "port.h"
#include "spi_link.h"
#include "startup.h"

_Static_assert(SPI_BLOCK_BYTES <= 255u, "MAXRX and MAXTX have 8 bits");

/* The semaphore is the core's here: the shortcut has given it, or spi_port_claim() has taken it.
 * A transaction that began meanwhile stays without a slave to its end; the next one finds it. */
void spi_port_arm(const uint8_t *transmit, uint32_t count, uint8_t *receive) {
    SPIS1_RXDPTR = (uint32_t)(uintptr_t)receive;
    SPIS1_MAXRX = SPI_BLOCK_BYTES;
    SPIS1_TXDPTR = (uint32_t)(uintptr_t)transmit;
    SPIS1_MAXTX = count;
    barrier_order(); /* the blocks are as they should be before the slave may have them */
    SPIS1_TASKS_RELEASE = 1;
}

/* Where the slave takes part in no transaction, none can begin after this, as the semaphore is the
 * core's then. Where it does, the task changes nothing: its end gives the core the semaphore. */
bool spi_port_claim(void) {
    SPIS1_TASKS_ACQUIRE = 1;
    return (SPIS1_SEMSTAT & SPIS1_SEMSTAT_MASK) == SPIS1_SEMSTAT_CPU;
}

void spi_port_ready(bool level) {
#ifdef BOARD_SPI_DATA_READY_PIN
    if (level) {
        GPIO_OUTSET = 1u << BOARD_SPI_DATA_READY_PIN;
    } else {
        GPIO_OUTCLR = 1u << BOARD_SPI_DATA_READY_PIN;
    }
#else
    (void)level;
#endif
}

void spi_port_poll(void) {
    if (SPIS1_EVENTS_END != 0) {
        SPIS1_EVENTS_END = 0;
        (void)SPIS1_EVENTS_END; /* the write is through before the handler can end */
        spi_link_ended(SPIS1_AMOUNTRX);
    }
}

void nrf51_spi_handler(void) {
    spi_port_poll();
}

struct port_memory port_memory(void) {
    return startup_memory(SPI_RING_BYTES);
}

void nrf51_link_start(void) {
    /* The slave is ready sooner after CSN has fallen. */
    POWER_TASKS_CONSTLAT = 1;
#ifdef BOARD_SPI_DATA_READY_PIN
    GPIO_PIN_CNF(BOARD_SPI_DATA_READY_PIN) = GPIO_PIN_CNF_OUTPUT;
#endif
    GPIO_PIN_CNF(BOARD_SPI_NSS_PIN) = GPIO_PIN_CNF_INPUT_PULLUP;
    GPIO_PIN_CNF(BOARD_SPI_SCK_PIN) = GPIO_PIN_CNF_INPUT;
    GPIO_PIN_CNF(BOARD_SPI_MOSI_PIN) = GPIO_PIN_CNF_INPUT;
    GPIO_PIN_CNF(BOARD_SPI_MISO_PIN) = GPIO_PIN_CNF_INPUT; /* the slave drives it while selected */
    SPIS1_PSELSCK = BOARD_SPI_SCK_PIN;
    SPIS1_PSELMISO = BOARD_SPI_MISO_PIN;
    SPIS1_PSELMOSI = BOARD_SPI_MOSI_PIN;
    SPIS1_PSELCSN = BOARD_SPI_NSS_PIN;
    SPIS1_CONFIG = SPIS1_CONFIG_MODE(BOARD_SPI_MODE);
    SPIS1_DEF = 0;
    SPIS1_ORC = 0;
    SPIS1_SHORTS = SPIS1_SHORTS_END_ACQUIRE;
    SPIS1_ENABLE = SPIS1_ENABLE_ENABLED; /* the semaphore is the core's */
    SPIS1_INTENSET = SPIS1_INTENSET_END;
    spi_link_start();
    NVIC_ISER = 1u << NRF51_SPIS1_IRQ;
}

bool nrf51_link_idle(void) {
    return spi_link_idle();
}
