#include "ltc_math.h"

#include "ltc_tables.h"

#define ONE           65536u
#define FRACTION_BITS 16
#define NEAR 2u /* below 2^-NEAR the complement loses precision, above it the product does */

uint32_t ltc_leading_zeros(uint32_t x) {
    uint32_t n = 0;

    for (uint32_t half = 16; half != 0; half >>= 1) {
        if ((x >> (32 - half)) == 0) {
            x <<= half;
            n += half;
        }
    }
    return n;
}

/* 2^-fraction for a Q16 fraction below 1, Q16 in (32768, 65536]. */
static uint32_t power_of_half(uint32_t fraction) {
    const uint16_t *entry = &ltc_power_table[fraction >> LTC_POWER_STEP_BITS];
    uint32_t part = fraction & ((1u << LTC_POWER_STEP_BITS) - 1u);
    uint32_t slope = (uint32_t)entry[1] - entry[0];

    return ONE - entry[0] -
           ((slope * part + (1u << (LTC_POWER_STEP_BITS - 1))) >> LTC_POWER_STEP_BITS);
}

/* 1 / (1 + 2^-magnitude) for a Q16 magnitude below LTC_SIGMOID_UNITS, Q16 in [32768, 65536]. */
static uint32_t upper_half(uint32_t magnitude) {
    const uint16_t *entry = &ltc_sigmoid_table[magnitude >> LTC_SIGMOID_STEP_BITS];
    uint32_t part = magnitude & ((1u << LTC_SIGMOID_STEP_BITS) - 1u);
    uint32_t slope = (uint32_t)entry[1] - entry[0];
    uint32_t above_half =
        entry[0] + ((slope * part + (1u << (LTC_SIGMOID_STEP_BITS - 1))) >> LTC_SIGMOID_STEP_BITS);

    return (ONE + above_half + 1u) >> 1; /* the table holds Q17 */
}

struct ltc_sigmoid ltc_sigmoid(int32_t x) {
    uint32_t magnitude = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;
    uint32_t exponent = magnitude >> FRACTION_BITS;
    uint32_t fraction = magnitude & (ONE - 1u);
    uint32_t power;
    uint32_t upper;

    if (exponent < LTC_SIGMOID_UNITS) {
        upper = upper_half(magnitude);
        if (x >= 0) {
            return (struct ltc_sigmoid){upper, 0};
        }
        if (exponent < NEAR) {
            return (struct ltc_sigmoid){ONE - upper, 0};
        }
        power = power_of_half(fraction);
    } else {
        power = power_of_half(fraction);
        upper = exponent > FRACTION_BITS ? ONE : ONE - (power >> exponent);
        if (x >= 0) {
            return (struct ltc_sigmoid){upper, 0};
        }
        if (upper == ONE) {
            return (struct ltc_sigmoid){power, exponent};
        }
    }
    /* 1 / (1 + 2^m) = 2^-m / (1 + 2^-m) */
    return (struct ltc_sigmoid){(power * upper) >> FRACTION_BITS, exponent};
}

uint32_t ltc_divide(uint32_t high, uint32_t low, uint32_t divisor) {
    /* The remainder in the upper word; the quotient follows the dividend out of the lower one. */
    uint64_t rest = (uint64_t)high << 32 | low;

    for (uint32_t bit = 0; bit < 32; bit++) {
        rest += rest;
        if ((uint32_t)(rest >> 32) >= divisor) {
            rest -= (uint64_t)divisor << 32;
            rest++;
        }
    }
    return (uint32_t)rest;
}

struct ltc_rate ltc_rate(uint32_t unfolds, uint32_t elapsed) {
    uint32_t unfold_zeros = ltc_leading_zeros(unfolds);
    uint32_t elapsed_zeros = ltc_leading_zeros(elapsed);
    uint32_t dividend = unfolds << unfold_zeros; /* at most 6 bits, at the top */
    uint32_t divisor = (elapsed << elapsed_zeros) >> 1;

    /* unfolds * 2^22 / elapsed; dividend / 2 / divisor lies in (1/2, 2), the quotient carries 31
     * more bits */
    return (struct ltc_rate){ltc_divide(dividend >> 2, 0, divisor),
                             (int32_t)elapsed_zeros - (int32_t)unfold_zeros + 22 - 31};
}

uint64_t ltc_capacitance(uint32_t cm, int32_t cm_shift, const struct ltc_rate *rate) {
    uint64_t product =
        ((uint64_t)(cm * (rate->mantissa >> 16)) << 16) + cm * (rate->mantissa & 0xFFFFu);
    int32_t shift = cm_shift + rate->exponent;

    if (shift >= 0) {
        return product << shift;
    }
    return shift > -64 ? product >> -shift : 0;
}
