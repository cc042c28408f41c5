/*
 * The inner loops of a step. ltc_kernel.c is their specification; ltc_kernel_v6m.S gives the same
 * bits on ARMv6-M (Cortex-M0, M0+) in half the time.
 */
#ifndef LTC_KERNEL_H
#define LTC_KERNEL_H

#include "ltc_image.h"
#include "ltc_tables.h"

/* A neuron at work. The assembly knows the layout.
 *
 * `rate` is how the neuron's capacitance stands beside its sums: capacitance << 16 |
 * (shift - 16) << 8 | shift, so that den >> shift and capacitance add up to their total. In a cell
 * that is not for the kernel it is the number of bits that ltc_wide.c keeps below den and num. */
struct ltc_cell {
    int32_t bytes; /* of its synapses' records; negative: not for the kernel */
    uint32_t den;  /* what does not change within a step, at the scale of the sums */
    int32_t num;
    uint32_t rate;
    int32_t state; /* Q30 over the full scale */
};

/* Where an unfold is: advanced by ltc_advance(). */
struct ltc_turn {
    const struct ltc_synapse *synapse;
    struct ltc_cell *cell;
    const int16_t *source; /* every neuron's state before the unfold */
    int16_t *next;         /* the cell's state after it */
};

#define LTC_SHIFT_MIN 16   /* smallest shift of the total conductance */
#define LTC_TOTAL_MIN 1024 /* least part of it that must be sure, so that 16 bits are enough */
#define LTC_NORMAL    14
#define LTC_ALONE     0x7F /* a shift for den beside which capacitance is all of the total */

/* Position of a source in the sigmoid's table, signed Q16. */
static inline int32_t ltc_position(const struct ltc_synapse *synapse, const int16_t *source) {
    int32_t value = source[(synapse->slope_source & 0xFFFF) / 2];

    return ((synapse->slope_source >> 16) * value + synapse->offset) >> (synapse->offset & 0xFF);
}

/* den + capacitance in 16 bits, at least 1. */
static inline uint32_t ltc_total(uint32_t den, uint32_t rate) {
    uint32_t shift = rate & 0xFFu;

    return (shift < 32 ? den >> shift : 0) + (rate >> 16);
}

/* Shift a total to at least LTC_NORMAL + 1 bits, from which its reciprocal has 15 or 16. */
static inline uint32_t ltc_normal(uint32_t *total) {
    uint32_t small = 0;

    for (; *total >> LTC_NORMAL == 0; small++) {
        *total <<= 1;
    }
    return small;
}

/* 2^30 / total by one step of Newton's from a table, never too large; total in [2^14, 2^16). */
static inline uint32_t ltc_reciprocal(uint32_t total) {
    uint32_t guess = ltc_tables.reciprocal[(total >> 8) - LTC_RECIPROCAL_FIRST];

    return ((guess << 23) - total * guess * guess) >> 14;
}

/* Add to a cell's sums what the synapses up to `end` contribute. */
void ltc_gather(const struct ltc_synapse *synapse, const int16_t *source,
                const struct ltc_synapse *end, struct ltc_cell *cell);

/* Update the cells from turn->cell on, up to one that is not for the kernel. */
void ltc_advance(struct ltc_turn *turn);

#endif
