/*
 * The model image, little-endian, position-independent, in this order without gaps:
 *
 *     header | neuron[neurons] | sensory[sensory_synapses] | synapse[synapses] | output[outputs] |
 * input_frac[inputs]
 *
 * padded with zeros to a multiple of 4 bytes. hil/image.py writes it; docs/numbers.md derives each
 * field.
 */
#ifndef LTC_IMAGE_H
#define LTC_IMAGE_H

#include <stdint.h>

#define LTC_MAGIC       0x3143544Cu /* "LTC1" */
#define LTC_MAX_UNFOLDS 32u
#define LTC_MAX_NEURONS 255u
#define LTC_MAX_INPUTS  255u
#define LTC_MIN_SHIFT   (-12)

struct ltc_header {
    uint32_t magic;
    uint16_t version;
    uint16_t header_bytes;
    uint32_t total_bytes;
    uint32_t crc; /* CRC-32 (zlib) of the image without these four bytes */
    uint16_t neurons;
    uint16_t inputs;
    uint16_t outputs;
    uint8_t unfolds;
    int8_t state_frac; /* fractional bits of a state: informative, not used in a step */
    uint32_t sensory_synapses;
    uint32_t synapses;
};

struct ltc_neuron {
    uint32_t den_lo, den_hi; /* gleak + epsilon, at the neuron's conductance scale */
    uint32_t num_lo, num_hi; /* gleak * vleak, signed, same scale times the state's full scale */
    uint16_t cm;             /* mantissa of the membrane capacitance */
    int8_t cm_shift;         /* its exponent, see capacitance() */
    uint8_t zero;
    uint16_t sensory;  /* number of sensory synapses onto this neuron */
    uint16_t synapses; /* number of synapses onto this neuron */
};

/* Argument of the sigmoid: (source * slope / 2^16 + offset) / 2^shift, in Q16 and units of log(2).
 */
struct ltc_synapse {
    int32_t offset;
    int32_t slope_source; /* slope: signed, upper 24 bits, within +-65535; source: lower 8 bits */
    uint16_t weight;      /* mantissa of w */
    int8_t shift; /* LTC_MIN_SHIFT..31; negative: a left shift that saturates, for steep sigmoids */
    int8_t weight_shift; /* left shift of weight * sigmoid (Q16) into the conductance scale;
                            negative: right */
    int32_t reversal;    /* w * erev at the mantissa scale of w: |reversal| <= weight */
};

/* output = state * gain / 2^16 / 2^shift + offset, rounded to nearest. */
struct ltc_output {
    int32_t gain; /* within +-65535 */
    int32_t offset;
    uint8_t shift; /* 0..31 */
    int8_t frac;   /* fractional bits of the output: informative */
    uint16_t zero;
};

#endif
