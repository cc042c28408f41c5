/*
 * The registers used here, named and placed as in RM0091 (STM32F0x1, F0x2, F0x8 reference manual).
 * What each was held against, and what could not be, is in README.md.
 */
#ifndef STM32F0_H
#define STM32F0_H

#include <stdbool.h>
#include <stdint.h>

#define STM32F0_REGISTER(address) (*(volatile uint32_t *)(address))

/* RM0091, chapter flash. */
#define FLASH_ACR         STM32F0_REGISTER(0x40022000u)
#define FLASH_ACR_LATENCY (1u << 0) /* one wait state */
#define FLASH_ACR_PRFTBE  (1u << 4) /* prefetch */

/* RM0091, chapter RCC. */
#define RCC_CR               STM32F0_REGISTER(0x40021000u)
#define RCC_CR_PLLON         (1u << 24)
#define RCC_CR_PLLRDY        (1u << 25)
#define RCC_CFGR             STM32F0_REGISTER(0x40021004u)
#define RCC_CFGR_SW          (3u << 0) /* 0 HSI, 1 HSE, 2 PLL */
#define RCC_CFGR_SW_PLL      (2u << 0)
#define RCC_CFGR_SWS_SHIFT   2u          /* what SW has come to */
#define RCC_CFGR_PLLMUL12    (10u << 18) /* PLLSRC 0: from HSI / 2 */
#define RCC_AHBENR           STM32F0_REGISTER(0x40021014u)
#define RCC_AHBENR_IOP(port) (1u << (17u + (port)))
#define RCC_APB1ENR          STM32F0_REGISTER(0x4002101Cu)
#define RCC_APB1ENR_USART2EN (1u << 17)

/* HSI, which the core runs from after reset, in Hz. */
#define STM32F0_HSI_HZ 8000000u

/* From HSI to BOARD_CLOCK_HZ. False if something never became ready: the core then still runs from
 * HSI. */
bool stm32f0_clock_start(void);

#endif
