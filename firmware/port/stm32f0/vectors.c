/* The vector table: 16 of the core, 32 of the STM32F0. USART2 has position 28 in all of the family.
 */
#include "startup.h"
#include "uart_link.h"
#include "usart2.h"

__attribute__((section(".vectors"), used)) static const struct startup_vectors vectors = {
    .stack = stack_top,
    .exception = {[0] = startup_reset, [1 ... 14] = startup_fault},
    .interrupt = {[0 ... USART2_IRQ - 1] = startup_fault,
                  [USART2_IRQ] = uart_link_handler,
                  [USART2_IRQ + 1 ... 31] = startup_fault},
};
