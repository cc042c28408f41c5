/*
 * Follows execution from block to block: settles what branches cost, and books cycles to functions
 * and to their calls.
 *
 * Exceptions are told from the flow alone: a block that the last one cannot lead to, and that
 * starts at a vector, is a handler. Each level of preemption has a clock of its own, so the cycles
 * of a handler are its own and never those of what it interrupted. A branch that an interrupt kept
 * apart from its destination is settled when execution comes back.
 *
 * Not followed exactly: the instruction that raises HardFault (the rest of its block is counted,
 * though not executed) and threads that switch stacks. Both are noted as trouble.
 */
#ifndef TRACKER_H
#define TRACKER_H

#include "block.h"
#include "call_tree.h"

#define TRACKER_FRAMES   1024u
#define TRACKER_CONTEXTS 32u

struct tracker_frame {
    block_pair entered; /* its context's clock at entry */
    uint32_t function;
    uint32_t comes_back; /* address after the call */
    uint32_t outer;      /* frames up to and with the next one of the same function, or 0 */
    uint32_t node;       /* of the call tree */
    uint8_t tail;        /* entered by a jump: returns together with the frame below */
    uint8_t measured;
    uint64_t exceptions; /* the header's counts at entry */
    uint64_t trouble[COUNTER_TROUBLES];
};

/* A level of preemption: the first is the thread, each further one a handler. While a level is
 * interrupted, what the tracker keeps for the running one is stored here. */
struct tracker_context {
    block_pair clock;
    block_pair mark;
    const struct block *last;
    uint32_t bottom; /* its first frame */
};

struct tracker {
    block_pair clock;
    const struct block *last;
    block_pair mark; /* the clock when the running function's cycles were last booked */
    uint32_t frames;
    uint32_t contexts;
    uint32_t *innermost; /* for each function: frames up to and with its latest one, or 0 */
    struct counter_header *header;
    struct counter_function *function;
    struct call_tree tree;
    struct counter_call *ring;
    struct tracker_context context[TRACKER_CONTEXTS];
    struct tracker_frame frame[TRACKER_FRAMES];
};

/* Start on a counter's file. Returns false without memory. */
bool tracker_open(struct tracker *tracker, struct counter_header *file);

/* Free what it has beside its file. */
void tracker_close(struct tracker *tracker);

/* Book everything up to now, so that a reader finds it. */
void tracker_flush(struct tracker *tracker);

/* Execution came from one block to another in a way not seen before, or with consequences. */
void tracker_follow(struct tracker *tracker, const struct block *from, struct block *block);

/* A block is about to be executed. */
static inline void tracker_enter(struct tracker *tracker, struct block *block) {
    const struct block *from = tracker->last;

    tracker->last = block;
    if (from == block->from[0]) {
        tracker->clock += block->step[0];
    } else if (from == block->from[1]) {
        tracker->clock += block->step[1];
    } else {
        tracker_follow(tracker, from, block);
    }
}

/* An access by the block that is being executed took so many cycles more (or less). */
static inline void tracker_delay(struct tracker *tracker, int32_t cycles) {
    tracker->clock[CYCLES] += (uint64_t)(int64_t)cycles;
}

#endif
