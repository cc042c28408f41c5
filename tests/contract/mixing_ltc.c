/*
 * Stands in for the LTC runtime in the link's tests. An LTC network forgets: two runs that differ
 * in one step soon agree again, and a step executed twice could pass unseen. Here every state is a
 * hash of everything that was ever fed in, so one lost, doubled or reordered step changes all
 * numbers after it. tests/contract/mixing.py computes the same.
 */
#include "ltc.h"

#define MIXING_MAGIC 0x5852494Du /* "MIRX", byte order aside */

struct mixing_image {
    uint32_t magic;
    uint32_t seed;
    uint32_t total_bytes;
    uint32_t unused;
    uint16_t neurons;
    uint16_t inputs;
    uint16_t outputs;
    uint16_t unfolds;
};

/* A state is a word of the memory. */
static int32_t *states(const struct ltc *net) {
    return (int32_t *)(void *)net->cell;
}

static uint32_t mix(uint32_t hash, uint32_t value) {
    hash = (hash ^ value) * 0x9E3779B1u;
    return hash ^ hash >> 15;
}

uint32_t ltc_version(void) {
    return LTC_VERSION;
}

int ltc_open(struct ltc *net, const void *image, uint32_t image_bytes, void *memory,
             uint32_t memory_bytes) {
    const struct mixing_image *header = image;
    if (image_bytes < sizeof *header) {
        return LTC_ERR_SHORT;
    }
    if (header->magic != MIXING_MAGIC) {
        return LTC_ERR_MAGIC;
    }
    if (memory_bytes < LTC_MEMORY_BYTES((uint32_t)header->neurons, 0u)) {
        return LTC_ERR_MEMORY;
    }
    net->neurons = header->neurons;
    net->inputs = header->inputs;
    net->outputs = header->outputs;
    net->unfolds = (uint8_t)header->unfolds;
    net->channels = 0;
    net->neuron = image;
    net->cell = memory;
    ltc_reset(net);
    return LTC_OK;
}

uint32_t ltc_memory_bytes(const struct ltc *net) {
    return LTC_MEMORY_BYTES((uint32_t)net->neurons, 0u);
}

void ltc_reset(struct ltc *net) {
    for (uint32_t i = 0; i < net->neurons; i++) {
        states(net)[i] = 0;
    }
}

int ltc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    if (elapsed == 0) {
        return LTC_ERR_ELAPSED;
    }
    uint32_t hash = mix(((const struct mixing_image *)(const void *)net->neuron)->seed, elapsed);
    for (uint32_t i = 0; i < net->inputs; i++) {
        hash = mix(hash, (uint32_t)inputs[i]);
    }
    for (uint32_t i = 0; i < net->neurons; i++) {
        hash = mix(hash, (uint32_t)states(net)[i]);
        states(net)[i] = (int32_t)hash;
    }
    for (uint32_t i = 0; i < net->outputs; i++) {
        outputs[i] = (int32_t)mix((uint32_t)states(net)[i], i);
    }
    return LTC_OK;
}

int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        state[i] = states(net)[i];
    }
    return count == net->neurons ? LTC_OK : LTC_ERR_COUNT;
}

int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        states(net)[i] = state[i];
    }
    return count == net->neurons ? LTC_OK : LTC_ERR_COUNT;
}
