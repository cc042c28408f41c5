/* The vector table: 16 of the core, 32 of the nRF51's peripherals (their IRQ is bits 12 to 16 of
 * their address). */
#include "nrf51.h"
#include "startup.h"

__attribute__((section(".vectors"), used)) static const struct startup_vectors vectors = {
    .stack = stack_top,
    .exception = {[0] = startup_reset, [1 ... 14] = startup_fault},
    .interrupt = {[0 ... NRF51_LINK_IRQ - 1] = startup_fault,
                  [NRF51_LINK_IRQ] = NRF51_LINK_HANDLER,
                  [NRF51_LINK_IRQ + 1 ... 31] = startup_fault},
};
