/*
 * LPTIM1 on LSI (37 kHz, by its data sheet anything from 26 to 56), which goes on in Stop mode: for
 * the time of one stop (stop.c), or ticking, when the core may stop between any two ticks.
 */
#include "port.h"

#include "core.h"
#include "ready.h"
#include "stm32l0.h"

#define LSI_KHZ          37u
#define COUNTS_MOST      0x10000u /* LPTIM1 has 16 bits */
#define PRESCALER        32u
#define LONGEST_MS       56000u
#define WITHOUT_SCALE_MS (COUNTS_MOST / LSI_KHZ)
_Static_assert(LONGEST_MS *LSI_KHZ / PRESCALER <= COUNTS_MOST, "the longest time fits");

static volatile uint32_t ticks;
static bool ticking;
static volatile bool awake; /* the link woke the core up: no Stop mode until the next tick */

uint32_t stm32l0_timer_longest_ms(void) {
    return LONGEST_MS;
}

bool stm32l0_timer_start(uint32_t milliseconds, uint32_t how) {
    const bool fine = milliseconds < WITHOUT_SCALE_MS;
    RCC_CSR |= RCC_CSR_LSION;
    if (!becomes(&RCC_CSR, RCC_CSR_LSIRDY, RCC_CSR_LSIRDY)) {
        RCC_CSR &= ~RCC_CSR_LSION;
        return false;
    }
    RCC_CCIPR = (RCC_CCIPR & ~RCC_CCIPR_LPTIM1SEL) | RCC_CCIPR_LPTIM1SEL_LSI;
    RCC_APB1ENR |= RCC_APB1ENR_LPTIM1EN;
    (void)RCC_APB1ENR;
    LPTIM1_CFGR = fine ? 0 : LPTIM1_CFGR_PRESC_32; /* this and IER only while it is off */
    LPTIM1_IER = LPTIM1_ARRM;
    LPTIM1_CR = LPTIM1_CR_ENABLE;
    /* Only while it is on. It goes from ARR to 0. */
    LPTIM1_ARR = milliseconds * LSI_KHZ / (fine ? 1u : PRESCALER) - 1u;
    if (!becomes(&LPTIM1_ISR, LPTIM1_ARROK, LPTIM1_ARROK)) {
        stm32l0_timer_end();
        return false;
    }
    LPTIM1_CR = LPTIM1_CR_ENABLE | how;
    return true;
}

void stm32l0_timer_end(void) {
    LPTIM1_CR = 0;
    LPTIM1_ICR = LPTIM1_ARRM | LPTIM1_ARROK;
    RCC_APB1ENR &= ~RCC_APB1ENR_LPTIM1EN;
    RCC_CSR &= ~RCC_CSR_LSION;
}

uint32_t port_tick_longest_ms(void) {
    return LONGEST_MS;
}

bool port_tick_start(uint32_t milliseconds) {
    if (ticking) {
        NVIC_ICER = 1u << STM32L0_LPTIM1_IRQ;
        stm32l0_timer_end();
        NVIC_ICPR = 1u << STM32L0_LPTIM1_IRQ;
    }
    ticks = 0;
    awake = false;
    ticking = milliseconds != 0 && stm32l0_timer_start(milliseconds, LPTIM1_CR_CNTSTRT);
    if (ticking) {
        EXTI_IMR |= EXTI_LPTIM1;
        NVIC_ISER = 1u << STM32L0_LPTIM1_IRQ;
    }
    return ticking || milliseconds == 0;
}

uint32_t port_ticks(void) {
    port_interrupts_off();
    const uint32_t passed = ticks;
    ticks = 0;
    port_interrupts_on();
    return passed;
}

void stm32l0_lptim1_handler(void) {
    LPTIM1_ICR = LPTIM1_ARRM;
    ticks = ticks + 1u;
    awake = false;
}

bool stm32l0_ticking(void) {
    return ticking;
}

bool stm32l0_tick_waits(void) {
    return ticks != 0;
}

bool stm32l0_tick_stops(void) {
    return ticking && !awake;
}

void stm32l0_tick_link_woke(void) {
    awake = true;
}
