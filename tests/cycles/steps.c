/*
 * Runs ltc_step() over the steps that a test put into flash, every sequence from its start state.
 * The result is a checksum of all states and outputs.
 */
#include "ltc.h"
#include "microbit.h"

#define BLOB_AT  0x20000u
#define NEURONS  64u
#define CHANNELS 256u
#define VALUES   64u

struct blob {
    uint32_t image_bytes; /* a multiple of 8 */
    uint32_t sequences;
    uint32_t steps;
    uint32_t repeats; /* of everything, for a long run */
};

static LTC_MEMORY(memory, NEURONS, CHANNELS);
static int32_t states[NEURONS];
static int32_t outputs[VALUES];

static uint32_t mixed(uint32_t sum, const int32_t *values, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        sum = (sum ^ (uint32_t)values[i]) * 0x01000193u; /* FNV-1a, a word at a time */
    }
    return sum;
}

uint32_t test_main(void) {
    const struct blob *blob = (const struct blob *)BLOB_AT;
    const uint8_t *image = (const uint8_t *)(blob + 1);
    const int32_t *state0 = (const int32_t *)(image + blob->image_bytes);
    struct ltc net;
    uint32_t sum = 0;

    if (ltc_open(&net, image, blob->image_bytes, memory, sizeof memory) != LTC_OK) {
        return 0;
    }
    for (uint32_t repeat = 0; repeat < blob->repeats; repeat++) {
        const int32_t *word = state0 + net.neurons;
        for (uint32_t sequence = 0; sequence < blob->sequences; sequence++) {
            ltc_set_state(&net, state0, net.neurons);
            for (uint32_t step = 0; step < blob->steps; step++) {
                ltc_step(&net, word + 1, (uint32_t)word[0], outputs);
                ltc_get_state(&net, states, net.neurons);
                sum = mixed(mixed(sum, states, net.neurons), outputs, net.outputs);
                word += 1u + net.inputs;
            }
        }
    }
    return sum;
}
