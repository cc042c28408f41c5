#include "tracker.h"

#include <stdlib.h>

#define NOT_AN_ADDRESS 1u /* instructions are even */
#define RESET          1u
#define NMI            2u
#define HARD_FAULT     3u

/* Where execution comes from before anything is known; no block has an edge from it. */
static const struct block nowhere;

bool tracker_open(struct tracker *tracker, struct counter_header *file) {
    uint8_t *place = (uint8_t *)(file + 1);

    place += file->ranges * sizeof(struct counter_range);
    tracker->header = file;
    tracker->function = (struct counter_function *)place;
    place += file->functions * sizeof(struct counter_function);
    place += file->handlers * sizeof(struct counter_handler);
    place += file->memories * sizeof(struct counter_memory);
    place += (0u - (uintptr_t)place) & 15u;
    struct counter_node *node = (struct counter_node *)place;
    place += file->nodes * sizeof(struct counter_node);
    tracker->ring = (struct counter_call *)place;
    tracker->innermost = calloc(file->functions, sizeof *tracker->innermost);
    tracker->last = &nowhere;
    return tracker->innermost != NULL && call_tree_open(&tracker->tree, file, node);
}

void tracker_close(struct tracker *tracker) {
    free(tracker->innermost);
    call_tree_close(&tracker->tree);
}

static struct tracker_frame *top(struct tracker *tracker) {
    return &tracker->frame[tracker->frames - 1u];
}

static uint32_t bottom(const struct tracker *tracker) {
    return tracker->context[tracker->contexts - 1u].bottom;
}

/* Give the cycles since the last booking to the running function. */
static void book(struct tracker *tracker) {
    const block_pair spent = tracker->clock - tracker->mark;

    if (tracker->frames != 0) {
        struct counter_function *function = &tracker->function[top(tracker)->function];
        function->exclusive += spent[CYCLES];
        function->instructions += spent[INSTRUCTIONS];
        tracker->tree.node[top(tracker)->node].exclusive += spent[CYCLES];
    }
    tracker->header->cycles += spent[CYCLES];
    tracker->header->instructions += spent[INSTRUCTIONS];
    tracker->mark = tracker->clock;
}

static void report(struct tracker *tracker, const struct tracker_frame *frame) {
    struct counter_header *header = tracker->header;
    const block_pair spent = tracker->clock - frame->entered;
    struct counter_call call = {
        .function = frame->function,
        .cycles = spent[CYCLES],
        .instructions = spent[INSTRUCTIONS],
        .exceptions = header->entries + header->chained - frame->exceptions,
    };

    for (uint32_t i = 0; i < COUNTER_TROUBLES; i++) {
        if (header->trouble[i] != frame->trouble[i]) {
            call.trouble |= 1u << i;
        }
    }
    tracker->ring[header->calls & (header->ring - 1u)] = call;
    __atomic_store_n(&header->calls, header->calls + 1u, __ATOMIC_RELEASE);
}

/* End the latest calls, down to so many frames. */
static void pop_to(struct tracker *tracker, uint32_t frames) {
    book(tracker);
    while (tracker->frames > frames) {
        const struct tracker_frame *frame = top(tracker);
        struct counter_function *function = &tracker->function[frame->function];
        tracker->innermost[frame->function] = frame->outer;
        if (frame->outer <= bottom(tracker)) { /* no other call of it is open on this level */
            function->inclusive += tracker->clock[CYCLES] - frame->entered[CYCLES];
            function->open = 0;
        }
        if (frame->measured) {
            report(tracker, frame);
        }
        tracker->frames--;
    }
}

static void push(struct tracker *tracker, const struct block *block, uint32_t comes_back,
                 bool tail) {
    struct counter_function *function = &tracker->function[block->function];
    const bool entry = (block->flags & BLOCK_ENTRY) != 0;

    book(tracker);
    function->calls++;
    /* What a handler calls has nothing to do with what it interrupted. */
    const uint32_t caller = tracker->frames > bottom(tracker) ? top(tracker)->node : 0u;
    struct tracker_frame *frame = &tracker->frame[tracker->frames++];
    frame->entered = tracker->clock;
    frame->function = block->function;
    frame->node = call_tree_enter(&tracker->tree, caller, block->function);
    frame->comes_back = comes_back;
    frame->outer = tracker->innermost[block->function];
    frame->tail = tail;
    frame->measured = entry && (function->flags & COUNTER_MEASURED) != 0;
    frame->exceptions = tracker->header->entries + tracker->header->chained;
    for (uint32_t i = 0; i < COUNTER_TROUBLES; i++) {
        frame->trouble[i] = tracker->header->trouble[i];
    }
    tracker->innermost[block->function] = tracker->frames;
}

