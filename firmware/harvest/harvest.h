/*
 * A node that nobody talks to: at boot it goes on with the network in the image slot where the
 * power went, and makes step after step from the recordings behind the image, with a checkpoint
 * every so many. What is made of samples otherwise is not here: there is no sensor and no link.
 * Whoever looks (a debug probe, the twin's host) finds `harvest` in RAM.
 */
#ifndef HARVEST_H
#define HARVEST_H

#include <stdint.h>

#define HARVEST_MAGIC 0x31565248u /* "HRV1" */
#define HARVEST_NONE  0xFFFFFFFFu

/* The last words of the image slot; hil/harvest/plan.py writes them. The image begins the slot. */
struct harvest_plan {
    uint32_t magic;
    uint32_t image_bytes;
    uint32_t offset;    /* of the state that each sequence begins with, in the slot; then, for each
                           step of each sequence, elapsed time and inputs */
    uint32_t sequences; /* of the recordings, from 1 on */
    uint32_t steps;     /* of each sequence, from 1 on */
    uint32_t every;     /* steps between two checkpoints, from 1 on */
    uint32_t
        recordings; /* CRC-32 of what lies from `offset` on, so that `crc` tells recordings apart */
    uint32_t crc;   /* CRC-32 of all that, and what checkpoints are tied to */
};

enum harvest_status {
    HARVEST_RUNS = 0,
    HARVEST_BAD_PLAN = 1,      /* magic, CRC, or what does not fit the slot */
    HARVEST_BAD_IMAGE = 2,     /* `detail`: enum ltc_error, negated */
    HARVEST_BAD_ROOM = 3,      /* RAM or store are too small */
    HARVEST_BAD_STATE = 4,     /* a start state, or a checkpoint's, that the runtime refuses */
    HARVEST_STEP_REJECTED = 5, /* `detail`: enum ltc_error, negated */
    HARVEST_STORE_FAILED = 6,  /* a checkpoint could not be written */
    HARVEST_FAULT = 7,         /* `detail`: the exception's number */
};

/* What can be seen from outside. hil/harvest/chip.py knows the order. */
struct harvest_seen {
    uint32_t status;  /* enum harvest_status; with another than HARVEST_RUNS nothing goes on */
    uint32_t detail;  /* of it */
    uint32_t resumed; /* steps of the checkpoint that was found at boot; HARVEST_NONE without */
    uint32_t saved;   /* steps of the last checkpoint; HARVEST_NONE before the first */
    uint32_t steps; /* made in all, power cuts or not; set once the two below are those after it */
    const int32_t *states; /* of every neuron */
    const int32_t *outputs;
};

extern volatile struct harvest_seen harvest_seen;

#endif
