/* The equations as they are written down, in float32, over full matrices: what most ports begin as.
 */
#include <math.h>

#include "contestant.h"
#include "network.h"

static float state[NEURONS];

float contestant_state(uint32_t neuron) {
    return state[neuron];
}

void contestant_set_state(uint32_t neuron, float value) {
    state[neuron] = value;
}

static float sigmoid(float v, float middle, float slope) {
    return 1.0f / (1.0f + expf(-slope * (v - middle)));
}

void contestant_step(const float *inputs, float elapsed, float *outputs) {
    float sensory_num[NEURONS];
    float sensory_den[NEURONS];

    for (int j = 0; j < NEURONS; j++) {
        sensory_num[j] = 0.0f;
        sensory_den[j] = 0.0f;
        for (int i = 0; i < INPUTS; i++) {
            if (sensory_w[i][j] != 0.0f) {
                float u = input_w[i] * inputs[i] + input_b[i];
                float open = sensory_w[i][j] * sigmoid(u, sensory_mu[i][j], sensory_sigma[i][j]);

                sensory_num[j] += open * sensory_erev[i][j];
                sensory_den[j] += open;
            }
        }
    }
    for (int unfold = 0; unfold < UNFOLDS; unfold++) {
        float next[NEURONS];

        for (int j = 0; j < NEURONS; j++) {
            float c = cm[j] * (float)UNFOLDS / elapsed;
            float num = c * state[j] + gleak[j] * vleak[j] + sensory_num[j];
            float den = c + gleak[j] + sensory_den[j] + EPSILON;

            for (int i = 0; i < NEURONS; i++) {
                if (w[i][j] != 0.0f) {
                    float open = w[i][j] * sigmoid(state[i], mu[i][j], sigma[i][j]);

                    num += open * erev[i][j];
                    den += open;
                }
            }
            next[j] = num / den;
        }
        for (int j = 0; j < NEURONS; j++) {
            state[j] = next[j];
        }
    }
    for (int k = 0; k < OUTPUTS; k++) {
        outputs[k] = output_w[k] * state[k] + output_b[k];
    }
}
