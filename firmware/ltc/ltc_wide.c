#include "ltc_wide.h"

#include "ltc_math.h"
#include "ltc_tables.h"

#define ONE       65534u /* of the sigmoid's table */
#define MIDDLE    (LTC_SIGMOID_INTERVALS / 2u << 16)
#define END       (LTC_SIGMOID_INTERVALS << 16)
#define UNIT_BITS 19 /* of a position: 8 intervals of 16 bits are a factor of 2 in the tail */
#define NEAR      2u /* below 2^-NEAR the complement loses precision, above it the product does */
#define BELOW_MAX (LTC_WIDE_FRAC + 1) /* bits of a sum beside the 30 that the kernel is given */

/* Numerator and denominator: 0 < den < 2^63 and |num| <= den. */
struct sums {
    int64_t num;
    int64_t den;
};

/* A positive number, mantissa / ONE / 2^exponent. */
struct opening {
    uint32_t mantissa;
    uint32_t exponent;
};

/* The sigmoid at a distance from its middle, at least 1/2. */
static uint32_t upper_half(uint32_t distance) {
    return ltc_sigmoid((int32_t)(distance < END ? distance : END)) >> 16;
}

static struct opening opening(int32_t position) {
    uint32_t distance;
    uint32_t upper;

    if (position >= (int32_t)MIDDLE) {
        return (struct opening){upper_half((uint32_t)position - MIDDLE), 0};
    }
    distance = MIDDLE - (uint32_t)position;
    upper = upper_half(distance);
    if (distance >> UNIT_BITS < NEAR) {
        return (struct opening){ONE - upper, 0};
    }
    /* 1 / (1 + 2^m) = 2^-m / (1 + 2^-m) */
    distance >>= UNIT_BITS - 16;
    return (struct opening){(ltc_power_of_half(distance & 0xFFFFu) * upper) >> 16, distance >> 16};
}

/* Every shift by a variable of 64 bits, rounded down. */
LTC_COLD static int64_t shifted(int64_t value, uint32_t right) {
    return value >> (right < 63 ? right : 63);
}

LTC_COLD static void add(struct sums *sums, const struct ltc_synapse *synapse, uint32_t count,
                         const int16_t *source) {
    for (; count > 0; count--, synapse++) {
        struct opening open = opening(ltc_position(synapse, source));
        int32_t mantissa = (int32_t)(open.mantissa >> 1); /* in units of 1/LTC_OPEN */
        uint64_t den = (uint32_t)((int32_t)synapse->weight * mantissa);
        uint64_t num = (uint32_t)(synapse->reversal * mantissa);

        sums->den += shifted((int64_t)(den << LTC_WIDE_FRAC), open.exponent);
        sums->num += shifted((int64_t)(num << LTC_WIDE_FRAC), open.exponent);
    }
}

/* Give a cell the upper 30 bits of sums; returns how many are below, at least 1. */
LTC_COLD static uint32_t set_sums(struct ltc_cell *cell, const struct sums *sums) {
    uint32_t below = (uint32_t)ltc_bits((uint32_t)(sums->den >> 31)) + 1u;

    cell->den = (uint32_t)shifted(sums->den, below);
    cell->num = (int32_t)shifted(sums->num, below);
    return below;
}

LTC_COLD void ltc_wide_gather(struct ltc_cell *cell, const struct ltc_neuron *neuron,
                              const struct ltc_synapse *synapse, const int16_t *source) {
    struct sums sums = {neuron->num, neuron->den};

    add(&sums, synapse, neuron->sensory, source);
    cell->rate = set_sums(cell, &sums);
}

LTC_COLD const struct ltc_synapse *ltc_wide_sums(struct ltc_cell *cell,
                                                 const struct ltc_neuron *neuron,
                                                 const struct ltc_synapse *synapse,
                                                 const int16_t *source,
                                                 const struct ltc_rate *rate) {
    uint32_t above = BELOW_MAX - cell->rate;
    struct sums sums = {shifted((int64_t)((uint64_t)(uint32_t)cell->num << BELOW_MAX), above),
                        shifted((int64_t)((uint64_t)cell->den << BELOW_MAX), above)};
    uint32_t below;

    add(&sums, synapse, neuron->synapses, source);
    below = set_sums(cell, &sums);
    cell->den += LTC_HALF_UPPER;
    cell->rate = ltc_capacitance(neuron, rate, LTC_WIDE_FRAC - (int32_t)below);
    cell->bytes = 0; /* all that its synapses contribute is there */
    return synapse + neuron->synapses;
}
