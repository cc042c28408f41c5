/* ltc_open(): everything that can be wrong with an image is found here, so that a step needs no
 * check. */
#include "ltc_internal.h"
#include "ltc_math.h"

#define SUM_LIMIT  (UINT64_C(1) << 62)
#define CRC_OFFSET 12u

struct layout {
    const struct ltc_header *header;
    const struct ltc_neuron *neuron;
    const struct ltc_synapse *sensory;
    const struct ltc_synapse *synapse;
    const struct ltc_output *output;
};

/* Lengths and counts agree: find the arrays. The counts are small enough that no sum can wrap. */
static int find_arrays(struct layout *at, const void *image) {
    const struct ltc_header *header = image;
    const uint8_t *cursor = (const uint8_t *)image + sizeof *header;
    uint32_t bytes;

    if (header->header_bytes != sizeof *header || header->neurons == 0 ||
        header->neurons > LTC_MAX_NEURONS || header->inputs > LTC_MAX_INPUTS ||
        header->outputs > header->neurons ||
        header->sensory_synapses > LTC_MAX_INPUTS * LTC_MAX_NEURONS ||
        header->synapses > LTC_MAX_NEURONS * LTC_MAX_NEURONS) {
        return LTC_ERR_LAYOUT;
    }
    bytes = (uint32_t)sizeof *header + (uint32_t)header->neurons * (uint32_t)sizeof *at->neuron +
            (header->sensory_synapses + header->synapses) * (uint32_t)sizeof *at->synapse +
            header->outputs * (uint32_t)sizeof *at->output + header->inputs;
    if (header->total_bytes != ((bytes + 3u) & ~3u)) {
        return LTC_ERR_LAYOUT;
    }
    at->header = header;
    at->neuron = (const void *)cursor;
    cursor += header->neurons * sizeof *at->neuron;
    at->sensory = (const void *)cursor;
    cursor += header->sensory_synapses * sizeof *at->sensory;
    at->synapse = (const void *)cursor;
    cursor += header->synapses * sizeof *at->synapse;
    at->output = (const void *)cursor;
    return LTC_OK;
}

/* Check the synapses of one neuron and add the most that they can contribute to `total`. */
static int check_synapses(const struct ltc_synapse *synapse, uint32_t count, uint32_t sources,
                          uint64_t *total) {
    for (; count > 0; count--, synapse++) {
        int32_t slope = synapse->slope_source >> 8;
        int32_t weight = synapse->weight;

        if (((uint32_t)synapse->slope_source & 0xFFu) >= sources) {
            return LTC_ERR_INDEX;
        }
        if (slope < -65535 || slope > 65535 || synapse->offset <= -LTC_FULL_SCALE ||
            synapse->offset >= LTC_FULL_SCALE || synapse->shift < LTC_MIN_SHIFT ||
            synapse->shift > 31 || synapse->weight_shift > 30 || synapse->reversal < -weight ||
            synapse->reversal > weight) {
            return LTC_ERR_RANGE;
        }
        *total += ltc_scale((uint32_t)synapse->weight << 16, synapse->weight_shift);
        if (*total > SUM_LIMIT) {
            return LTC_ERR_RANGE;
        }
    }
    return LTC_OK;
}

static int check_neuron(const struct ltc_neuron *neuron, const struct ltc_rate *fastest,
                        uint64_t *total) {
    struct ltc_sums leak = ltc_leak(neuron);
    uint64_t capacitance;

    if (leak.den <= 0 || leak.den > (int64_t)SUM_LIMIT || leak.num > leak.den ||
        leak.num < -leak.den || neuron->zero != 0 || neuron->cm_shift + fastest->exponent > 16) {
        return LTC_ERR_RANGE;
    }
    capacitance = ltc_capacitance(neuron->cm, neuron->cm_shift, fastest);
    if (capacitance > SUM_LIMIT - (uint64_t)leak.den) { /* their sum could pass 2^64 */
        return LTC_ERR_RANGE;
    }
    *total = (uint64_t)leak.den + capacitance;
    return LTC_OK;
}

