/*
 * Closed-form continuous-time networks (CfC, arXiv 2106.13898): what ltc.c and ltc_check.c do for
 * an image of one. Left out with LTC_FUSED_ONLY.
 */
#ifndef LTC_CFC_H
#define LTC_CFC_H

#include <stdbool.h>

#include "ltc_internal.h"

#ifndef LTC_FUSED_ONLY

/* Whether the header's counts and lengths agree; finds the layers. */
bool ltc_cfc_find(struct ltc *net, const struct ltc_header *header);

/* Every layer, row and weight. */
int ltc_cfc_check(const struct ltc *net, const struct ltc_header *header);

void ltc_cfc_bind(struct ltc *net, void *memory);

/* One step; elapsed is within its range. */
void ltc_cfc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs);

#else /* never called: ltc_open() refuses the image */

static inline bool ltc_cfc_find(struct ltc *net, const struct ltc_header *header) {
    (void)net;
    (void)header;
    return false;
}

static inline int ltc_cfc_check(const struct ltc *net, const struct ltc_header *header) {
    (void)net;
    (void)header;
    return LTC_ERR_SOLVER;
}

static inline void ltc_cfc_bind(struct ltc *net, void *memory) {
    (void)net;
    (void)memory;
}

static inline void ltc_cfc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed,
                                int32_t *outputs) {
    (void)net;
    (void)inputs;
    (void)elapsed;
    (void)outputs;
}

#endif

#endif
