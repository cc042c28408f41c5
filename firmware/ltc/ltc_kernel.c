#include "ltc_kernel.h"

#if !defined(__ARM_ARCH_6M__) || defined(LTC_KERNEL_IN_C) /* else ltc_kernel_v6m.S */

#include "ltc_internal.h"

/* The sigmoid in units of 1/LTC_OPEN. */
static uint32_t opening(int32_t position) {
    uint32_t index = (uint32_t)position >> 16;
    uint32_t entry;

    if (index >= LTC_SIGMOID_INTERVALS) {
        return position < 0 ? 0 : LTC_OPEN;
    }
    entry = ltc_tables.sigmoid[index];
    return (entry + (entry & 0xFFFFu) * ((uint32_t)position & 0xFFFFu)) >> 17;
}

static void add(uint32_t *den, int32_t *num, const struct ltc_synapse *synapse,
                const struct ltc_synapse *end, const int16_t *source) {
    for (; synapse != end; synapse++) {
        uint32_t open = opening(ltc_position(synapse, source));

        *den += synapse->weight * open;
        *num += synapse->reversal * (int32_t)open;
    }
}

void ltc_gather(const struct ltc_synapse *synapse, const int16_t *source,
                const struct ltc_synapse *end, struct ltc_cell *cell) {
    add(&cell->den, &cell->num, synapse, end, source);
}

/* value * 2 / 2^shift, rounded down; where it is not shifted it is below 2^30. */
static int32_t shifted(int32_t value, uint32_t shift) {
    if (shift == 0) {
        return (int32_t)((uint32_t)value << 1);
    }
    return value >> (shift > 32 ? 31 : shift - 1);
}

/* v + (num - den * v) / (den + capacitance); num - den * v is formed halved, to fit 32 bits. */
static int32_t updated(int32_t state, uint32_t den, int32_t num, uint32_t rate) {
    int32_t pull = (num >> 1) - (int32_t)(den >> 16) * (state >> 15);
    uint32_t total = ltc_total(den, rate);
    uint32_t small = ltc_normal(&total);
    int32_t change;

    total = ltc_reciprocal(total);
    change = (pull >> 16) * (int32_t)total + (int32_t)(((uint32_t)pull & 0xFFFFu) * total >> 16);
    change = (int32_t)((uint32_t)change << small);
    state += shifted(change, (rate >> 8) & 0xFFu);
    if (state >= LTC_FULL_SCALE) {
        return LTC_FULL_SCALE - 1;
    }
    return state < -LTC_FULL_SCALE ? -LTC_FULL_SCALE : state;
}

void ltc_advance(struct ltc_turn *turn) {
    struct ltc_cell *cell = turn->cell;

    for (; cell->bytes >= 0; cell++) {
        uint32_t den = cell->den;
        int32_t num = cell->num;
        const struct ltc_synapse *end =
            turn->synapse + (uint32_t)cell->bytes / sizeof *turn->synapse;

        add(&den, &num, turn->synapse, end, turn->source);
        turn->synapse = end;
        cell->state = updated(cell->state, den, num, cell->rate);
        *turn->next++ = (int16_t)(cell->state >> 15);
    }
    turn->cell = cell;
}

#endif
