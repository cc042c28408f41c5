/*
 * The link over USART2, received and sent by interrupt through a ring each, so that the core
 * computes the next step while the last one is on the wire.
 */
#include "board.h"
#include "interrupts.h"
#include "port.h"
#include "startup.h"
#include "stm32l0.h"

/* Powers of two. With them the image of a network of 19 neurons and 186 synapses still fits into
 * the RAM of an STM32L031 beside its working memory. */
#define RECEIVE_BYTES  1024u
#define TRANSMIT_BYTES 256u
_Static_assert((RECEIVE_BYTES & (RECEIVE_BYTES - 1u)) == 0, "indices wrap by masking");
_Static_assert((TRANSMIT_BYTES & (TRANSMIT_BYTES - 1u)) == 0, "indices wrap by masking");

/* For room in the ring, which a USART that runs makes within thousands of cycles. */
#define TRANSMIT_TRIES 0x10000u

/* 16 samples a bit: the register is the clock over the baud rate, rounded. */
#define BAUD_REGISTER(clock_hz) (((clock_hz) + BOARD_UART_BAUD / 2u) / BOARD_UART_BAUD)
/* Within 1.5 %: of what a receiver bears, some 4 %, the oscillators need their share. */
#define BAUD_FITS(clock_hz)                                                                        \
    (BAUD_REGISTER(clock_hz) >= 16u && BAUD_REGISTER(clock_hz) <= 0xFFFFu &&                       \
     1000ull * (clock_hz) <= 1015ull * BAUD_REGISTER(clock_hz) * BOARD_UART_BAUD &&                \
     1000ull * (clock_hz) >= 985ull * BAUD_REGISTER(clock_hz) * BOARD_UART_BAUD)
_Static_assert(BAUD_FITS(BOARD_CLOCK_HZ), "the clock gives no such baud rate");

static volatile uint8_t received[RECEIVE_BYTES];
static volatile uint32_t received_head; /* written by the interrupt alone */
static volatile uint32_t received_tail; /* written by port_read() alone */

static volatile uint8_t unsent[TRANSMIT_BYTES];
static volatile uint32_t unsent_head; /* both written with interrupts masked */
static volatile uint32_t unsent_tail;

/* ---- start ---- */

void stm32l0_link_start(bool on_msi) {
    const uint32_t baud_register = BAUD_REGISTER(on_msi ? STM32L0_MSI_HZ : BOARD_CLOCK_HZ);
    RCC_IOPENR |= RCC_IOPENR_IOP(0);
    (void)RCC_IOPENR; /* a peripheral is there some cycles after its clock was enabled */
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR;
    const uint32_t tx = BOARD_UART_TX_PIN;
    const uint32_t rx = BOARD_UART_RX_PIN;
    GPIO_AFR(0, tx) = (GPIO_AFR(0, tx) & ~GPIO_AFR_MASK(tx)) | GPIO_AFR_USART2(tx);
    GPIO_AFR(0, rx) = (GPIO_AFR(0, rx) & ~GPIO_AFR_MASK(rx)) | GPIO_AFR_USART2(rx);
    GPIO_PUPDR(0) = (GPIO_PUPDR(0) & ~GPIO_PUPDR_MASK(rx)) | GPIO_PUPDR_UP(rx);
    GPIO_MODER(0) = (GPIO_MODER(0) & ~GPIO_MODER_MASK(rx)) | GPIO_MODER_AF(rx);
    USART2_BRR = baud_register;
    USART2_CR1 = USART2_CR1_UE;
    USART2_CR1 = USART2_CR1_UE | USART2_CR1_RE | USART2_CR1_TE | USART2_CR1_RXNEIE;
    /* Only now, as the transmitter holds its line at the idle level. */
    GPIO_MODER(0) = (GPIO_MODER(0) & ~GPIO_MODER_MASK(tx)) | GPIO_MODER_AF(tx);
    NVIC_ISER = 1u << STM32L0_USART2_IRQ;
}

struct port_memory port_memory(void) {
    return startup_memory(RECEIVE_BYTES);
}

/* ---- bytes ---- */

/* One received byte from the USART, whose status was read; returns how many, 0 or 1. */
static inline uint32_t receive(uint32_t status, uint8_t *byte) {
    if ((status & USART2_ISR_ORE) != 0) {
        /* The receiver stands still until then; the frame's CRC tells what was lost. */
        USART2_ICR = USART2_ICR_ORECF;
    }
    if ((status & USART2_ISR_RXNE) == 0) {
        return 0;
    }
    *byte = (uint8_t)USART2_RDR;
    return 1;
}

/* One byte of the ring to the USART, if it can take one. Interrupts are masked. */
static inline void transmit(uint32_t status) {
    if ((status & USART2_ISR_TXE) == 0) {
        return;
    }
    const uint32_t tail = unsent_tail;
    if (tail == unsent_head) {
        USART2_CR1 &= ~USART2_CR1_TXEIE;
        return;
    }
    USART2_TDR = unsent[tail % TRANSMIT_BYTES];
    unsent_tail = tail + 1u;
}

/* Some hundred cycles a byte matter here: what arrives in the meantime raises it again. */
void stm32l0_usart2_handler(void) {
    const uint32_t status = USART2_ISR;
    uint8_t byte;
    if (receive(status, &byte) != 0) {
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
        if (waiting == 0) { /* else it is set */
            USART2_CR1 |= USART2_CR1_TXEIE;
        }
    } else if (masked != 0) {
        transmit(USART2_ISR);
    } else {
        interrupts_wait();
    }
    interrupts_restore(masked);
    return room;
}

/* Bounded, as the fault handler writes too, perhaps before the USART is on. */
void port_write(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t tries = 0; tries < TRANSMIT_TRIES && !enqueue(data[i]); tries++) {
        }
    }
}

uint32_t startup_poll(uint8_t *byte) {
    const uint32_t status = USART2_ISR;
    transmit(status);
    return receive(status, byte);
}

/* ---- rest ---- */

bool stm32l0_link_idle(void) {
    return received_tail == received_head;
}

bool stm32l0_link_rests(void) {
    if ((USART2_CR1 & USART2_CR1_TXEIE) != 0) {
        return false;
    }
    stm32l0_wait_for(&USART2_ISR, USART2_ISR_TC); /* a byte that is leaving would break */
    return (USART2_ISR & USART2_ISR_BUSY) == 0;
}

void stm32l0_link_stops(void) {
}

void stm32l0_link_resumes(void) {
}

/* It sends whether the host listens or not. */
bool port_write_pending(void) {
    return false;
}
