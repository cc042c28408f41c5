/* What the sources in port/stm32 have to know of the STM32F0. */
#ifndef STM32_FAMILY_H
#define STM32_FAMILY_H

#include "stm32f0.h"

#define STM32_GPIO_ORIGIN 0x48000000u
#define STM32_USART2_AF   1u /* on PA2, PA3 and PA15 (data sheets, alternate functions of port A) */

/* Switch on the clock of a port: A, B, C are 0, 1, 2. */
static inline void stm32_gpio_clock(uint32_t port) {
    RCC_AHBENR |= RCC_AHBENR_IOP(port);
    (void)RCC_AHBENR; /* a peripheral is there some cycles after its clock was enabled */
}

#endif
