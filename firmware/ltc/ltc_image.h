/*
 * The model image, little-endian, position-independent, in this order without gaps:
 *
 *     header | neuron[neurons] | channel[channels] | sensory[sensory_synapses] |
 *     synapse[synapses] | output[outputs] | input_frac[inputs]
 *
 * that of a CfC (ltc_cfc_image.h):
 *
 *     header | layers, together 4 * synapses bytes | input_frac[inputs]
 *
 * padded with zeros to a multiple of 4 bytes. hil/image.py writes it; docs/numbers.md derives each
 * field.
 */
#ifndef LTC_IMAGE_H
#define LTC_IMAGE_H

#include <stdint.h>

#define LTC_MAGIC        0x3143544Cu /* "LTC1" */
#define LTC_MAX_UNFOLDS  32u
#define LTC_MAX_NEURONS  255u
#define LTC_MAX_SYNAPSES (1u << 20) /* a power of two: of sensory ones, and of the others */

/* The most that can ever be added to a neuron's denominator, LTC_HALF_UPPER included. */
#define LTC_SUM_MAX 0x7EFFFFFFu
#define LTC_OPEN    32767u /* a synapse that is fully open */

/* What the kernel's denominator starts above the leak: its upper half is used alone, so it rounds.
 */
#define LTC_HALF_UPPER 0x8000u

/* Fractional bits that a neuron's record has beyond those of the kernel's sums. */
#define LTC_WIDE_FRAC 32

/* How a step is solved; docs/numbers.md, "Solvers". */
enum ltc_solver {
    LTC_FUSED = 0,       /* semi-implicit, as ncps */
    LTC_EULER = 1,       /* explicit Euler */
    LTC_RK4 = 2,         /* classical Runge-Kutta */
    LTC_ADAPTIVE = 3,    /* fused, with twice the unfolds until two results agree */
    LTC_EXPONENTIAL = 4, /* exponential Euler (Rush-Larsen) */
    LTC_CFC = 8,         /* none: a closed form */
};

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
    uint16_t channels;
    uint8_t solver; /* enum ltc_solver */
    uint8_t zero;
    uint32_t sensory_synapses;
    uint32_t synapses;
    uint32_t error_bound; /* of LTC_ADAPTIVE, in units of a state; of the others 0 */
};

typedef int64_t ltc_int64 __attribute__((aligned(4))); /* as an image is */

struct ltc_neuron {
    ltc_int64 den;   /* gleak + epsilon, with LTC_WIDE_FRAC more bits than the sums; above 0 */
    ltc_int64 num;   /* gleak * vleak over the state's full scale, same scale; |num| <= den */
    uint16_t cm;     /* mantissa of the membrane capacitance */
    int8_t cm_shift; /* its exponent at the scale of the sums */
    uint8_t zero;
    uint16_t sensory;  /* number of sensory synapses onto this neuron */
    uint16_t synapses; /* number of synapses onto this neuron */
};

/* value * gain / 2^16 / 2^shift + offset, rounded to nearest. */
struct ltc_map {
    int32_t gain; /* within +-65535 */
    int32_t offset;
    uint8_t shift; /* 0..31 */
    uint8_t of;    /* of a channel: its input; of an output: its fractional bits, informative */
    uint16_t zero;
};

/*
 * A synapse reads a 16-bit source: a channel (a map of an input, saturated), or a neuron's state
 * over its full scale in Q15. Position in the sigmoid's table, in Q16: (slope * source + offset) >>
 * (offset & 255).
 */
struct ltc_synapse {
    int32_t slope_source; /* slope: upper 16 bits, signed; source: twice its index */
    int32_t offset;       /* within +-2^30; its lower 8 bits are the shift as well, 0..31 */
    uint32_t weight;      /* conductance when fully open is weight * LTC_OPEN; below 2^16 */
    int32_t reversal;     /* weight * erev over the state's full scale: |reversal| <= weight */
};

#endif
