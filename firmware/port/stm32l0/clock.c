/*
 * The clock tree: voltage range 1 and the flash's wait states first, as both must suit the clock
 * before it gets faster (RM0377 3.3.3, 6.1); then HSI16, and the PLL on it for 32 MHz.
 */
#include "board.h"
#include "ready.h"
#include "stm32l0.h"

#if BOARD_CLOCK_HZ == 16000000u
#define USES_PLL     false
#define FETCH_WAITS  0
#define FLASH_ACCESS 0u
#define CLOCK_SWITCH RCC_CFGR_SW_HSI16
#elif BOARD_CLOCK_HZ == 32000000u
#define USES_PLL     true
#define FETCH_WAITS  1
#define FLASH_ACCESS (FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN)
#define CLOCK_SWITCH RCC_CFGR_SW_PLL
#else
#error "the board's clock_hz is neither 16000000 nor 32000000"
#endif

#if BOARD_FETCH_WAITS != FETCH_WAITS
#error "memory.flash.fetch_wait_states must be 0 cycles up to 16000000 Hz, 1 up to 32000000"
#endif

static bool voltage_range_1(void) {
    RCC_APB1ENR |= RCC_APB1ENR_PWREN;
    (void)RCC_APB1ENR; /* a peripheral is there some cycles after its clock was enabled */
    if (!becomes(&PWR_CSR, PWR_CSR_VOSF, 0)) {
        return false;
    }
    PWR_CR = (PWR_CR & ~PWR_CR_VOS) | PWR_CR_VOS_1V8;
    return becomes(&PWR_CSR, PWR_CSR_VOSF, 0);
}

static bool flash_access(void) {
    const uint32_t mask = FLASH_ACR_LATENCY | FLASH_ACR_PRFTEN;
    FLASH_ACR = (FLASH_ACR & ~mask) | FLASH_ACCESS;
    return becomes(&FLASH_ACR, mask, FLASH_ACCESS);
}

static bool oscillators(void) {
    RCC_CR |= RCC_CR_HSI16ON;
    if (!becomes(&RCC_CR, RCC_CR_HSI16RDYF, RCC_CR_HSI16RDYF)) {
        return false;
    }
    if (!USES_PLL) {
        return true;
    }
    /* 16 MHz * 4 = 64 MHz, below the VCO's 96 MHz; / 2 = 32 MHz. */
    RCC_CFGR |= RCC_CFGR_PLLMUL4 | RCC_CFGR_PLLDIV2;
    RCC_CR |= RCC_CR_PLLON;
    return becomes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY);
}

bool stm32l0_clock_start(void) {
    return voltage_range_1() && flash_access() && stm32l0_clock_resume();
}

bool stm32l0_clock_resume(void) {
    if (!oscillators()) {
        return false;
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW) | CLOCK_SWITCH;
    if (!becomes(&RCC_CFGR, RCC_CFGR_SW << RCC_CFGR_SWS_SHIFT,
                 CLOCK_SWITCH << RCC_CFGR_SWS_SHIFT)) {
        return false;
    }
    RCC_CR &= ~RCC_CR_MSION; /* nothing runs from it any more */
    return true;
}
