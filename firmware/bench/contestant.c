/* The functions of ltc/ltc.h for a contestant. */
#include "contestant.h"

#include "ltc.h"
#include "ltc_image.h"
#include "network.h"

uint32_t ltc_version(void) {
    return LTC_VERSION;
}

/* The network is compiled in: of the image, its header alone is looked at. */
int ltc_open(struct ltc *net, const void *image, uint32_t image_bytes, void *memory,
             uint32_t memory_bytes) {
    const struct ltc_header *header = image;

    (void)memory;
    (void)memory_bytes;
    if (image_bytes < sizeof *header) {
        return LTC_ERR_SHORT;
    }
    net->neurons = header->neurons;
    net->inputs = header->inputs;
    net->outputs = header->outputs;
    net->unfolds = header->unfolds;
    net->channels = header->channels;
    if (net->neurons != NEURONS || net->inputs != INPUTS || net->outputs != OUTPUTS) {
        return LTC_ERR_LAYOUT;
    }
    ltc_reset(net);
    return LTC_OK;
}

uint32_t ltc_memory_bytes(const struct ltc *net) {
    (void)net;
    return 0; /* its own is static */
}

void ltc_reset(struct ltc *net) {
    (void)net;
    for (uint32_t j = 0; j < NEURONS; j++) {
        contestant_set_state(j, 0.0f);
    }
}

/* Inputs and outputs change from and to the formats of the image on the way. */
int ltc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    contestant_value in[INPUTS];
    contestant_value out[OUTPUTS];

    (void)net;
    for (uint32_t i = 0; i < INPUTS; i++) {
#ifdef CONTESTANT_FIXED
        in[i] = input_shift[i] >= 0 ? inputs[i] >> input_shift[i]
                                    : (int32_t)((uint32_t)inputs[i] << -input_shift[i]);
#else
        in[i] = (float)inputs[i] * input_unit[i];
#endif
    }
#ifdef CONTESTANT_FIXED
    contestant_step(in, elapsed, out);
#else
    contestant_step(in, (float)elapsed * (1.0f / 4194304.0f), out);
#endif
    for (uint32_t k = 0; k < OUTPUTS; k++) {
#ifdef CONTESTANT_FIXED
        outputs[k] = output_shift[k] >= 0 ? (int32_t)((uint32_t)out[k] << output_shift[k])
                                          : out[k] >> -output_shift[k];
#else
        outputs[k] = (int32_t)(out[k] * output_units[k]);
#endif
    }
    return LTC_OK;
}

int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count) {
    (void)net;
    for (uint32_t j = 0; j < count; j++) {
        float units = contestant_state(j) * STATE_UNITS;

        state[j] = units >= 1073741823.0f    ? LTC_FULL_SCALE - 1
                   : units <= -1073741824.0f ? -LTC_FULL_SCALE
                                             : (int32_t)units;
    }
    return LTC_OK;
}

int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count) {
    (void)net;
    for (uint32_t j = 0; j < count; j++) {
        contestant_set_state(j, (float)state[j] * (1.0f / STATE_UNITS));
    }
    return LTC_OK;
}
