/*
 * Runs one network in float32: standard input holds u32 inputs, neurons,
 * outputs, unfolds, sensory synapses, synapses, steps; float epsilon; the
 * arrays in the order of struct ltc_float_model, synapses as their records;
 * state0; then for each step elapsed and inputs. Standard output gets for each
 * step the states and outputs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ltc_float.h"

static void *take(size_t bytes) {
    void *memory = malloc(bytes + 1);

    if (memory == NULL || fread(memory, 1, bytes, stdin) != bytes) {
        exit(2);
    }
    return memory;
}

int main(void) {
    uint32_t *size = take(7 * sizeof *size);
    float *epsilon = take(sizeof *epsilon);
    uint32_t n = size[1];
    void *part[9];
    size_t bytes[9] = {4 * n,
                       4 * n,
                       4 * n,
                       4 * size[0],
                       4 * size[0],
                       4 * size[2],
                       4 * size[2],
                       size[4] * sizeof(struct ltc_float_synapse),
                       size[5] * sizeof(struct ltc_float_synapse)};
    float *memory = malloc(LTC_FLOAT_MEMORY(n) * sizeof *memory);
    float *outputs = malloc(size[2] * sizeof *outputs);
    struct ltc_float net;
    float *state0;

    for (int i = 0; i < 9; i++) {
        part[i] = take(bytes[i]);
    }
    if (memory == NULL || outputs == NULL) {
        return 3;
    }
    struct ltc_float_model model = {
        (uint16_t)size[0], (uint16_t)n, (uint16_t)size[2], (uint16_t)size[3],
        size[4],           size[5],     *epsilon,          part[0],
        part[1],           part[2],     part[3],           part[4],
        part[5],           part[6],     part[7],           part[8]};
    ltc_float_init(&net, &model, memory);
    state0 = take(4 * n);
    for (uint32_t j = 0; j < n; j++) {
        net.state[j] = state0[j];
    }
    for (uint32_t t = 0; t < size[6]; t++) {
        float *step = take(4 * (1 + size[0]));

        ltc_float_step(&net, step + 1, step[0], outputs);
        fwrite(net.state, 4, n, stdout);
        fwrite(outputs, 4, size[2], stdout);
        free(step);
    }
    for (int i = 0; i < 9; i++) {
        free(part[i]);
    }
    free(state0);
    free(memory);
    free(outputs);
    free(epsilon);
    free(size);
    return 0;
}
