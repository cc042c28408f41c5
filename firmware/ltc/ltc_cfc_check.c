/* What ltc_open() checks of a CfC. */
#include "ltc_cfc.h"

#ifndef LTC_FUSED_ONLY

#include <stddef.h>

#include "ltc_cfc_image.h"

/* What is still to be checked of the image. */
struct rest {
    const uint8_t *at;
    uint32_t bytes;
};

LTC_COLD bool ltc_cfc_find(struct ltc *net, const struct ltc_header *header) {
    uint32_t bytes = (uint32_t)sizeof *header + 4u * header->synapses + header->inputs;

    net->layer = (const void *)(header + 1);
    return header->sensory_synapses == 0 && header->outputs <= LTC_MAX_NEURONS &&
           header->total_bytes == ((bytes + 3u) & ~3u);
}

LTC_COLD void ltc_cfc_bind(struct ltc *net, void *memory) {
    net->state = memory;
    net->stride = 1;
    net->reading = (int16_t *)(net->state + net->neurons);
    net->before = net->reading + net->inputs;
    net->after = net->before + net->neurons;
}

/* The next bytes, a multiple of 4, or NULL where there are not as many. */
LTC_COLD static const void *take(struct rest *rest, uint32_t bytes) {
    const uint8_t *at = rest->at;

    if (bytes > rest->bytes) {
        return NULL;
    }
    rest->at += bytes;
    rest->bytes -= bytes;
    return at;
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

/* Check a row that reads the first `sources`: its sum, and all on the way to it, is below 2^30. */
LTC_COLD static int check_row(struct rest *rest, uint32_t sources) {
    const struct ltc_row *row = take(rest, sizeof *row);
    uint32_t total;

    if (row == NULL) {
        return LTC_ERR_LAYOUT;
    }
    total = magnitude(row->bias);
    if (row->shift > 31) {
        return LTC_ERR_RANGE;
    }
    for (uint32_t runs = row->runs; runs > 0; runs--) {
        const struct ltc_run *run = take(rest, sizeof *run);

        if (run == NULL || take(rest, (2u * run->count + 3u) & ~3u) == NULL) {
            return LTC_ERR_LAYOUT;
        }
        if ((uint32_t)run->first + run->count > sources) {
            return LTC_ERR_INDEX;
        }
        for (uint32_t k = 0; k < run->count && total < LTC_FULL_SCALE; k++) {
            total += (magnitude(run->weight[k]) << 15 >> row->shift) + 1u; /* it is rounded down */
        }
    }
    return total < LTC_FULL_SCALE ? LTC_OK : LTC_ERR_RANGE;
}

LTC_COLD int ltc_cfc_check(const struct ltc *net, const struct ltc_header *header) {
    struct rest rest = {(const void *)net->layer, 4u * header->synapses};
    uint32_t sources = (uint32_t)net->inputs + net->neurons;
    uint32_t neurons = 0;
    uint32_t kind;

    do {
        const struct ltc_layer *layer = take(&rest, sizeof *layer);
        uint32_t units;

        if (layer == NULL) {
            return LTC_ERR_LAYOUT;
        }
        kind = layer->kind;
        units = layer->units;
        for (uint32_t rows = kind <= LTC_PURE ? 4u * units : units; rows > 0; rows--) {
            int error = check_row(&rest, sources);

            if (error != LTC_OK) {
                return error;
            }
        }
        if (kind <= LTC_PURE) {
            neurons += units;
        } else if (kind < LTC_LINEAR) {
            sources += units;
        } else if (kind > LTC_LINEAR || units != net->outputs || rest.bytes != 0) {
            return LTC_ERR_LAYOUT;
        }
    } while (kind != LTC_LINEAR);
    return neurons == net->neurons && sources == net->channels ? LTC_OK : LTC_ERR_LAYOUT;
}

#endif
