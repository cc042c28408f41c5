/*
 * Stop mode (RM0377 6.3.9), once and only when asked for: a debugger cannot reach a core that is in
 * it. A falling edge at the receiver's or at the NSS pin ends it, or LPTIM1, which counts LSI (37
 * kHz, by its data sheet anything from 26 to 56). The core wakes up on HSI16 in time for the second
 * byte; the first one has no clock to be sampled with, at 115200 baud not even by a USART that asks
 * for HSI16.
 *
 * Interrupts stay masked here: what is pending and enabled ends the sleep, and is cleared again.
 */
#include "port.h"

#include "stm32l0.h"

/* Of LSI behind LPTIM1's prescaler of 32. */
#define TICKS(milliseconds) ((milliseconds) * 37u / 32u)
#define LONGEST_MS          56000u
_Static_assert(TICKS(LONGEST_MS) <= 0xFFFFu, "LPTIM1 has 16 bits");

#define READY_TRIES 100000u /* as in clock.c; also for a byte to leave */
#define WAKE_LINE   (1u << STM32L0_LINK_PIN)
/* EXTI's lines 0 and 1, 2 and 3, 4 to 15 have interrupts 5, 6, 7 (RM0377 11.3). */
#define WAKE_IRQ   (STM32L0_LINK_PIN < 2u ? 5u : STM32L0_LINK_PIN < 4u ? 6u : 7u)
#define INTERRUPTS (1u << WAKE_IRQ | 1u << STM32L0_LPTIM1_IRQ)

static bool asked;
static uint32_t ticks;

uint32_t port_stop_longest_ms(void) {
    return LONGEST_MS;
}

void port_stop(uint32_t milliseconds) {
    asked = true;
    ticks = TICKS(milliseconds);
}

void stm32l0_wait_for(volatile const uint32_t *address, uint32_t bits) {
    for (uint32_t tries = 0; tries < READY_TRIES && (*address & bits) != bits; tries++) {
    }
}

static void timer_start(void) {
    RCC_CSR |= RCC_CSR_LSION;
    stm32l0_wait_for(&RCC_CSR, RCC_CSR_LSIRDY);
    RCC_CCIPR = (RCC_CCIPR & ~RCC_CCIPR_LPTIM1SEL) | RCC_CCIPR_LPTIM1SEL_LSI;
    RCC_APB1ENR |= RCC_APB1ENR_LPTIM1EN;
    (void)RCC_APB1ENR;
    LPTIM1_CFGR = LPTIM1_CFGR_PRESC_32; /* this and IER only while it is off */
    LPTIM1_IER = LPTIM1_ARRM;
    LPTIM1_CR = LPTIM1_CR_ENABLE;
    LPTIM1_ARR = ticks; /* only while it is on */
    stm32l0_wait_for(&LPTIM1_ISR, LPTIM1_ARROK);
    LPTIM1_CR = LPTIM1_CR_ENABLE | LPTIM1_CR_SNGSTRT;
}

static void timer_end(void) {
    LPTIM1_CR = 0;
    LPTIM1_ICR = LPTIM1_ARRM | LPTIM1_ARROK;
    RCC_APB1ENR &= ~RCC_APB1ENR_LPTIM1EN;
    RCC_CSR &= ~RCC_CSR_LSION;
}

bool stm32l0_stops(void) {
    return asked && stm32l0_link_rests();
}

void stm32l0_stop(void) {
    const uint32_t masks = EXTI_IMR; /* of what the link needs on its line */
    const uint32_t enabled = NVIC_ISER;

    asked = false;
    stm32l0_link_stops();
    if (ticks != 0) {
        timer_start();
    }
    RCC_CFGR |= RCC_CFGR_STOPWUCK; /* wakes up with HSI16 */
    PWR_CR = (PWR_CR & ~PWR_CR_PDDS) | PWR_CR_LPSDSR | PWR_CR_CWUF | PWR_CR_ULP | PWR_CR_FWU;
    EXTI_FTSR |= WAKE_LINE; /* of port A, as SYSCFG chooses from reset on */
    EXTI_IMR |= WAKE_LINE | EXTI_LPTIM1;
    EXTI_PR = WAKE_LINE;
    NVIC_ISER = INTERRUPTS;
    SCR |= SCR_SLEEPDEEP;
    __asm volatile("dsb\n"
                   "wfi" ::
                       : "memory");
    SCR &= ~SCR_SLEEPDEEP;
    EXTI_IMR = masks;
    EXTI_FTSR &= ~WAKE_LINE;
    EXTI_PR = WAKE_LINE;
    if (ticks != 0) {
        timer_end();
    }
    NVIC_ICER = INTERRUPTS & ~enabled;
    NVIC_ICPR = INTERRUPTS;
    stm32l0_link_resumes();
}
