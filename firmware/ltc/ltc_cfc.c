#include "ltc_cfc.h"

#ifndef LTC_FUSED_ONLY

#include <stddef.h>

#include "ltc_cfc_image.h"
#include "ltc_math.h"

#define HALF 0x80000000u /* of ltc_sigmoid() */

/* Where a step is in the image, and what its rows read. */
struct walk {
    const struct ltc_row *row;
    const int16_t *source;
    int32_t mantissa; /* elapsed is mantissa * 2^(exponent - 16) */
    int32_t exponent;
};

/* The sum of a run's products. */
__attribute__((hot, noinline)) static int32_t dot(const int16_t *weight, const int16_t *end,
                                                  const int16_t *source, uint32_t shift) {
    int32_t sum = 0;

    while (weight != end) {
        sum += (*weight++ * *source++) >> shift;
    }
    return sum;
}

/* The row's sum; goes on to what follows it. */
LTC_COLD static int32_t sum_of(struct walk *walk) {
    const struct ltc_row *row = walk->row;
    const struct ltc_run *run = (const void *)(row + 1);
    int32_t sum = row->bias;

    for (uint32_t runs = row->runs; runs > 0; runs--) {
        const int16_t *end = run->weight + run->count;

        sum += dot(run->weight, end, walk->source + run->first, row->shift);
        run = (const void *)(((uintptr_t)end + 3u) & ~(uintptr_t)3u);
    }
    walk->row = (const void *)run;
    return sum;
}

LTC_COLD static int32_t multiply(int32_t value, int32_t factor) {
    return ltc_multiply(value, factor);
}

/* value * 2^left, rounded down, within LTC_FULL_SCALE. */
LTC_COLD static int32_t shifted(int32_t value, int32_t left) {
    if (left < 0) {
        return ltc_clamp(value >> (left > -31 ? -left : 31), LTC_FULL_SCALE);
    }
    left = left < 30 ? left : 30;
    return (int32_t)((uint32_t)ltc_clamp(value, LTC_FULL_SCALE >> left) << left);
}

/* A row's sum as a position or an exponent, in Q16. */
static int32_t position(struct walk *walk) {
    int32_t left = walk->row->left;

    return shifted(sum_of(walk), left);
}

/* tanh of a row, within +-2^29. */
LTC_COLD static int32_t tangent(struct walk *walk) {
    int32_t value = (int32_t)(ltc_sigmoid(position(walk)) - HALF) >> 2;

    return value + (value >> 15); /* the table ends 2^-15 before 1 */
}

/* value * elapsed * 2^left. */
LTC_COLD static int32_t times_elapsed(const struct walk *walk, int32_t value, int32_t left) {
    return shifted(multiply(value, walk->mantissa), left + walk->exponent);
}

/* The sigmoid of a position in Q16, rounded; at least 1. */
LTC_COLD static int32_t gate(int32_t position) {
    return (int32_t)((ltc_sigmoid(position) + (1u << 15)) >> 16);
}

LTC_COLD static int32_t gated(struct walk *walk, bool between) {
    int32_t first = tangent(walk);
    int32_t second = tangent(walk);
    int32_t left = walk->row->left;
    int32_t time = times_elapsed(walk, sum_of(walk), left);

    time = ltc_clamp(time + position(walk), LTC_FULL_SCALE);
    return first + multiply(between ? second - first : second, gate(time));
}

LTC_COLD static int32_t pure(struct walk *walk) {
    int32_t left = walk->row->left;
    int32_t sum = sum_of(walk);
    int32_t rate = ltc_clamp((sum < 0 ? -sum : sum) + sum_of(walk), LTC_FULL_SCALE);
    int32_t exponent = times_elapsed(walk, rate, left);
    int32_t part = multiply(sum, (int32_t)ltc_power_of_half((uint32_t)exponent & 0xFFFFu));

    left = walk->row->left - (exponent >> 16);
    part = shifted(multiply(part, sum_of(walk) >> 15), left);
    return part + sum_of(walk);
}

/* What a unit computes, within +-2^31. */
LTC_COLD static int32_t unit(struct walk *walk, uint32_t kind) {
    int32_t left = walk->row->left;
    int32_t sum;

    if (kind <= LTC_NO_GATE) {
        return gated(walk, kind == LTC_GATED);
    }
    if (kind == LTC_PURE) {
        return pure(walk);
    }
    if (kind == LTC_TANH) {
        return tangent(walk);
    }
    sum = sum_of(walk);
    if (kind == LTC_SILU) {
        return multiply(sum, gate(shifted(sum, left)));
    }
    return kind == LTC_RELU && sum < 0 ? 0 : sum;
}

LTC_COLD void ltc_cfc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed,
                           int32_t *outputs) {
    const struct ltc_layer *layer;
    int32_t elapsed_shift = 16 - ltc_bits(elapsed);
    struct walk walk = {(const void *)net->layer, net->reading,
                        (int32_t)ltc_scale(elapsed, elapsed_shift),
                        16 - LTC_ELAPSED_FRAC - elapsed_shift};
    int32_t *wide = net->state;  /* of the next unit with 32 bits */
    int16_t *other = net->after; /* of the next unit with 16 */

    for (uint32_t i = 0; i < net->inputs; i++) {
        net->reading[i] = (int16_t)(ltc_clamp(inputs[i], LTC_FULL_SCALE) >> 15);
    }
    do {
        layer = (const void *)walk.row;
        walk.row = (const void *)(layer + 1);
        if (layer->kind == LTC_LINEAR) {
            wide = outputs;
        }
        for (uint32_t k = 0; k < layer->units; k++) {
            int32_t value = shifted(unit(&walk, layer->kind), layer->left);

            if (layer->kind < LTC_TANH || layer->kind == LTC_LINEAR) {
                *wide++ = value;
            } else {
                *other++ = (int16_t)(value >> 15);
            }
        }
        for (uint32_t j = 0; j < net->neurons; j++) { /* now that no unit needs an old state */
            net->before[j] = (int16_t)(net->state[j] >> 15);
        }
    } while (layer->kind != LTC_LINEAR);
}

#endif