/* Nothing is known of how execution got here: end all calls, and start over with one that never
 * returns. */
static void start_over(struct tracker *tracker, const struct block *block) {
    bool lost = false;

    for (uint32_t i = 0; i < tracker->frames; i++) {
        lost = lost || tracker->frame[i].measured;
    }
    if (lost) {
        tracker->header->trouble[COUNTER_LOST]++;
    }
    while (tracker->contexts != 0) {
        const struct tracker_context *level = &tracker->context[tracker->contexts - 1u];
        pop_to(tracker, level->bottom);
        tracker->contexts--;
        if (tracker->contexts != 0) {
            tracker->clock = level->clock;
            tracker->mark = level->mark;
        }
    }
    tracker->contexts = 1;
    tracker->context[0].bottom = 0;
    push(tracker, block, NOT_AN_ADDRESS, false);
}

static bool is_indirect(const struct block *block) {
    return block->flow == COST_CALL_REGISTER || block->flow == COST_JUMP_REGISTER ||
           block->flow == COST_RETURN;
}

/* Whether one block can lead to another, as far as its last instruction says. */
static bool can_follow(const struct block *from, const struct block *block) {
    switch (from->flow) {
    case COST_NEXT:
    case COST_TRAP:
        return block->start == from->end;
    case COST_CHOICE:
        return block->start == from->end || block->start == from->target;
    case COST_JUMP:
    case COST_CALL:
        return block->start == from->target;
    default:
        return true;
    }
}

/* Another function goes on, without a call or a return that is known. */
static void cross(struct tracker *tracker, const struct block *block, bool indirect) {
    const uint32_t lowest = bottom(tracker) + 1u;

    /* Back into a function that was left by a jump: it is still the same call. */
    for (uint32_t n = tracker->frames; n > lowest && tracker->frame[n - 1u].tail; n--) {
        if (tracker->frame[n - 2u].function == block->function) {
            pop_to(tracker, n - 1u);
            return;
        }
    }
    /* Into the middle of a caller: a helper that returns elsewhere (switch tables), longjmp. */
    if (indirect && (block->flags & BLOCK_ENTRY) == 0) {
        for (uint32_t n = tracker->frames; n >= lowest; n--) {
            if (tracker->frame[n - 1u].function == block->function) {
                pop_to(tracker, n);
                return;
            }
        }
    }
    push(tracker, block, top(tracker)->comes_back, true);
}

/* A jump to an address in a register: a return from a call, if one awaits it there. */
static void jump_or_return(struct tracker *tracker, const struct block *block) {
    for (uint32_t n = tracker->frames; n > bottom(tracker) + 1u; n--) {
        if (tracker->frame[n - 1u].comes_back == block->start) {
            while (tracker->frame[n - 1u].tail) {
                n--;
            }
            pop_to(tracker, n - 1u);
            break;
        }
    }
    if (top(tracker)->function != block->function) {
        cross(tracker, block, true);
    }
}

/* A block starts, in the call that is on top now. */
static void run(struct tracker *tracker, const struct block *block, block_pair step) {
    if ((block->flags & BLOCK_UNKNOWN) != 0) {
        tracker->header->trouble[COUNTER_UNKNOWN]++;
    }
    tracker->clock += step;
}

static void remember(const struct block *from, struct block *block, block_pair step) {
    block->from[block->next_edge] = from;
    block->step[block->next_edge] = step;
    block->next_edge = (uint8_t)((block->next_edge + 1u) % BLOCK_EDGES);
}

/* An ordinary way from one block to the next. */
static void go(struct tracker *tracker, const struct block *from, struct block *block) {
    const bool same = from->function == block->function;
    block_pair before = {0, 0};
    block_pair step = block->cost;

    if (from->flow == COST_CHOICE && block->start != from->end) {
        before[CYCLES] = from->taken;
    }
    if (block->start == from->end) {
        step[CYCLES] -= block->fetch_wait;
    }
    if (same && !is_indirect(from) && from->flow != COST_CALL &&
        (block->flags & BLOCK_UNKNOWN) == 0) {
        remember(from, block, before + step);
    }
    tracker->clock += before;
    switch (from->flow) {
    case COST_CALL:
    case COST_CALL_REGISTER:
        if (!same || (block->flags & BLOCK_ENTRY) != 0) { /* otherwise a far jump */
            push(tracker, block, from->end, false);
        }
        break;
    case COST_JUMP_REGISTER:
    case COST_RETURN:
        jump_or_return(tracker, block);
        break;
    default:
        if (!same) {
            cross(tracker, block, false);
        }
        break;
    }
    run(tracker, block, step);
}

