/*
 * The clock tree: HSI at 8 MHz, which runs from reset on, or the PLL on half of it: 4 MHz * 12 = 48
 * MHz, which every part of the family can have (HSI48 only some). The flash's wait state comes
 * before the clock gets faster (RM0091, chapter flash).
 */
#include "board.h"
#include "ready.h"
#include "stm32f0.h"

#if BOARD_CLOCK_HZ == 8000000u
#define USES_PLL     false
#define FETCH_WAITS  0
#define FLASH_ACCESS 0u
#elif BOARD_CLOCK_HZ == 48000000u
#define USES_PLL     true
#define FETCH_WAITS  1
#define FLASH_ACCESS (FLASH_ACR_LATENCY | FLASH_ACR_PRFTBE)
_Static_assert(STM32F0_HSI_HZ / 2u * 12u == BOARD_CLOCK_HZ, "PLLMUL12 on HSI / 2");
#else
#error "the board's clock_hz is neither 8000000 nor 48000000"
#endif

#if BOARD_FETCH_WAITS != FETCH_WAITS
#error "memory.flash.fetch_wait_states must be 0 cycles up to 24000000 Hz, 1 up to 48000000"
#endif

bool stm32f0_clock_start(void) {
    const uint32_t access = FLASH_ACR_LATENCY | FLASH_ACR_PRFTBE;
    FLASH_ACR = (FLASH_ACR & ~access) | FLASH_ACCESS;
    if (!becomes(&FLASH_ACR, access, FLASH_ACCESS)) {
        return false;
    }
    if (!USES_PLL) {
        return true;
    }
    RCC_CFGR |= RCC_CFGR_PLLMUL12;
    RCC_CR |= RCC_CR_PLLON;
    if (!becomes(&RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    RCC_CFGR = (RCC_CFGR & ~RCC_CFGR_SW) | RCC_CFGR_SW_PLL;
    return becomes(&RCC_CFGR, RCC_CFGR_SW << RCC_CFGR_SWS_SHIFT,
                   RCC_CFGR_SW_PLL << RCC_CFGR_SWS_SHIFT);
}
