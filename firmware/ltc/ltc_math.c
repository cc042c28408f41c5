#include "ltc_math.h"

#include "ltc_internal.h"
#include "ltc_kernel.h"
#include "ltc_tables.h"

LTC_COLD int32_t ltc_bits(uint32_t x) {
    int32_t bits = 32;

    for (; bits > 0 && (x >> 31) == 0; x <<= 1) { /* most have nearly all */
        bits--;
    }
    return bits;
}

LTC_COLD uint32_t ltc_scale(uint32_t value, int32_t shift) {
    if (shift >= 0) {
        return value << shift;
    }
    return shift > -32 ? value >> -shift : 0;
}

LTC_COLD int32_t ltc_clamped(int32_t value, int32_t limit) {
    if (value >= limit) {
        return limit - 1;
    }
    return value < -limit ? -limit : value;
}

uint32_t ltc_power_of_half(uint32_t fraction) {
    uint32_t sum = 15196u - ((2626u * fraction) >> 16);

    sum = 45341u - ((sum * fraction) >> 16);
    return 65535u - ((sum * fraction) >> 16);
}

LTC_COLD uint32_t ltc_sigmoid(int32_t position) {
    uint32_t index = ((uint32_t)position + (LTC_SIGMOID_INTERVALS / 2u << 16)) >> 16;
    uint32_t entry;

    if (index >= LTC_SIGMOID_INTERVALS) {
        return position < 0 ? 1u << 16 : (65535u << 16) - 1u;
    }
    entry = ltc_tables.sigmoid[index];
    return entry + (entry & 0xFFFFu) * ((uint32_t)position & 0xFFFFu);
}

LTC_COLD void ltc_set_rate(struct ltc_rate *rate, uint32_t unfolds, uint32_t elapsed) {
    int32_t unfold_shift = 16 - ltc_bits(unfolds);
    int32_t elapsed_shift = 16 - ltc_bits(elapsed);
    uint32_t dividend = unfolds << unfold_shift; /* both have 16 bits now: it is below twice the */
    uint32_t divisor = ltc_scale(elapsed, elapsed_shift); /* divisor, and above half of it */

    rate->mantissa = 0;
    rate->exponent = elapsed_shift - unfold_shift + LTC_ELAPSED_FRAC - 15;
    for (uint32_t bit = 0; bit < 16; bit++) {
        rate->mantissa <<= 1;
        if (dividend >= divisor) {
            dividend -= divisor;
            rate->mantissa++;
        }
        dividend <<= 1;
    }
}

LTC_COLD uint32_t ltc_capacitance(const struct ltc_neuron *neuron, const struct ltc_rate *rate,
                                  int32_t more) {
    uint32_t product = neuron->cm * rate->mantissa;
    int32_t scale = neuron->cm_shift + rate->exponent + more;
    int32_t shift = ltc_bits(product) + scale - (LTC_SHIFT_MIN - 1);

    if (product == 0 || shift < LTC_SHIFT_MIN) {
        shift = LTC_SHIFT_MIN;
    }
    return (ltc_scale(product, product == 0 ? 0 : scale - shift) + 1u) << 16 |
           (uint32_t)(shift - LTC_SHIFT_MIN) << 8 | (uint32_t)shift;
}
