/* reference/ltc_float.c: the runtime's own equations in float32, over lists of synapses. */
#include "ltc_float.h"

#include "contestant.h"
#include "network.h"

static const struct ltc_float_model model = {
    .inputs = INPUTS,
    .neurons = NEURONS,
    .outputs = OUTPUTS,
    .unfolds = UNFOLDS,
    .sensory_synapses = SENSORY_SYNAPSES,
    .synapses = SYNAPSES,
    .epsilon = EPSILON,
    .gleak = gleak,
    .vleak = vleak,
    .cm = cm,
    .input_w = input_w,
    .input_b = input_b,
    .output_w = output_w,
    .output_b = output_b,
    .sensory = sensory_list,
    .synapse = synapse_list,
};

static float memory[LTC_FLOAT_MEMORY(NEURONS)];
static struct ltc_float net;

static struct ltc_float *open_net(void) {
    if (net.model != &model) {
        ltc_float_init(&net, &model, memory);
    }
    return &net;
}

float contestant_state(uint32_t neuron) {
    return open_net()->state[neuron];
}

void contestant_set_state(uint32_t neuron, float value) {
    open_net()->state[neuron] = value;
}

void contestant_step(const float *inputs, float elapsed, float *outputs) {
    ltc_float_step(open_net(), inputs, elapsed, outputs);
}
