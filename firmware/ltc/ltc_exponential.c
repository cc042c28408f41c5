#include "ltc_math.h"
#include "ltc_solver.h"
#include "ltc_tables.h"
#include "ltc_wide.h"

#ifndef LTC_FUSED_ONLY

/* The rate word with which the kernel's update is the exponential one: of the capacitance x /
 * (e^x - 1) is left, x = den / capacitance. At least 1, so that the total is never too small. */
LTC_COLD static uint32_t decayed(uint32_t rate, uint32_t den) {
    uint32_t capacitance = rate >> 16;
    uint32_t total = ltc_total(den, rate);
    uint32_t small = ltc_normal(&total);
    uint32_t share =
        (capacitance << small) * ltc_reciprocal(total) >> 14; /* of the total, in Q16 */
    const uint16_t *entry = &ltc_bernoulli[share >> LTC_BERNOULLI_BITS];
    uint32_t part = share & ((1u << LTC_BERNOULLI_BITS) - 1u);
    uint32_t left = entry[0] + ((uint32_t)(entry[1] - entry[0]) * part >> LTC_BERNOULLI_BITS);

    left = capacitance * left >> 16;
    return (rate & 0xFFFFu) | (left == 0 ? 1u : left) << 16;
}

LTC_COLD void ltc_exponential(struct ltc *net) {
    struct ltc_turn turn = {net->synapse, net->cell, net->before, net->after};

    for (uint32_t j = 0; j < net->neurons; j++) {
        struct ltc_cell *cell = &net->cell[j];
        const struct ltc_neuron *neuron = &net->neuron[j];
        const struct ltc_synapse *end = turn.synapse + neuron->synapses;
        struct ltc_stage *stage = &net->stage[j];

        stage->bytes = cell->bytes;
        stage->den = cell->den;
        stage->num = cell->num;
        stage->beside = cell->rate;
        if (cell->bytes < 0) {
            ltc_wide_sums(cell, neuron, turn.synapse, net->before, &net->rate);
        } else {
            ltc_gather(turn.synapse, net->before, end, cell);
            cell->bytes = 0;
        }
        cell->rate = decayed(cell->rate, cell->den);
        turn.synapse = end;
    }
    ltc_advance(&turn);
    ltc_swap(net);
    for (uint32_t j = 0; j < net->neurons; j++) {
        struct ltc_cell *cell = &net->cell[j];
        const struct ltc_stage *stage = &net->stage[j];

        cell->bytes = stage->bytes;
        cell->den = stage->den;
        cell->num = stage->num;
        cell->rate = stage->beside;
    }
}

#endif
