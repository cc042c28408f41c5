/* The arithmetic pieces that the parts of a step share. docs/numbers.md derives them. */
#ifndef LTC_MATH_H
#define LTC_MATH_H

#include "ltc.h"
#include "ltc_image.h"

/* Bits of x: 0 for 0, 32 at most. */
int32_t ltc_bits(uint32_t x);

/* value * 2^shift, rounded down; the result must fit. */
uint32_t ltc_scale(uint32_t value, int32_t shift);

/* Into -limit to limit - 1. */
int32_t ltc_clamped(int32_t value, int32_t limit);

/* 2^-fraction in Q16, of a Q16 fraction below 1: a cubic, within 2^-13. */
uint32_t ltc_power_of_half(uint32_t fraction);

/* Of any position from the sigmoid's middle in Q16: 65534 times the sigmoid, and 1, in Q16. */
uint32_t ltc_sigmoid(int32_t position);

/* unfolds / elapsed, 0 < unfolds <= LTC_MAX_UNFOLDS, elapsed in Q10.22 and not 0. */
void ltc_set_rate(struct ltc_rate *rate, uint32_t unfolds, uint32_t elapsed);

/* The rate word of a cell (ltc_kernel.h) for a neuron's capacitance times rate, in a scale with
 * `more` fractional bits than the kernel's sums. Never too small a capacitance. */
uint32_t ltc_capacitance(const struct ltc_neuron *neuron, const struct ltc_rate *rate,
                         int32_t more);

/* value * factor / 2^16 rounded towards minus infinity (of value's upper 31 bits), |value| <= 2^30,
 * |factor| <= 65535. */
static inline int32_t ltc_multiply(int32_t value, int32_t factor) {
    int32_t low = (int32_t)(((uint32_t)value >> 1) & 0x7FFFu);

    return (value >> 16) * factor + ((low * factor) >> 15);
}

#endif
