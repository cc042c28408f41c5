/* Interrupts of the core, as a whole. */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

#include <stdint.h>

#include "barrier.h"

/* Mask them; returns what interrupts_restore() takes: not 0 where they were masked before, as they
 * are for good in the fault handler. */
static inline uint32_t interrupts_mask(void) {
    uint32_t masked;
    __asm volatile("mrs %0, primask" : "=r"(masked));
    __asm volatile("cpsid i" ::: "memory");
    return masked;
}

static inline void interrupts_restore(uint32_t masked) {
    __asm volatile("msr primask, %0" : : "r"(masked) : "memory");
}

/* With interrupts masked: sleep until one is pending, which is handled when they are on again. */
static inline void interrupts_wait(void) {
    barrier_finish();
    __asm volatile("wfi" ::: "memory");
}

#endif
