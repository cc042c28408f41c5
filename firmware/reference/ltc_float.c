#include "ltc_float.h"

#include <math.h>

static void add(float *num, float *den, const struct ltc_float_synapse *synapse, float value) {
    float open = synapse->w / (1.0f + expf(-synapse->sigma * (value - synapse->mu)));

    num[synapse->target] += open * synapse->erev;
    den[synapse->target] += open;
}

void ltc_float_init(struct ltc_float *net, const struct ltc_float_model *model, float *memory) {
    uint32_t n = model->neurons;

    net->model = model;
    net->state = memory;
    net->base_num = memory + n;
    net->base_den = memory + 2 * n;
    net->num = memory + 3 * n;
    net->den = memory + 4 * n;
    for (uint32_t j = 0; j < n; j++) {
        net->state[j] = 0.0f;
    }
}

static void unfold(struct ltc_float *net, float rate) {
    const struct ltc_float_model *m = net->model;

    for (uint32_t j = 0; j < m->neurons; j++) {
        net->num[j] = net->base_num[j] + m->cm[j] * rate * net->state[j];
        net->den[j] = net->base_den[j] + m->cm[j] * rate;
    }
    for (uint32_t k = 0; k < m->synapses; k++) {
        add(net->num, net->den, &m->synapse[k], net->state[m->synapse[k].source]);
    }
    for (uint32_t j = 0; j < m->neurons; j++) {
        net->state[j] = net->num[j] / (net->den[j] + m->epsilon);
    }
}

void ltc_float_step(struct ltc_float *net, const float *inputs, float elapsed, float *outputs) {
    const struct ltc_float_model *m = net->model;
    float rate = (float)m->unfolds / elapsed;

    for (uint32_t j = 0; j < m->neurons; j++) {
        net->base_num[j] = m->gleak[j] * m->vleak[j];
        net->base_den[j] = m->gleak[j];
    }
    for (uint32_t k = 0; k < m->sensory_synapses; k++) {
        uint32_t i = m->sensory[k].source;

        add(net->base_num, net->base_den, &m->sensory[k],
            m->input_w[i] * inputs[i] + m->input_b[i]);
    }
    for (uint32_t turn = 0; turn < m->unfolds; turn++) {
        unfold(net, rate);
    }
    for (uint32_t k = 0; k < m->outputs; k++) {
        outputs[k] = m->output_w[k] * net->state[k] + m->output_b[k];
    }
}
