/* What ltc_open() checks of a CfC. */
#include "ltc_cfc.h"

#ifndef LTC_FUSED_ONLY

#include <stddef.h>

#include "ltc_cfc_image.h"

LTC_COLD bool ltc_cfc_find(struct ltc *net, const struct ltc_header *header) {
    uint32_t bytes = (uint32_t)sizeof *header + 4u * header->synapses + header->inputs;

    net->layer = (const void *)(header + 1);
    return header->sensory_synapses == 0 && header->outputs <= LTC_MAX_NEURONS &&
           header->total_bytes == ((bytes + 3u) & ~3u);
}

LTC_COLD void ltc_cfc_bind(struct ltc *net, void *memory) {
    net->cell = memory; /* 4 bytes a neuron */
    net->reading = (int16_t *)((int32_t *)memory + net->neurons);
    net->before = net->reading + net->inputs;
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

/* Check a row that reads the first `sources`: its sum, and all on the way to it, is below 2^30.
 * What follows the row, or NULL. */
LTC_COLD static const uint32_t *check_row(const uint32_t *at, const uint32_t *end,
                                          uint32_t sources) {
    const struct ltc_row *row = (const void *)at;
    uint32_t total;
    uint32_t runs;

    if (end - at < (int32_t)(sizeof *row / 4u) || row->shift > 31) {
        return NULL;
    }
    total = magnitude(row->bias);
    at += sizeof *row / 4u;
    for (runs = row->runs; runs > 0; runs--) {
        const struct ltc_run *run = (const void *)at;

        if (at == end || run->count == 0 || end - at <= (run->count + 1) / 2 ||
            run->first + run->count > sources) {
            return NULL;
        }
        for (uint32_t k = 0; k < run->count && total < LTC_FULL_SCALE; k++) {
            total += (magnitude(run->weight[k]) << 15 >> row->shift) + 1u; /* it is rounded down */
        }
        at += 1 + (run->count + 1) / 2;
    }
    return total < LTC_FULL_SCALE ? at : NULL;
}

LTC_COLD int ltc_cfc_check(const struct ltc *net, const struct ltc_header *header) {
    const uint32_t *at = (const void *)net->layer;
    const uint32_t *end = at + header->synapses;
    uint32_t sources = (uint32_t)net->inputs + net->neurons;
    uint32_t neurons = 0;

    while (at != end) {
        const struct ltc_layer *layer = (const void *)at;
        uint32_t kind = layer->kind;
        uint32_t units = layer->units;

        at++;
        for (uint32_t rows = kind <= LTC_PURE ? 4u * units : units; rows > 0; rows--) {
            at = check_row(at, end, sources);
            if (at == NULL) {
                return LTC_ERR_RANGE;
            }
        }
        if (kind <= LTC_PURE) {
            neurons += units;
        } else if (kind < LTC_LINEAR) {
            sources += units;
        } else if (kind == LTC_LINEAR && units == net->outputs && at == end &&
                   neurons == net->neurons && sources == net->channels) {
            return LTC_OK;
        } else {
            break;
        }
    }
    return LTC_ERR_LAYOUT;
}

#endif
