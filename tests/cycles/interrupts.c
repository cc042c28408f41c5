/*
 * Measured work under a storm of interrupts: two timers, one of which preempts the other's handler,
 * PendSV, which is chained to it, SVC within the work itself, and the UART. The result is how many
 * interrupts came.
 */
#include "microbit.h"

#define CALLS 60u

static volatile uint32_t interrupts;
static volatile uint32_t sink;

uint32_t work(uint32_t turns);
uint32_t part(uint32_t value);
void busy(void);

/* What handlers do: 4 cycles a turn (M0), so that they are long enough to be preempted. */
__attribute__((noinline)) void busy(void) {
    for (uint32_t i = 0; i < 40; i++) {
        __asm volatile("");
    }
}

__attribute__((noinline)) uint32_t part(uint32_t value) {
    return (value & 1u) != 0 ? value * 3u + 1u : value >> 1;
}

/* Short blocks, every kind of branch: somewhere an interrupt falls between each and the next. */
__attribute__((noinline)) uint32_t work(uint32_t turns) {
    uint32_t value = 27;
    uint32_t (*volatile by_pointer)(uint32_t) = part;

    for (uint32_t i = 0; i < turns; i++) {
        value = part(value);
        value = by_pointer(value + 1u);
        if ((value & 4u) != 0) {
            value ^= i;
        }
        if ((i & 1023u) == 0) {
            __asm volatile("svc #0");
        }
    }
    return value;
}

static void start_timer(uint32_t n, uint32_t ticks) {
    REG(TIMER(n) + 0x508u) = 3; /* 32 bits */
    REG(TIMER(n) + 0x510u) = 0; /* 16 MHz */
    REG(TIMER(n) + 0x540u) = ticks;
    REG(TIMER(n) + 0x200u) = 1; /* COMPARE0 clears it */
    REG(TIMER(n) + 0x304u) = 1u << 16;
    REG(TIMER(n)) = 1;
}

void timer0_handler(void) {
    REG(TIMER(0) + 0x140u) = 0;
    interrupts++;
    ICSR = ICSR_PENDSVSET;
    busy();
}

void timer1_handler(void) {
    REG(TIMER(1) + 0x140u) = 0;
    interrupts++;
}

void pendsv_handler(void) {
    interrupts++;
}

void svc_handler(void) {
    busy();
}

void uart_handler(void) {
    REG(0x40002108) = 0; /* RXDRDY */
    sink = REG(0x40002518);
    interrupts++;
}

uint32_t test_main(void) {
    uint32_t sum = work(5000); /* undisturbed */

    REG(0x40002304) = 1u << 2;        /* UART: RXDRDY interrupts */
    SHPR3 = 0xC0u << 16;              /* PendSV: lowest priority */
    NVIC_IPR(2) = 0x40u << 8 | 0x80u; /* TIMER1 above TIMER0 */
    NVIC_ISER = 1u << UART_RX_IRQ | 1u << TIMER0_IRQ | 1u << TIMER1_IRQ;
    start_timer(0, 16u * 37u);
    start_timer(1, 16u * 11u);
    for (uint32_t i = 1; i < CALLS; i++) {
        sum ^= work(5000);
    }
    REG(TIMER(0) + 4u) = 1;
    REG(TIMER(1) + 4u) = 1;
    NVIC_ICER = ~0u;
    sink = sum;
    return interrupts;
}
