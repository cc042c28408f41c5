/*
 * What the flash begins with: the vector table, 16 of the core and 32 of the Kinetis L, and at
 * 0x400 the flash configuration field, which the chip reads at reset. A wrong one secures the chip
 * for good, or protects its flash: tests/boards holds these 16 bytes in every build against the
 * ones below.
 */
#include <stddef.h>

#include "kinetis.h"
#include "startup.h"
#include "uart_link.h"

#define CONFIGURATION_OFFSET 0x400u

struct flash_head {
    struct startup_vectors vectors;
    uint8_t unused[CONFIGURATION_OFFSET - sizeof(struct startup_vectors)];
    uint8_t key[8];        /* backdoor key: none */
    uint8_t protection[4]; /* FPROT: nothing is protected */
    uint8_t security;      /* FSEC: not secured, mass erase allowed */
    uint8_t options;       /* FOPT: as erased */
    uint8_t reserved[2];
};
_Static_assert(offsetof(struct flash_head, key) == CONFIGURATION_OFFSET, "its place");
_Static_assert(sizeof(struct flash_head) == CONFIGURATION_OFFSET + 16u, "its size");

__attribute__((section(".vectors"), used)) static const struct flash_head head = {
    .vectors = {.stack = stack_top,
                .exception = {[0] = startup_reset, [1 ... 14] = startup_fault},
                .interrupt = {[0 ... KINETIS_UART0_IRQ - 1] = startup_fault,
                              [KINETIS_UART0_IRQ] = uart_link_handler,
                              [KINETIS_UART0_IRQ + 1 ... 31] = startup_fault}},
    .unused = {[0 ... sizeof head.unused - 1] = 0xFF},
    .key = {[0 ... 7] = 0xFF},
    .protection = {[0 ... 3] = 0xFF},
    .security = 0xFE,
    .options = 0xFF,
    .reserved = {0xFF, 0xFF},
};
