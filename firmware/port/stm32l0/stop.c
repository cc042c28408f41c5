/*
 * Stop mode (RM0377 6.3.9), once or between ticks (tick.c) and only when asked for: a debugger
 * cannot reach a core that is in it. A falling edge at the receiver's or at the NSS pin ends it, or
 * LPTIM1. The core wakes up on HSI16 in time for the second byte; the first one has no clock to be
 * sampled with, at 115200 baud not even by a USART that asks for HSI16.
 *
 * Interrupts stay masked here: what is pending and enabled ends the sleep, and is cleared again.
 */
#include "port.h"

#include "core.h"
#include "interrupts.h"
#include "stm32l0.h"

#ifdef BOARD_LINK_NONE
#define WAKE_LINE  0u
#define INTERRUPTS (1u << STM32L0_LPTIM1_IRQ)
#else
#define WAKE_LINE  (1u << STM32L0_LINK_PIN)
/* EXTI's lines 0 and 1, 2 and 3, 4 to 15 have interrupts 5, 6, 7 (RM0377 11.3). */
#define WAKE_IRQ   (STM32L0_LINK_PIN < 2u ? 5u : STM32L0_LINK_PIN < 4u ? 6u : 7u)
#define INTERRUPTS (1u << WAKE_IRQ | 1u << STM32L0_LPTIM1_IRQ)
#endif

static bool asked;
static uint32_t time_ms;

uint32_t port_stop_longest_ms(void) {
    return stm32l0_timer_longest_ms();
}

/* The timer is tried now, as what asks can still be told, and set when the core stops. */
bool port_stop(uint32_t milliseconds) {
    asked = true;
    time_ms = milliseconds;
    if (milliseconds != 0 && !stm32l0_ticking()) {
        asked = stm32l0_timer_start(milliseconds, 0);
        if (asked) {
            stm32l0_timer_end();
        }
    }
    return asked;
}

bool stm32l0_stops(void) {
    return (asked || stm32l0_tick_stops()) && stm32l0_link_rests();
}

void stm32l0_stop(void) {
    const uint32_t masks = EXTI_IMR; /* of what the link needs on its line */
    const uint32_t enabled = NVIC_ISER;
    const bool timed = asked && time_ms != 0 && !stm32l0_ticking();

    asked = false;
    if (timed && !stm32l0_timer_start(time_ms, LPTIM1_CR_SNGSTRT)) {
        return; /* nothing would end it */
    }
    stm32l0_link_stops();
    RCC_CFGR |= RCC_CFGR_STOPWUCK; /* wakes up with HSI16 */
    PWR_CR = (PWR_CR & ~PWR_CR_PDDS) | PWR_CR_LPSDSR | PWR_CR_CWUF | PWR_CR_ULP | PWR_CR_FWU;
    EXTI_FTSR |= WAKE_LINE; /* of port A, as SYSCFG chooses from reset on */
    EXTI_IMR |= WAKE_LINE | EXTI_LPTIM1;
    EXTI_PR = WAKE_LINE;
    NVIC_ISER = INTERRUPTS;
    SCR |= SCR_SLEEPDEEP;
    interrupts_wait();
    SCR &= ~SCR_SLEEPDEEP;
    EXTI_IMR = masks;
    EXTI_FTSR &= ~WAKE_LINE;
    if ((EXTI_PR & WAKE_LINE) != 0) {
        stm32l0_tick_link_woke();
    }
    EXTI_PR = WAKE_LINE;
    if (timed) {
        stm32l0_timer_end();
    }
    NVIC_ICER = INTERRUPTS & ~enabled;
    NVIC_ICPR =
        INTERRUPTS & ~(enabled & 1u << STM32L0_LPTIM1_IRQ); /* a tick is still to be taken */
    stm32l0_link_resumes();
}
