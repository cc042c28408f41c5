#include "ltc_math.h"
#include "ltc_solver.h"

#ifndef LTC_FUSED_ONLY

#define THIRD      21845 /* in Q16; with two of each the weights are exactly 2 */
#define TWO_THIRDS 43691

/* from + 2 * half, within the scale; formed halved, to fit. */
static int32_t moved(int32_t from, int32_t half) {
    return 2 * ltc_clamped((from >> 1) + half, LTC_FULL_SCALE / 2);
}

LTC_COLD void ltc_rk4(struct ltc *net) {
    for (uint32_t j = 0; j < net->neurons; j++) {
        struct ltc_stage *stage = &net->stage[j];

        stage->start = stage->from = net->cell[j].state;
        stage->change = 0;
    }
    for (uint32_t turn = 0; turn < 4; turn++) {
        ltc_unfold(net);
        for (uint32_t j = 0; j < net->neurons; j++) {
            struct ltc_stage *stage = &net->stage[j];
            int32_t half = (net->cell[j].state - stage->from) >> 1; /* of elapsed times slope */

            stage->change += ltc_multiply(half, turn == 0 || turn == 3 ? THIRD : TWO_THIRDS);
            half = turn == 3 ? stage->change >> 1 : half >> (turn < 2);
            stage->from = moved(stage->start, half);
            ltc_put_state(net, j, stage->from);
        }
    }
}

#endif
