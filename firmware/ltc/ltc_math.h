/* The arithmetic pieces that a step and the check of an image share. docs/numbers.md derives them.
 */
#ifndef LTC_MATH_H
#define LTC_MATH_H

#include <stdint.h>

/* A positive number, mantissa / 2^16 / 2^exponent with mantissa <= 65536: keeps its precision in
 * the tails. */
struct ltc_sigmoid {
    uint32_t mantissa;
    uint32_t exponent;
};

/* A positive number, mantissa * 2^exponent. */
struct ltc_rate {
    uint32_t mantissa;
    int32_t exponent;
};

/* 1 / (1 + 2^-x), x signed Q16. */
struct ltc_sigmoid ltc_sigmoid(int32_t x);

/* unfolds / elapsed, 0 < unfolds <= LTC_MAX_UNFOLDS, elapsed in Q10.22 and not 0. */
struct ltc_rate ltc_rate(uint32_t unfolds, uint32_t elapsed);

/* value * 2^shift, rounded down; shift <= 31. */
static inline uint64_t ltc_scale(uint32_t value, int32_t shift) {
    if (shift >= 0) {
        return (uint64_t)value << shift;
    }
    return shift > -32 ? value >> -shift : 0;
}

/* Capacitance times rate at a neuron's conductance scale, rounded down. */
uint64_t ltc_capacitance(uint32_t cm, int32_t cm_shift, const struct ltc_rate *rate);

/* value * factor / 2^16 rounded towards minus infinity (of value's upper 31 bits), |value| <= 2^30,
 * |factor| <= 65535. */
static inline int32_t ltc_multiply(int32_t value, int32_t factor) {
    int32_t low = (int32_t)(((uint32_t)value >> 1) & 0x7FFFu);

    return (value >> 16) * factor + ((low * factor) >> 15);
}

/* floor((high * 2^32 + low) / divisor) for high < divisor < 2^31. */
uint32_t ltc_divide(uint32_t high, uint32_t low, uint32_t divisor);

/* Left shift (0..31) that brings the highest set bit of x to bit 31; x is not 0. */
uint32_t ltc_leading_zeros(uint32_t x);

#endif
