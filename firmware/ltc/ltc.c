/* One step of a network, and access to its state. */
#include "ltc.h"

#include <stddef.h>

#include "ltc_cfc.h"
#include "ltc_math.h"
#include "ltc_solver.h"
#include "ltc_wide.h"

/* What ltc_kernel_v6m.S knows of the layout. */
_Static_assert(sizeof(struct ltc_synapse) == 16 && sizeof(struct ltc_cell) == 20, "records");
_Static_assert(offsetof(struct ltc_cell, rate) == 12 && offsetof(struct ltc_cell, state) == 16,
               "a cell");
_Static_assert(offsetof(struct ltc_tables, sigmoid) == 192 &&
                   offsetof(struct ltc_tables, reciprocal) + LTC_RECIPROCALS == 192,
               "the reciprocals end where the sigmoid's table begins");

uint32_t ltc_version(void) {
    return LTC_VERSION;
}

/* What the kernel starts a neuron's sums with. */
LTC_COLD static void set_leak(struct ltc_cell *cell, const struct ltc_neuron *neuron) {
    cell->den = (uint32_t)(neuron->den >> LTC_WIDE_FRAC) + LTC_HALF_UPPER;
    cell->num = (int32_t)(neuron->num >> LTC_WIDE_FRAC);
}

/* Everything of a step that depends on the elapsed time alone. */
LTC_COLD static int set_elapsed(struct ltc *net, uint32_t elapsed) {
    net->elapsed = 0;
    ltc_set_rate(&net->rate, net->solver == LTC_ADAPTIVE ? 1u : net->unfolds, elapsed);
    for (uint32_t j = 0; j < net->neurons; j++) {
        const struct ltc_neuron *neuron = &net->neuron[j];
        struct ltc_cell *cell = &net->cell[j];
        uint32_t sure; /* part of the total conductance that does not depend on synapses */

        cell->rate = ltc_capacitance(neuron, &net->rate, 0);
        set_leak(cell, neuron);
        sure = (cell->rate >> 16) + ltc_scale(cell->den, -(int32_t)(cell->rate & 0xFFu));
        if (LTC_IS_EXPLICIT(net->solver)) {
            if ((cell->rate & 0xFFu) == LTC_SHIFT_MIN) { /* less than the sums can become */
                return LTC_ERR_STIFF;
            }
            cell->rate = (cell->rate & ~0xFFu) | LTC_ALONE;
        }
        cell->bytes = sure < LTC_TOTAL_MIN
                          ? -1
                          : (int32_t)(neuron->synapses * (uint32_t)sizeof(struct ltc_synapse));
    }
    net->elapsed = elapsed;
    return LTC_OK;
}

LTC_COLD static int32_t map(const struct ltc_map *map, int32_t value) {
    int32_t scaled = ltc_multiply(value, map->gain);
    int32_t half = (int32_t)((1u << map->shift) >> 1);

    return ((scaled + half) >> map->shift) + map->offset;
}

LTC_COLD static void read_channels(struct ltc *net, const int32_t *inputs) {
    for (uint32_t c = 0; c < net->channels; c++) {
        const struct ltc_map *channel = &net->channel[c];
        int32_t value = ltc_clamped(inputs[channel->of], LTC_FULL_SCALE);

        net->reading[c] = (int16_t)ltc_clamped(map(channel, value), 1 << 15);
    }
}

LTC_COLD static void gather_sensory(struct ltc *net) {
    const struct ltc_synapse *synapse = net->sensory;

    for (uint32_t j = 0; j < net->neurons; j++) {
        struct ltc_cell *cell = &net->cell[j];
        const struct ltc_neuron *neuron = &net->neuron[j];
        const struct ltc_synapse *end = synapse + neuron->sensory;

        if (cell->bytes < 0) {
            ltc_wide_gather(cell, neuron, synapse, net->reading);
        } else {
            set_leak(cell, neuron);
            ltc_gather(synapse, net->reading, end, cell);
        }
        synapse = end;
    }
}

LTC_COLD void ltc_unfold(struct ltc *net) {
    struct ltc_turn turn = {net->synapse, net->cell, net->before, net->after};

    ltc_advance(&turn);
    while (turn.cell != net->cell + net->neurons) {
        struct ltc_cell *cell = turn.cell;
        uint32_t den = cell->den;
        int32_t num = cell->num;
        uint32_t below = cell->rate;

        turn.synapse = ltc_wide_sums(cell, &net->neuron[cell - net->cell], turn.synapse,
                                     turn.source, &net->rate);
        ltc_advance(&turn);
        cell->bytes = -1;
        cell->den = den;
        cell->num = num;
        cell->rate = below;
    }
    ltc_swap(net);
}

LTC_COLD static void solve(struct ltc *net) {
#ifndef LTC_FUSED_ONLY
    if (net->solver == LTC_ADAPTIVE) {
        ltc_adaptive(net);
        return;
    }
#endif
    for (uint32_t turn = 0; turn < net->unfolds; turn++) {
#ifndef LTC_FUSED_ONLY
        if (net->solver == LTC_RK4) {
            ltc_rk4(net);
            continue;
        }
        if (net->solver == LTC_EXPONENTIAL) {
            ltc_exponential(net);
            continue;
        }
#endif
        ltc_unfold(net);
    }
}

LTC_COLD int ltc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    if (elapsed < LTC_ELAPSED_MIN || elapsed > LTC_ELAPSED_MAX) {
        return LTC_ERR_ELAPSED;
    }
    if (LTC_IS_CFC(net->solver)) {
        ltc_cfc_step(net, inputs, elapsed, outputs);
        return LTC_OK;
    }
    if (elapsed != net->elapsed) {
        int error = set_elapsed(net, elapsed);

        if (error != LTC_OK) {
            return error;
        }
    }
    read_channels(net, inputs);
    gather_sensory(net);
    solve(net);
    for (uint32_t k = 0; k < net->outputs; k++) {
        outputs[k] = map(&net->output[k], net->cell[k].state);
    }
    return LTC_OK;
}

LTC_COLD static void put_state(struct ltc *net, uint32_t j, int32_t state) {
    *ltc_state(net, j) = state;
    net->before[j] = (int16_t)(state >> 15);
}

LTC_COLD void ltc_reset(struct ltc *net) {
    net->elapsed = 0; /* so that the next step's cycles do not depend on what ran before */
    for (uint32_t j = 0; j < net->neurons; j++) {
        put_state(net, j, 0);
    }
}

LTC_COLD int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count) {
    if (count != net->neurons) {
        return LTC_ERR_COUNT;
    }
    for (uint32_t j = 0; j < count; j++) {
        state[j] = *ltc_state(net, j);
    }
    return LTC_OK;
}

LTC_COLD int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count) {
    if (count != net->neurons) {
        return LTC_ERR_COUNT;
    }
    for (uint32_t j = 0; j < count; j++) {
        if (state[j] != ltc_clamped(state[j], LTC_FULL_SCALE)) {
            return LTC_ERR_STATE;
        }
    }
    net->elapsed = 0;
    for (uint32_t j = 0; j < count; j++) {
        put_state(net, j, state[j]);
    }
    return LTC_OK;
}
