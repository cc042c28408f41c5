/*
 * The vector table: 16 of the core, 32 of the STM32L0 (RM0377 11.3). USART2 has position 28 in all
 * of the family; of the others, the STM32L031 has 0 to 7, 9 to 13, 15, 20, 22, 23, 25 and 29.
 */
#include "startup.h"
#include "stm32l0.h"
#include "uart_link.h"
#include "usart2.h"

__attribute__((section(".vectors"), used)) static const struct startup_vectors vectors = {
    .stack = stack_top,
    .exception = {[0] = startup_reset, [1 ... 14] = startup_fault},
#ifdef BOARD_LINK_SPI
    .interrupt = {[0 ... STM32L0_EXTI4_15_IRQ - 1] = startup_fault,
                  [STM32L0_EXTI4_15_IRQ] = stm32l0_spi_handler,
                  [STM32L0_EXTI4_15_IRQ + 1 ... STM32L0_LPTIM1_IRQ - 1] = startup_fault,
                  [STM32L0_LPTIM1_IRQ] = stm32l0_lptim1_handler,
                  [STM32L0_LPTIM1_IRQ + 1 ... 31] = startup_fault},
#elif defined(BOARD_LINK_NONE)
    .interrupt = {[0 ... STM32L0_LPTIM1_IRQ - 1] = startup_fault,
                  [STM32L0_LPTIM1_IRQ] = stm32l0_lptim1_handler,
                  [STM32L0_LPTIM1_IRQ + 1 ... 31] = startup_fault},
#else
    .interrupt = {[0 ... STM32L0_LPTIM1_IRQ - 1] = startup_fault,
                  [STM32L0_LPTIM1_IRQ] = stm32l0_lptim1_handler,
                  [STM32L0_LPTIM1_IRQ + 1 ... USART2_IRQ - 1] = startup_fault,
                  [USART2_IRQ] = uart_link_handler,
                  [USART2_IRQ + 1 ... 31] = startup_fault},
#endif
};
