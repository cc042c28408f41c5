/* ltc_open(): everything that can be wrong with an image is found here, so that a step needs no
 * check. */
#include <stdbool.h>

#include "ltc_cfc.h"
#include "ltc_solver.h"

#define CRC_OFFSET 12u
#define LEAK_MAX   ((int64_t)(LTC_SUM_MAX - LTC_HALF_UPPER) << LTC_WIDE_FRAC)

/* Lengths and counts agree: find the arrays. The counts are small enough that no sum can wrap. */
static bool find_arrays(struct ltc *net, const struct ltc_header *header) {
    uintptr_t at = (uintptr_t)header + sizeof *header;

    if (header->header_bytes != sizeof *header || header->neurons == 0 ||
        header->neurons > LTC_MAX_NEURONS ||
        (header->sensory_synapses | header->synapses) >= LTC_MAX_SYNAPSES) {
        return false;
    }
    net->neurons = header->neurons;
    net->inputs = header->inputs;
    net->outputs = header->outputs;
    net->unfolds = header->unfolds;
    net->channels = header->channels;
    net->solver = header->solver;
    net->error_bound = header->error_bound;
    if (LTC_IS_CFC(header->solver)) {
        return ltc_cfc_find(net, header);
    }
    if (header->outputs > header->neurons) {
        return false;
    }
    net->neuron = (const void *)at;
    at += header->neurons * sizeof *net->neuron;
    net->channel = (const void *)at;
    at += header->channels * sizeof *net->channel;
    net->sensory = (const void *)at;
    at += header->sensory_synapses * sizeof *net->sensory;
    net->synapse = (const void *)at;
    at += header->synapses * sizeof *net->synapse;
    net->output = (const void *)at;
    at += header->outputs * sizeof *net->output + header->inputs;
    return header->total_bytes == ((at - (uintptr_t)header + 3u) & ~(uintptr_t)3u);
}

LTC_COLD static bool within(int32_t value, int32_t limit) {
    return value >= -limit && value <= limit;
}

/* Check maps of `inputs`. */
LTC_COLD static int check_maps(const struct ltc_map *map, uint32_t count, uint32_t inputs) {
    for (; count > 0; count--, map++) {
        if (map->of >= inputs) {
            return LTC_ERR_INDEX;
        }
        if (!within(map->gain, 65535) || !within(map->offset, LTC_FULL_SCALE - 1) ||
            map->shift > 31 || map->zero != 0) {
            return LTC_ERR_RANGE;
        }
    }
    return LTC_OK;
}

/* Check the synapses of one neuron and add the most that they can contribute to `total`. */
LTC_COLD static int check_synapses(const struct ltc_synapse *synapse, uint32_t count,
                                   uint32_t sources, uint32_t *total) {
    for (; count > 0; count--, synapse++) {
        uint32_t source = (uint32_t)synapse->slope_source & 0xFFFFu;

        if (source / 2 >= sources || source % 2 != 0) {
            return LTC_ERR_INDEX;
        }
        if (!within(synapse->offset, LTC_FULL_SCALE - 1) || (synapse->offset & 0xFF) > 31 ||
            synapse->weight > 0xFFFFu || !within(synapse->reversal, (int32_t)synapse->weight)) {
            return LTC_ERR_RANGE;
        }
        *total += synapse->weight * LTC_OPEN; /* below 2^31, as is the sum so far */
        if (*total > LTC_SUM_MAX) {
            return LTC_ERR_RANGE;
        }
    }
    return LTC_OK;
}

/* Check a record and set `total` to what it alone contributes. */
static bool check_neuron(const struct ltc_neuron *neuron, uint32_t *total) {
    if (neuron->den <= 0 || neuron->den > LEAK_MAX || neuron->num > neuron->den ||
        neuron->num < -neuron->den || neuron->zero != 0) {
        return false;
    }
    *total = (uint32_t)(neuron->den >> LTC_WIDE_FRAC) + LTC_HALF_UPPER;
    return true;
}

