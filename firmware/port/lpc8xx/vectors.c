/*
 * What the flash begins with: the vector table, 16 of the core and 32 of the LPC84x. The boot ROM
 * starts a program only if the first eight words sum to zero: the eighth, no exception's, is what
 * they lack (port.cmake). At 0x2FC it looks for a pattern that locks the chip (code read
 * protection): nothing else may lie there. tests/boards holds both in every build.
 */
#include <stddef.h>

#include "lpc8xx.h"
#include "startup.h"
#include "uart_link.h"

#define PROTECTION_OFFSET 0x2FCu

/* Not a function: a number that the linker reckons. */
void lpc8xx_checksum(void);

struct flash_head {
    struct startup_vectors vectors;
    uint8_t unused[PROTECTION_OFFSET - sizeof(struct startup_vectors)];
    uint32_t protection;
};
_Static_assert(offsetof(struct flash_head, protection) == PROTECTION_OFFSET, "its place");

__attribute__((section(".vectors"), used)) static const struct flash_head head = {
    .vectors = {.stack = stack_top,
                .exception = {[0] = startup_reset,
                              [1 ... 5] = startup_fault,
                              [6] = lpc8xx_checksum,
                              [7 ... 14] = startup_fault},
                .interrupt = {[0 ... LPC8XX_USART0_IRQ - 1] = startup_fault,
                              [LPC8XX_USART0_IRQ] = uart_link_handler,
                              [LPC8XX_USART0_IRQ + 1 ... 31] = startup_fault}},
    .unused = {[0 ... sizeof head.unused - 1] = 0xFF},
    .protection = 0xFFFFFFFFu,
};
