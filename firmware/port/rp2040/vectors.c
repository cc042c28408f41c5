/* The vector table, 256 bytes into the flash, behind the second stage of the boot (boot.S): 16 of
 * the core, 32 of the RP2040, which has the first 26. */
#include "rp2040.h"
#include "startup.h"
#include "uart_link.h"

__attribute__((section(".vectors"), used)) static const struct startup_vectors vectors = {
    .stack = stack_top,
    .exception = {[0] = startup_reset, [1 ... 14] = startup_fault},
    .interrupt = {[0 ... RP2040_UART0_IRQ - 1] = startup_fault,
                  [RP2040_UART0_IRQ] = uart_link_handler,
                  [RP2040_UART0_IRQ + 1 ... 31] = startup_fault},
};
