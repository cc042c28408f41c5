/* What the sources in port/stm32 have to know of the STM32L0. */
#ifndef STM32_FAMILY_H
#define STM32_FAMILY_H

#include "stm32l0.h"

#define STM32_GPIO_ORIGIN 0x50000000u
#define STM32_USART2_AF   4u /* DS10668, alternate functions */

/* Switch on the clock of a port: A, B, C are 0, 1, 2. */
static inline void stm32_gpio_clock(uint32_t port) {
    RCC_IOPENR |= RCC_IOPENR_IOP(port);
    (void)RCC_IOPENR; /* a peripheral is there some cycles after its clock was enabled */
}

#endif
