/*
 * As a quantised graph of TensorFlow Lite Micro would compute it in its 16x8 scheme: 8-bit
 * parameters with a scale for each array (Q_...: fractional bits, so that a requantisation is a
 * shift), 16-bit states, 32-bit sums, a sigmoid from a table of 512 intervals.
 */
#include "contestant.h"
#include "network.h"

static int16_t state[NEURONS];

float contestant_state(uint32_t neuron) {
    return (float)state[neuron] * (1.0f / Q_STATE_UNITS);
}

void contestant_set_state(uint32_t neuron, float value) {
    float units = value * Q_STATE_UNITS;

    state[neuron] = (int16_t)(units > 32767.0f ? 32767.0f : units < -32768.0f ? -32768.0f : units);
}

/* x in Q4.11, within +-16, to Q0.15. */
static int32_t sigmoid(int32_t x) {
    int32_t at;
    int32_t low;

    if (x > 32767) {
        x = 32767;
    }
    if (x < -32768) {
        x = -32768;
    }
    at = x + 32768;
    low = q8_sigmoid[at >> 7];
    return low + (((q8_sigmoid[(at >> 7) + 1] - low) * (at & 127)) >> 7);
}

static int32_t shifted(int32_t value, int32_t right) {
    return right >= 0 ? value >> right : value * (1 << -right);
}

/* Of 64 bits. */
static int64_t scaled(int64_t value, int32_t right) {
    return right >= 0 ? value >> right : value * (INT64_C(1) << -right);
}

static void add(int32_t *num, int32_t *den, const struct q8_synapse *synapse, int32_t distance,
                int32_t right) {
    int32_t open = (synapse->w * sigmoid(shifted(synapse->sigma * distance, right))) >> 7;

    num[synapse->target] += open * synapse->erev;
    den[synapse->target] += open;
}

void contestant_step(const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    int32_t base_num[NEURONS];
    int32_t base_den[NEURONS];
    int32_t num[NEURONS];
    int32_t den[NEURONS];
    int32_t rate = (int32_t)(((uint64_t)UNFOLDS << 30) / elapsed); /* Q8 */

    for (int j = 0; j < NEURONS; j++) {
        base_num[j] = shifted(q8_gleak[j] * q8_vleak[j], Q_GLEAK + Q_VLEAK - Q_SUM - Q_EREV);
        base_den[j] = shifted(q8_gleak[j], Q_GLEAK - Q_SUM);
    }
    for (int k = 0; k < SENSORY_SYNAPSES; k++) {
        int32_t i = q8_sensory[k].source;
        int32_t u = (int32_t)(((int64_t)fixed_input_w[i] * inputs[i]) >> 16) + fixed_input_b[i];

        add(base_num, base_den, &q8_sensory[k],
            (u >> 4) - shifted(q8_sensory[k].mu, Q_SENSORY_MU - 12), Q_SENSORY_SIGMA + 12 - 11);
    }
    for (int unfold = 0; unfold < UNFOLDS; unfold++) {
        for (int j = 0; j < NEURONS; j++) {
            int32_t c = shifted(q8_cm[j] * rate, Q_CM + 8 - Q_SUM);

            num[j] = base_num[j] + (int32_t)scaled((int64_t)c * state[j], Q_STATE - Q_EREV);
            den[j] = base_den[j] + c;
        }
        for (int k = 0; k < SYNAPSES; k++) {
            const struct q8_synapse *synapse = &q8_synapses[k];

            add(num, den, synapse, state[synapse->source] - shifted(synapse->mu, Q_MU - Q_STATE),
                Q_SIGMA + Q_STATE - 11);
        }
        for (int j = 0; j < NEURONS; j++) {
            state[j] = den[j] != 0 ? (int16_t)(scaled(num[j], Q_EREV - Q_STATE) / den[j]) : 0;
        }
    }
    for (int k = 0; k < OUTPUTS; k++) {
        outputs[k] =
            (int32_t)scaled((int64_t)fixed_output_w[k] * state[k], Q_STATE) + fixed_output_b[k];
    }
}
