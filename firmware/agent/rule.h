/*
 * What an anomaly is: one output that is above a threshold, or is the largest, for some steps in a
 * row. Once for each such run of steps, at the step that makes it long enough. Depends on nothing,
 * as hil/swarm/rule.py says the same over the exact integer model's outputs.
 */
#ifndef RULE_H
#define RULE_H

#include <stdbool.h>
#include <stdint.h>

enum rule_kind {
    RULE_ABOVE = 0,   /* output `output` is above `threshold` */
    RULE_LARGEST = 1, /* no other output is larger; of equal ones the first counts */
};

struct rule {
    uint32_t kind;          /* enum rule_kind */
    uint32_t output;        /* which one */
    uint32_t steps;         /* in a row, from 1 on */
    int32_t threshold;      /* of RULE_ABOVE, in the output's own format */
    const uint32_t *shifts; /* of RULE_LARGEST, for each output: it counts 2^shift times, so that
                               outputs of several formats can be compared */
    uint32_t run;           /* steps in a row so far; saturates beyond `steps` */
};

/* Largest of `shifts`. */
#define RULE_SHIFT_MOST 31u

/* A sequence begins: no step before it counts. */
void rule_begin(struct rule *rule);

/* Take the `count` outputs of the next step; returns whether an anomaly is to be told. */
bool rule_take(struct rule *rule, const int32_t *outputs, uint32_t count);

#endif
