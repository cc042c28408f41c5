#include "ltc_cfc.h"

#ifndef LTC_FUSED_ONLY

#include "ltc_cfc_image.h"
#include "ltc_solver.h"

#define HALF 0x80000000u /* of ltc_sigmoid() */

/* A row's sum, and what to shift it by. */
struct term {
    int32_t sum;
    int32_t left;
};

/* elapsed is mantissa * 2^(exponent - 16). */
struct time {
    int32_t mantissa;
    int32_t exponent;
};

/* The sum of a run's products, of which there is at least one; from the last on, as that takes the
 * fewest cycles. */
__attribute__((noinline)) static int32_t dot(const int16_t *weight, const int16_t *source,
                                             uint32_t count, uint32_t shift) {
    int32_t sum = 0;

    do {
        count--;
        sum += (weight[count] * source[count]) >> shift;
    } while (count != 0);
    return sum;
}

/* Set a term; returns what follows the row. */
LTC_COLD static const void *add_up(struct term *term, const struct ltc_row *row,
                                   const int16_t *source) {
    const struct ltc_run *run = (const void *)(row + 1);
    int32_t sum = row->bias;

    for (uint32_t runs = row->runs; runs > 0; runs--) {
        sum += dot(run->weight, source + run->first, run->count, row->shift);
        run = (const void *)(run->weight + ((run->count + 1u) & ~1u));
    }
    term->sum = sum;
    term->left = row->left;
    return run;
}

LTC_COLD static int32_t multiply(int32_t value, int32_t factor) {
    return ltc_multiply(value, factor);
}

/* value * 2^left, rounded down, within LTC_FULL_SCALE. */
LTC_COLD static int32_t scaled(int32_t value, int32_t left) {
    if (left < 0) {
        return value >> (left > -31 ? -left : 31);
    }
    left = left < 30 ? left : 30;
    return (int32_t)((uint32_t)ltc_clamped(value, LTC_FULL_SCALE >> left) << left);
}

/* value * elapsed * 2^left. */
LTC_COLD static int32_t times(const struct time *elapsed, int32_t value, int32_t left) {
    return scaled(multiply(value, elapsed->mantissa), left + elapsed->exponent);
}

/* tanh, within +-2^29. */
LTC_COLD static int32_t tangent(const struct term *term) {
    int32_t value = (int32_t)(ltc_sigmoid(scaled(term->sum, term->left)) - HALF) >> 2;

    return value + (value >> 15); /* the table ends 2^-15 before 1 */
}

/* value times the sigmoid of a position in Q16, which is rounded and at least 1. */
LTC_COLD static int32_t gate(int32_t value, int32_t position) {
    return multiply(value, (int32_t)((ltc_sigmoid(position) + (1u << 15)) >> 16));
}

LTC_COLD static int32_t pure(const struct term *term, const struct time *elapsed) {
    int32_t sum = term[0].sum;
    int32_t rate = ltc_clamped((sum < 0 ? -sum : sum) + term[1].sum, LTC_FULL_SCALE);
    int32_t exponent = times(elapsed, rate, term[0].left);

    sum = multiply(sum, (int32_t)ltc_power_of_half((uint32_t)exponent & 0xFFFFu));
    return scaled(multiply(sum, term[2].sum >> 15), term[2].left - (exponent >> 16)) + term[3].sum;
}

/* What a unit makes of its rows, within +-2^31; a single row is the last of four. */
LTC_COLD static int32_t unit(uint32_t kind, const struct term *term, const struct time *elapsed) {
    int32_t sum = term[3].sum;
    int32_t place = scaled(sum, term[3].left);
    int32_t second;

    if (kind == LTC_PURE) {
        return pure(term, elapsed);
    }
    if (kind == LTC_TANH) {
        return tangent(&term[3]);
    }
    if (kind == LTC_SILU) {
        return gate(sum, place);
    }
    if (kind > LTC_TANH) {
        return kind == LTC_RELU && sum < 0 ? 0 : sum;
    }
    place += times(elapsed, term[2].sum, term[2].left);
    sum = tangent(&term[0]);
    second = tangent(&term[1]);
    return sum + gate(kind == LTC_GATED ? second - sum : second, place);
}

LTC_COLD void ltc_cfc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed,
                           int32_t *outputs) {
    const void *at = net->layer;
    const struct ltc_layer *layer;
    int32_t elapsed_shift = 16 - ltc_bits(elapsed);
    struct time time = {(int32_t)ltc_scale(elapsed, elapsed_shift),
                        16 - LTC_ELAPSED_FRAC - elapsed_shift};
    int32_t *state = (int32_t *)net->cell;
    int32_t *wide = state;                       /* of the next unit with 32 bits */
    int16_t *other = net->before + net->neurons; /* of the next unit with 16 */

    for (uint32_t i = 0; i < net->inputs; i++) {
        net->reading[i] = (int16_t)(ltc_clamped(inputs[i], LTC_FULL_SCALE) >> 15);
    }
    do {
        layer = at;
        at = layer + 1;
        if (layer->kind == LTC_LINEAR) {
            wide = outputs;
        }
        for (uint32_t units = layer->units; units > 0; units--) {
            struct term term[4];
            int32_t value;

            for (uint32_t row = layer->kind <= LTC_PURE ? 0 : 3; row < 4; row++) {
                at = add_up(&term[row], at, net->reading);
            }
            value = scaled(unit(layer->kind, term, &time), layer->left);
            if (layer->kind <= LTC_PURE || layer->kind == LTC_LINEAR) {
                *wide++ = value;
            } else {
                *other++ = (int16_t)(value >> 15);
            }
        }
        for (uint32_t j = 0; j < net->neurons; j++) { /* now that no unit needs an old state */
            net->before[j] = (int16_t)(state[j] >> 15);
        }
    } while (layer->kind != LTC_LINEAR);
}

#endif
