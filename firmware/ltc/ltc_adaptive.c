#include "ltc_solver.h"

#ifndef LTC_FUSED_ONLY

/* The rate word of twice the capacitance. */
static uint32_t doubled(uint32_t rate) {
    if (rate >> 30 == 0) {
        return rate + (rate & 0xFFFF0000u);
    }
    return rate + 0x0101u;
}

/* Go back to the start of the step, with twice the unfolds. */
static void begin_again(struct ltc *net) {
    net->rate.exponent++;
    for (uint32_t j = 0; j < net->neurons; j++) {
        struct ltc_cell *cell = &net->cell[j];

        net->stage[j].last = cell->state;
        ltc_put_state(net, j, net->stage[j].first);
        if (cell->bytes >= 0) {
            cell->rate = doubled(cell->rate);
        }
    }
}

/* All states are as near to the result before as the bound says. */
static uint32_t agrees(const struct ltc *net) {
    for (uint32_t j = 0; j < net->neurons; j++) {
        int32_t change = net->cell[j].state - net->stage[j].last;

        if ((uint32_t)(change < 0 ? -change : change) > net->error_bound) {
            return 0;
        }
    }
    return 1;
}

LTC_COLD void ltc_adaptive(struct ltc *net) {
    int32_t exponent = net->rate.exponent;
    uint32_t unfolds = 1;

    for (uint32_t j = 0; j < net->neurons; j++) {
        net->stage[j].first = net->cell[j].state;
        net->stage[j].rate = net->cell[j].rate;
    }
    ltc_unfold(net);
    do {
        begin_again(net);
        unfolds *= 2;
        for (uint32_t turn = 0; turn < unfolds; turn++) {
            ltc_unfold(net);
        }
    } while (unfolds * 2 <= net->unfolds && !agrees(net));
    net->rate.exponent = exponent;
    for (uint32_t j = 0; j < net->neurons; j++) {
        if (net->cell[j].bytes >= 0) {
            net->cell[j].rate = net->stage[j].rate;
        }
    }
}

#endif
