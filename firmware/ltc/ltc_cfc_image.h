/*
 * A CfC in the image: layers, one after the other, each followed by its units' rows.
 *
 * All that rows read are 16-bit sources: every input, then every neuron's state, then the units of
 * layers that are no cells, in the order in which they are computed. A value of 2^15 is the full
 * scale of each. The last layer is that of the outputs.
 */
#ifndef LTC_CFC_IMAGE_H
#define LTC_CFC_IMAGE_H

#include <stdint.h>

/* What a layer's units are, and the rows that each of them has. */
enum ltc_layer_kind {
    LTC_GATED = 0,   /* neurons, ncps' "default": ff1, ff2, time_a, time_b */
    LTC_NO_GATE = 1, /* neurons: the same rows */
    LTC_PURE = 2,    /* neurons: ff1, |w_tau|, -A, A */
    LTC_TANH = 3,    /* of a backbone: one row, as all that follow */
    LTC_RELU = 4,
    LTC_SILU = 5,
    LTC_LINEAR = 6, /* the outputs, 32 bits each */
};

struct ltc_layer {
    uint8_t kind; /* enum ltc_layer_kind */
    int8_t left;  /* shift from what a unit computes to its full scale of 2^30 */
    uint16_t units;
};

/* bias + sum of (weight * source) >> shift; its magnitude stays below 2^30. */
struct ltc_row {
    int32_t bias;
    int8_t left;   /* shift to a position in the sigmoid's table, or an exponent, in Q16; of an
                      output: its fractional bits, informative */
    uint8_t shift; /* 0..31 */
    uint16_t runs; /* that many struct ltc_run follow */
};

/* Weights of consecutive sources, padded to 4 bytes. */
struct ltc_run {
    uint16_t first; /* source */
    uint16_t count; /* at least 1 */
    int16_t weight[];
};

#endif