static void begin(struct tracker *tracker, struct block *block) {
    start_over(tracker, block);
    run(tracker, block, block->cost);
}

/* An exception's handler starts. */
static void preempt(struct tracker *tracker, const struct block *from, struct block *block) {
    struct tracker_context *level = &tracker->context[tracker->contexts];

    book(tracker);
    if (block->exception == NMI || block->exception == HARD_FAULT) {
        tracker->header->trouble[COUNTER_FAULT]++;
    }
    tracker->header->entries++;
    level->clock = tracker->clock;
    level->mark = tracker->mark;
    level->last = from;
    level->bottom = tracker->frames;
    tracker->contexts++;
    push(tracker, block, NOT_AN_ADDRESS, false);
    run(tracker, block, block->cost);
}

/* A handler is followed by the next one, without the interrupted code between. */
static void chain(struct tracker *tracker, struct block *block) {
    pop_to(tracker, bottom(tracker));
    if (block->exception == NMI || block->exception == HARD_FAULT) {
        tracker->header->trouble[COUNTER_FAULT]++;
    }
    tracker->header->chained++;
    push(tracker, block, NOT_AN_ADDRESS, false);
    run(tracker, block, block->cost);
}

/* A handler is over: what it interrupted goes on. */
static void leave(struct tracker *tracker, struct block *block) {
    const struct tracker_context *level = &tracker->context[tracker->contexts - 1u];

    pop_to(tracker, level->bottom);
    tracker->header->leaves++;
    tracker->contexts--;
    tracker->clock = level->clock;
    tracker->mark = level->mark;
    tracker_follow(tracker, level->last, block);
}

/* Whether a jump to an address in a register ends the running handler: all that it called is over.
 */
static bool ends_handler(const struct tracker *tracker, const struct block *from,
                         const struct block *block) {
    if (tracker->contexts < 2u || (from->flow != COST_RETURN && from->flow != COST_JUMP_REGISTER)) {
        return false;
    }
    for (uint32_t n = tracker->frames; n > bottom(tracker) + 1u; n--) {
        if (!tracker->frame[n - 1u].tail) {
            return false;
        }
    }
    if (from->flow == COST_RETURN || (block->flags & BLOCK_HANDLER) != 0) {
        return true;
    }
    /* By a register that is not LR: rather a switch or a call at the handler's end, unless the
     * interrupted block leads right here. */
    const struct block *interrupted = tracker->context[tracker->contexts - 1u].last;
    return !is_indirect(interrupted) && can_follow(interrupted, block);
}

void tracker_follow(struct tracker *tracker, const struct block *from, struct block *block) {
    const bool room = tracker->frames < TRACKER_FRAMES && tracker->contexts < TRACKER_CONTEXTS;

    if (tracker->contexts == 0 || !room) {
        begin(tracker, block);
    } else if ((block->flags & BLOCK_HANDLER) != 0 &&
               (is_indirect(from) || !can_follow(from, block))) {
        if (block->exception == RESET) {
            tracker->header->resets++;
            begin(tracker, block);
        } else if (ends_handler(tracker, from, block)) {
            chain(tracker, block);
        } else {
            preempt(tracker, from, block);
        }
    } else if (!can_follow(from, block)) {
        begin(tracker, block);
    } else if (ends_handler(tracker, from, block)) {
        leave(tracker, block);
    } else {
        go(tracker, from, block);
    }
}

void tracker_flush(struct tracker *tracker) {
    book(tracker);
    for (uint32_t i = 0; i < tracker->frames; i++) {
        tracker->function[tracker->frame[i].function].open = 0;
    }
    block_pair clock = tracker->clock;
    for (uint32_t n = tracker->contexts; n > 0; n--) {
        const struct tracker_context *level = &tracker->context[n - 1u];
        const uint32_t end = n == tracker->contexts ? tracker->frames : level[1].bottom;
        for (uint32_t i = level->bottom; i < end; i++) {
            const struct tracker_frame *frame = &tracker->frame[i];
            if (frame->outer <= level->bottom) {
                tracker->function[frame->function].open += clock[CYCLES] - frame->entered[CYCLES];
            }
        }
        clock = level->clock;
    }
}