static int check_neurons(const struct ltc *net, const struct ltc_header *header) {
    uint32_t sensory = 0;
    uint32_t synapses = 0;
    int error = LTC_OK;

    for (uint32_t j = 0; j < net->neurons && error == LTC_OK; j++) {
        const struct ltc_neuron *neuron = &net->neuron[j];
        uint32_t total;

        if (!check_neuron(neuron, &total)) {
            return LTC_ERR_RANGE;
        }
        if (neuron->sensory > header->sensory_synapses - sensory ||
            neuron->synapses > header->synapses - synapses) {
            return LTC_ERR_LAYOUT;
        }
        error = check_synapses(&net->sensory[sensory], neuron->sensory, net->channels, &total);
        if (error == LTC_OK) {
            error = check_synapses(&net->synapse[synapses], neuron->synapses, net->neurons, &total);
        }
        sensory += neuron->sensory;
        synapses += neuron->synapses;
    }
    if (error == LTC_OK && (sensory != header->sensory_synapses || synapses != header->synapses)) {
        return LTC_ERR_LAYOUT;
    }
    return error;
}

static int check_image(struct ltc *net, const struct ltc_header *header, uint32_t image_bytes) {
    uint32_t crc;
    int error;

    if (((uintptr_t)header & 3u) != 0) {
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
    if (header->solver >= LTC_SOLVERS && !LTC_IS_CFC(header->solver)) {
        return LTC_ERR_SOLVER;
    }
    if (!find_arrays(net, header)) {
        return LTC_ERR_LAYOUT;
    }
    crc = ltc_crc32(0, header, CRC_OFFSET);
    crc = ltc_crc32(crc, &header->crc + 1,
                    header->total_bytes - CRC_OFFSET - (uint32_t)sizeof header->crc);
    if (header->crc != crc) {
        return LTC_ERR_CRC;
    }
    if (header->unfolds == 0 || header->unfolds > LTC_MAX_UNFOLDS || header->zero != 0 ||
        (header->error_bound != 0 && header->solver != LTC_ADAPTIVE)) {
        return LTC_ERR_RANGE;
    }
    if (LTC_IS_CFC(net->solver)) {
        return ltc_cfc_check(net, header);
    }
    error = check_maps(net->channel, net->channels, net->inputs);
    if (error == LTC_OK) {
        error = check_neurons(net, header);
    }
    return error != LTC_OK ? error : check_maps(net->output, net->outputs, UINT8_MAX + 1);
}

LTC_COLD uint32_t ltc_memory_bytes(const struct ltc *net) {
    uint32_t neurons = net->neurons;
    uint32_t channels = net->channels;

    if (LTC_IS_CFC(net->solver)) {
        return LTC_CFC_MEMORY_BYTES(neurons, channels);
    }
    return LTC_IS_STAGED(net->solver) ? LTC_STAGED_MEMORY_BYTES(neurons, channels)
                                      : LTC_MEMORY_BYTES(neurons, channels);
}

static void bind(struct ltc *net, void *memory) {
    net->stage = (struct ltc_stage *)((uintptr_t)memory + ltc_memory_bytes(net)) - net->neurons;
    net->cell = memory;
    net->cell[net->neurons].bytes = -1; /* ends the kernel's loop, which loads two words more */
    net->before = (int16_t *)(&net->cell[net->neurons].bytes + 1);
    net->after = net->before + net->neurons;
    net->reading = net->after + net->neurons;
}

LTC_COLD int ltc_open(struct ltc *net, const void *image, uint32_t image_bytes, void *memory,
                      uint32_t memory_bytes) {
    int error = check_image(net, image, image_bytes);

    if (error != LTC_OK) {
        return error;
    }
    if (((uintptr_t)memory & 3u) != 0) {
        return LTC_ERR_ALIGN;
    }
    if (memory_bytes < ltc_memory_bytes(net)) {
        return LTC_ERR_MEMORY;
    }
    if (LTC_IS_CFC(net->solver)) {
        ltc_cfc_bind(net, memory);
    } else {
        bind(net, memory);
    }
    ltc_reset(net);
    return LTC_OK;
}
