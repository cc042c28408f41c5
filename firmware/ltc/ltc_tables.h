/* The tables of the sigmoid, of the reciprocal and of the exponential solver's decay;
 * docs/numbers.md says how they are made. */
#ifndef LTC_TABLES_H
#define LTC_TABLES_H

#include <stdint.h>

#define LTC_SIGMOID_INTERVALS 256u /* of 1/8 log(2), from -16 log(2) on */
#define LTC_RECIPROCAL_FIRST  64u
#define LTC_RECIPROCALS       191u

/* In this order and without gaps: the assembly reaches both from one address. */
struct ltc_tables {
    uint8_t zero;                        /* so that the sigmoid's table is aligned */
    uint8_t reciprocal[LTC_RECIPROCALS]; /* 2^22 / (256 * (LTC_RECIPROCAL_FIRST + i + 1/2)) */
    uint32_t
        sigmoid[LTC_SIGMOID_INTERVALS]; /* upper half: value at the interval's start in units
                                           of 1/65534; lower half: its rise over the interval */
};

extern const struct ltc_tables ltc_tables;

/* x / (e^x - 1) in Q16 at q = 1 / (1 + x), from 0 to 1 in 2^-6, and once more. */
#define LTC_BERNOULLI_BITS 10u /* of q in Q16, between two entries */
extern const uint16_t ltc_bernoulli[66];

#endif
