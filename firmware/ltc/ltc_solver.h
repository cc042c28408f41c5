/* The solvers of a step: what ltc_step() runs between inputs and outputs. */
#ifndef LTC_SOLVER_H
#define LTC_SOLVER_H

#include "ltc_internal.h"
#include "ltc_kernel.h"
#include "ltc_math.h"

#ifdef LTC_FUSED_ONLY
#define LTC_SOLVERS             1u
#define LTC_IS_EXPLICIT(solver) 0u
#define LTC_IS_STAGED(solver)   0u
#define LTC_IS_CFC(solver)      0u
#else
#define LTC_SOLVERS             5u /* enum ltc_solver: those below it are here */
#define LTC_IS_EXPLICIT(solver) ((solver) == LTC_EULER || (solver) == LTC_RK4)
#define LTC_IS_STAGED(solver)   ((solver) >= LTC_RK4 && !LTC_IS_CFC(solver))
#define LTC_IS_CFC(solver)      ((solver) == LTC_CFC)
#endif

/* What a solver keeps of a neuron beside its cell. */
struct ltc_stage {
    union {
        struct { /* ltc_rk4() */
            int32_t start;
            int32_t from;   /* the state at which the stage's slope is taken */
            int32_t change; /* of the whole unfold */
        };
        struct { /* ltc_adaptive() */
            int32_t first;
            int32_t last; /* result with half of the unfolds */
            uint32_t rate;
        };
        struct { /* ltc_exponential(): what its cell holds between two unfolds */
            int32_t bytes;
            uint32_t den;
            int32_t num;
            uint32_t beside;
        };
    };
};

_Static_assert(sizeof(struct ltc_stage) == 16, "LTC_STAGED_MEMORY_BYTES counts 16 a neuron");

/* What was next is now before. */
static inline void ltc_swap(struct ltc *net) {
    int16_t *swap = net->before;

    net->before = net->after;
    net->after = swap;
}

/* Where a neuron's state is: a CfC has no more of it. */
static inline int32_t *ltc_state(const struct ltc *net, uint32_t j) {
    return LTC_IS_CFC(net->solver) ? (int32_t *)net->cell + j : &net->cell[j].state;
}

/* Set a neuron's state, of an LTC. */
static inline void ltc_put_state(struct ltc *net, uint32_t j, int32_t state) {
    net->cell[j].state = state;
    net->before[j] = (int16_t)(state >> 15);
}

/* Update every neuron once; each synapse reads the states before. */
void ltc_unfold(struct ltc *net);

/* One unfold of the classical Runge-Kutta method. */
void ltc_rk4(struct ltc *net);

/* A whole step: fused with 1, 2, 4 ... unfolds, until all states differ by at most the error bound
 * from those with half as many, or net->unfolds would be exceeded. */
void ltc_adaptive(struct ltc *net);

/* One unfold of the exponential Euler method. */
void ltc_exponential(struct ltc *net);

#endif