static int check_neurons(const struct layout *at) {
    const struct ltc_header *header = at->header;
    struct ltc_rate fastest = ltc_rate(header->unfolds, LTC_ELAPSED_MIN);
    uint32_t sensory = 0;
    uint32_t synapses = 0;

    for (uint32_t j = 0; j < header->neurons; j++) {
        const struct ltc_neuron *neuron = &at->neuron[j];
        uint64_t total;
        int error = check_neuron(neuron, &fastest, &total);

        if (error != LTC_OK) {
            return error;
        }
        if (neuron->sensory > header->sensory_synapses - sensory ||
            neuron->synapses > header->synapses - synapses) {
            return LTC_ERR_LAYOUT;
        }
        error = check_synapses(&at->sensory[sensory], neuron->sensory, header->inputs, &total);
        if (error != LTC_OK) {
            return error;
        }
        error = check_synapses(&at->synapse[synapses], neuron->synapses, header->neurons, &total);
        if (error != LTC_OK) {
            return error;
        }
        sensory += neuron->sensory;
        synapses += neuron->synapses;
    }
    return sensory == header->sensory_synapses && synapses == header->synapses ? LTC_OK
                                                                               : LTC_ERR_LAYOUT;
}

static int check_outputs(const struct layout *at) {
    for (uint32_t k = 0; k < at->header->outputs; k++) {
        const struct ltc_output *output = &at->output[k];

        if (output->gain < -65535 || output->gain > 65535 || output->offset <= -LTC_FULL_SCALE ||
            output->offset >= LTC_FULL_SCALE || output->shift > 31 || output->zero != 0) {
            return LTC_ERR_RANGE;
        }
    }
    return LTC_OK;
}

static int check_image(struct layout *at, const void *image, uint32_t image_bytes) {
    const struct ltc_header *header = image;
    uint32_t crc;
    int error;

    if (((uintptr_t)image & 3u) != 0) {
        return LTC_ERR_ALIGN;
    }
    if (image_bytes < sizeof *header) {
        return LTC_ERR_SHORT;
    }
    if (header->magic != LTC_MAGIC) {
        return LTC_ERR_MAGIC;
    }
    if (header->version != LTC_IMAGE_VERSION) {
        return LTC_ERR_VERSION;
    }
    if (header->total_bytes > image_bytes) {
        return LTC_ERR_SHORT;
    }
    error = find_arrays(at, image);
    if (error != LTC_OK) {
        return error;
    }
    crc = ltc_crc32(0, image, CRC_OFFSET);
    crc = ltc_crc32(crc, (const uint8_t *)image + CRC_OFFSET + sizeof header->crc,
                    header->total_bytes - CRC_OFFSET - (uint32_t)sizeof header->crc);
    if (header->crc != crc) {
        return LTC_ERR_CRC;
    }
    if (header->unfolds == 0 || header->unfolds > LTC_MAX_UNFOLDS) {
        return LTC_ERR_RANGE;
    }
    error = check_neurons(at);
    return error != LTC_OK ? error : check_outputs(at);
}

int ltc_open(struct ltc *net, const void *image, uint32_t image_bytes, void *memory,
             uint32_t memory_bytes) {
    struct layout at;
    int error = check_image(&at, image, image_bytes);

    if (error != LTC_OK) {
        return error;
    }
    if (((uintptr_t)memory & 7u) != 0) {
        return LTC_ERR_ALIGN;
    }
    if (memory_bytes < LTC_MEMORY_BYTES((uint32_t)at.header->neurons)) {
        return LTC_ERR_MEMORY;
    }
    net->neurons = at.header->neurons;
    net->inputs = at.header->inputs;
    net->outputs = at.header->outputs;
    net->unfolds = at.header->unfolds;
    net->neuron = at.neuron;
    net->sensory = at.sensory;
    net->synapse = at.synapse;
    net->output = at.output;
    net->base = memory;
    net->state = (int32_t *)(net->base + net->neurons);
    net->next = net->state + net->neurons;
    ltc_reset(net);
    return LTC_OK;
}
