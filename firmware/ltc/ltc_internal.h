/* What the files of the runtime share and a caller need not see. */
#ifndef LTC_INTERNAL_H
#define LTC_INTERNAL_H

#include "ltc.h"
#include "ltc_image.h"

/* An image is read in place, and negative numbers are shifted right: what C leaves to the compiler.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "images are little-endian");
_Static_assert((-3 >> 1) == -2, "a right shift rounds down");

/* Numerator and denominator of a neuron's update, at its conductance scale; 0 < den <= 2^62 and
 * |num| <= den. */
struct ltc_sums {
    int64_t num;
    int64_t den;
};

/* The sums of what the neuron's record alone contributes: its leak and epsilon. */
struct ltc_sums ltc_leak(const struct ltc_neuron *neuron);

#endif
