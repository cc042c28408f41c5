/*
 * The link over SPI1, a slave fed by DMA both ways: at half of the core's clock, its limit, a byte
 * takes 16 cycles, fewer than an interrupt. One interrupt a transaction, when NSS rises (EXTI on
 * the same pin).
 */
#include "barrier.h"
#include "board.h"
#include "core.h"
#include "gpio.h"
#include "port.h"
#include "spi_link.h"
#include "startup.h"
#include "stm32l0.h"

#define RECEIVE  2u /* channels of the DMA */
#define TRANSMIT 3u
#define NSS      (1u << BOARD_SPI_NSS_PIN)

_Static_assert(BOARD_SPI_NSS_PIN >= 4u, "EXTI4_15 is the interrupt of NSS");

static void connect(uint32_t port, uint32_t pin) {
    RCC_IOPENR |= RCC_IOPENR_IOP(port);
    (void)RCC_IOPENR; /* a peripheral is there some cycles after its clock was enabled */
    GPIO_AFR(port, pin) &= ~GPIO_AFR_MASK(pin);
    GPIO_OSPEEDR(port) |= GPIO_OSPEEDR_FASTEST(pin);
    GPIO_MODER(port) = (GPIO_MODER(port) & ~GPIO_MODER_MASK(pin)) | GPIO_MODER_AF(pin);
}

static bool selected(void) {
    return (GPIO_IDR(0) & NSS) == 0;
}

/* Nothing of it is left over: the one byte that the SPI has fetched ahead, bits of a byte that was
 * cut off. Then the slave takes no part in anything. */
static void disarm(void) {
    RCC_APB2RSTR |= RCC_APB2RSTR_SPI1RST;
    RCC_APB2RSTR &= ~RCC_APB2RSTR_SPI1RST;
    DMA_CCR(RECEIVE) = 0;
    DMA_CCR(TRANSMIT) = 0;
    DMA_CNDTR(RECEIVE) = SPI_BLOCK_BYTES;
}

void spi_port_arm(const uint8_t *transmit, uint32_t count, uint8_t *receive) {
    disarm();
    barrier_order(); /* the blocks are as they should be before the DMA may have them */
    DMA_CMAR(RECEIVE) = (uint32_t)(uintptr_t)receive;
    DMA_CCR(RECEIVE) = DMA_CCR_MINC | DMA_CCR_EN;
    DMA_CNDTR(TRANSMIT) = count;
    DMA_CMAR(TRANSMIT) = (uint32_t)(uintptr_t)transmit;
    DMA_CCR(TRANSMIT) = DMA_CCR_MINC | DMA_CCR_DIR | DMA_CCR_EN;
    SPI1_CR2 = SPI1_CR2_RXDMAEN | SPI1_CR2_TXDMAEN;
    SPI1_CR1 = BOARD_SPI_MODE | SPI1_CR1_SPE;
    if (selected()) {
        disarm(); /* the beginning may be missed: its end arms again */
    }
}

bool spi_port_claim(void) {
    return !selected();
}

void spi_port_ready(bool level) {
#ifdef BOARD_SPI_DATA_READY_PIN
    if (level) {
        GPIO_BSRR(BOARD_SPI_DATA_READY_PORT) = 1u << BOARD_SPI_DATA_READY_PIN;
    } else {
        GPIO_BRR(BOARD_SPI_DATA_READY_PORT) = 1u << BOARD_SPI_DATA_READY_PIN;
    }
#else
    (void)level;
#endif
}

void spi_port_poll(void) {
    if ((EXTI_PR & NSS) != 0) {
        EXTI_PR = NSS;
        spi_link_ended(SPI_BLOCK_BYTES - DMA_CNDTR(RECEIVE));
    }
}

/* The end that it is about may have been dealt with, and the next transaction be under way. */
void stm32l0_spi_handler(void) {
    spi_port_poll();
}

struct port_memory port_memory(void) {
    return startup_memory(SPI_RING_BYTES);
}

void stm32l0_link_start(bool on_msi) {
    (void)on_msi; /* then SCK must not be faster than half of MSI */
#ifdef BOARD_SPI_DATA_READY_PIN
    const uint32_t ready_port = BOARD_SPI_DATA_READY_PORT;
    const uint32_t ready = BOARD_SPI_DATA_READY_PIN;
    RCC_IOPENR |= RCC_IOPENR_IOP(ready_port);
    (void)RCC_IOPENR;
    GPIO_MODER(ready_port) =
        (GPIO_MODER(ready_port) & ~GPIO_MODER_MASK(ready)) | GPIO_MODER_OUTPUT(ready);
#endif
    RCC_AHBENR |= RCC_AHBENR_DMAEN;
    RCC_APB2ENR |= RCC_APB2ENR_SPI1EN;
    (void)RCC_APB2ENR;
    DMA_CSELR |= DMA_CSELR_REQUEST(RECEIVE) | DMA_CSELR_REQUEST(TRANSMIT);
    DMA_CPAR(RECEIVE) = SPI1_DR_ADDRESS;
    DMA_CPAR(TRANSMIT) = SPI1_DR_ADDRESS;
    connect(BOARD_SPI_SCK_PORT, BOARD_SPI_SCK_PIN);
    connect(BOARD_SPI_MOSI_PORT, BOARD_SPI_MOSI_PIN);
    connect(BOARD_SPI_MISO_PORT, BOARD_SPI_MISO_PIN);
    GPIO_PUPDR(0) =
        (GPIO_PUPDR(0) & ~GPIO_PUPDR_MASK(BOARD_SPI_NSS_PIN)) | GPIO_PUPDR_UP(BOARD_SPI_NSS_PIN);
    connect(0, BOARD_SPI_NSS_PIN);
    EXTI_RTSR |= NSS; /* of port A, as SYSCFG chooses from reset on */
    EXTI_IMR |= NSS;
    EXTI_PR = NSS;
    spi_link_start();
    NVIC_ISER = 1u << STM32L0_EXTI4_15_IRQ;
}

bool stm32l0_link_idle(void) {
    return spi_link_idle();
}

bool stm32l0_link_rests(void) {
    return spi_link_rests() && !selected();
}

/* A transaction that wakes the core up finds no slave. */
void stm32l0_link_stops(void) {
    disarm();
}

void stm32l0_link_resumes(void) {
    spi_link_ended(0);
}
