/* Order between the core and what else reaches memory, as in the ARMv6-M manual (DDI 0419, A3.7.3).
 */
#ifndef BARRIER_H
#define BARRIER_H

/* What was loaded and stored before is, for a DMA too, before what comes behind: buffers before the
 * register that starts a transfer, and the register that tells of its end before the buffers. */
static inline void barrier_order(void) {
    __asm volatile("dmb" ::: "memory");
}

/* What was stored before has arrived. */
static inline void barrier_finish(void) {
    __asm volatile("dsb" ::: "memory");
}

#endif
