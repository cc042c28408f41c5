/*
 * GPIO of ST's STM32, named and placed as in RM0377 8.4 (STM32L0) and RM0091 8.4 (STM32F0), which
 * have the same block at another address: STM32_GPIO_ORIGIN of the family's stm32_family.h. Ports
 * A, B, C are 0, 1, 2.
 */
#ifndef GPIO_H
#define GPIO_H

#include <stdint.h>

#include "stm32_family.h"

#define GPIO_REGISTER(port, offset)                                                                \
    (*(volatile uint32_t *)(STM32_GPIO_ORIGIN + 0x400u * (port) + (offset)))
#define GPIO_MODER(port)          GPIO_REGISTER(port, 0x00u)
#define GPIO_MODER_MASK(pin)      (3u << (2u * (pin)))
#define GPIO_MODER_OUTPUT(pin)    (1u << (2u * (pin)))
#define GPIO_MODER_AF(pin)        (2u << (2u * (pin)))
#define GPIO_OSPEEDR(port)        GPIO_REGISTER(port, 0x08u)
#define GPIO_OSPEEDR_FASTEST(pin) (3u << (2u * (pin)))
#define GPIO_PUPDR(port)          GPIO_REGISTER(port, 0x0Cu)
#define GPIO_PUPDR_MASK(pin)      (3u << (2u * (pin)))
#define GPIO_PUPDR_UP(pin)        (1u << (2u * (pin)))
#define GPIO_IDR(port)            GPIO_REGISTER(port, 0x10u)
#define GPIO_BSRR(port)           GPIO_REGISTER(port, 0x18u)                     /* ones set */
#define GPIO_AFR(port, pin)       GPIO_REGISTER(port, 0x20u + 4u * ((pin) / 8u)) /* AFRL, AFRH */
#define GPIO_AFR_MASK(pin)        (15u << (4u * ((pin) % 8u)))
#define GPIO_AFR_FUNCTION(number, pin) ((number) << (4u * ((pin) % 8u)))
#define GPIO_BRR(port)                 GPIO_REGISTER(port, 0x28u) /* ones reset */

#endif
