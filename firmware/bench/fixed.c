/*
 * A careful port to fixed point without knowledge of the network: Q16.16 everywhere, lists of
 * synapses, products of 64 bits, a sigmoid from a table of 257 entries with linear interpolation.
 */
#include "contestant.h"
#include "network.h"

#define ONE               65536
#define TABLE_END         (16 * ONE) /* the sigmoid's table reaches from -16 to 16 */
#define STEP_SHIFT        13         /* 1/8 */
#define STATE_UNITS_FIXED 65536.0f

static int32_t state[NEURONS];

float contestant_state(uint32_t neuron) {
    return (float)state[neuron] * (1.0f / STATE_UNITS_FIXED);
}

void contestant_set_state(uint32_t neuron, float value) {
    state[neuron] = (int32_t)(value * STATE_UNITS_FIXED);
}

static int32_t multiply(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b) >> 16);
}

static int32_t sigmoid(int32_t x) {
    int32_t at;
    int32_t low;

    if (x <= -TABLE_END) {
        return 0;
    }
    if (x >= TABLE_END) {
        return ONE;
    }
    at = x + TABLE_END;
    low = fixed_sigmoid[at >> STEP_SHIFT];
    return low +
           (((fixed_sigmoid[(at >> STEP_SHIFT) + 1] - low) * (at & ((1 << STEP_SHIFT) - 1))) >>
            STEP_SHIFT);
}

static void add(int64_t *num, int64_t *den, const struct fixed_synapse *synapse, int32_t value) {
    int32_t open = multiply(synapse->w, sigmoid(multiply(synapse->sigma, value - synapse->mu)));

    num[synapse->target] += (int64_t)open * synapse->erev;
    den[synapse->target] += open;
}

void contestant_step(const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    int64_t base_num[NEURONS];
    int64_t base_den[NEURONS];
    int64_t num[NEURONS];
    int64_t den[NEURONS];
    int32_t rate = (int32_t)(((uint64_t)UNFOLDS << 38) / elapsed);

    for (int j = 0; j < NEURONS; j++) {
        base_num[j] = (int64_t)fixed_gleak[j] * fixed_vleak[j];
        base_den[j] = fixed_gleak[j];
    }
    for (int k = 0; k < SENSORY_SYNAPSES; k++) {
        int32_t i = fixed_sensory[k].source;

        add(base_num, base_den, &fixed_sensory[k],
            multiply(fixed_input_w[i], inputs[i]) + fixed_input_b[i]);
    }
    for (int unfold = 0; unfold < UNFOLDS; unfold++) {
        for (int j = 0; j < NEURONS; j++) {
            int64_t c = multiply(fixed_cm[j], rate);

            num[j] = base_num[j] + c * state[j];
            den[j] = base_den[j] + c;
        }
        for (int k = 0; k < SYNAPSES; k++) {
            add(num, den, &fixed_synapses[k], state[fixed_synapses[k].source]);
        }
        for (int j = 0; j < NEURONS; j++) {
            state[j] = den[j] != 0 ? (int32_t)(num[j] / den[j]) : 0;
        }
    }
    for (int k = 0; k < OUTPUTS; k++) {
        outputs[k] = multiply(fixed_output_w[k], state[k]) + fixed_output_b[k];
    }
}
