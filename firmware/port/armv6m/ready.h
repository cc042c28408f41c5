/* Waiting for the hardware, so long that what works is ready by far: some 0.05 s at 16 MHz. */
#ifndef READY_H
#define READY_H

#include <stdbool.h>
#include <stdint.h>

#define READY_TRIES 100000u

/* Whether these bits of a register come to be `value`. */
static inline bool becomes(volatile const uint32_t *address, uint32_t mask, uint32_t value) {
    uint32_t tries = 0;
    while ((*address & mask) != value) {
        if (++tries == READY_TRIES) {
            return false;
        }
    }
    return true;
}

/* The same of a register of 8 bits. */
static inline bool becomes_8(volatile const uint8_t *address, uint32_t mask, uint32_t value) {
    uint32_t tries = 0;
    while ((*address & mask) != value) {
        if (++tries == READY_TRIES) {
            return false;
        }
    }
    return true;
}

#endif
