/*
 * The equations of ltc/ltc.h in float32 with the C library's expf: a yardstick for error, cycles
 * and size. The product is the integer runtime; nothing in it needs this folder.
 */
#ifndef LTC_FLOAT_H
#define LTC_FLOAT_H

#include <stdint.h>

struct ltc_float_synapse {
    uint16_t source;
    uint16_t target;
    float w, mu, sigma, erev; /* names as in ncps */
};

struct ltc_float_model {
    uint16_t inputs, neurons, outputs, unfolds;
    uint32_t sensory_synapses, synapses;
    float epsilon;
    const float *gleak, *vleak, *cm;  /* [neurons] */
    const float *input_w, *input_b;   /* [inputs] */
    const float *output_w, *output_b; /* [outputs] */
    const struct ltc_float_synapse *sensory, *synapse;
};

/* Working memory in floats. */
#define LTC_FLOAT_MEMORY(neurons) (5u * (neurons))

struct ltc_float {
    const struct ltc_float_model *model;
    float *state;               /* [neurons], may be read and written between steps */
    float *base_num, *base_den; /* what does not change within a step */
    float *num, *den;
};

/* Bind LTC_FLOAT_MEMORY(neurons) floats and set the state to zero. */
void ltc_float_init(struct ltc_float *net, const struct ltc_float_model *model, float *memory);

/* One input sample; elapsed is above 0. */
void ltc_float_step(struct ltc_float *net, const float *inputs, float elapsed, float *outputs);

#endif
