/* Counting functions and calls: what was executed goes to the tracker (hil/cycles/tracker.h), each
 * stretch of instructions once it is known to have been. */
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

static struct block *lookup(struct engine *engine, uint32_t start, uint32_t end) {
    const struct code *code = code_at(engine, start);

    return block_at(&engine->table, start, code->memory.data + (start - code->memory.origin),
                    end - start);
}

/* Enter blocks from one on, up to an address: one ends for the tracker where its function does. */
static void enter(struct engine *engine, struct block *block, uint32_t end) {
    while (block != NULL) {
        const uint32_t next = block->end;
        tracker_enter(engine->tracker, block);
        if (next >= end) {
            return;
        }
        block = lookup(engine, next, end);
    }
    engine->tracker->header->trouble[COUNTER_LOST]++;
}

void count_span(struct engine *engine, uint32_t start, uint32_t end) {
    if (start < end) {
        enter(engine, lookup(engine, start, end), end);
    }
}

void count_prepare(struct engine *engine, struct code_block *block) {
    /* Now, as its own stores may change it. */
    if (block->counted == NULL) {
        block->counted = lookup(engine, block->start, block->start + block->bytes);
    }
}

void count_block(struct engine *engine, const struct code_block *block) {
    enter(engine, block->counted, block->start + block->bytes);
}

void count_waits(struct engine *engine) {
    tracker_delay(engine->tracker, (int32_t)engine->waited);
    engine->waited = 0;
}

void count_close(struct engine *engine) {
    block_table_close(&engine->table);
    if (engine->tracker != NULL) {
        tracker_close(engine->tracker);
    }
    free(engine->tracker);
    engine->tracker = NULL;
}

bool engine_count(struct engine *engine, void *file) {
    struct counter_header *header = file;
    struct tracker *tracker = aligned_alloc(64, (sizeof *tracker + 63u) / 64u * 64u);

    count_close(engine);
    if (tracker == NULL || header->magic != COUNTER_MAGIC || header->version != COUNTER_VERSION) {
        free(tracker);
        return false;
    }
    memset(tracker, 0, sizeof *tracker);
    engine->tracker = tracker;
    if (!block_table_open(&engine->table, header) || !tracker_open(tracker, header)) {
        count_close(engine);
        return false;
    }
    header->state = 1;
    return true;
}

void engine_book(struct engine *engine) {
    struct tracker *tracker = engine->tracker;

    if (tracker != NULL && tracker->clock[INSTRUCTIONS] != tracker->mark[INSTRUCTIONS]) {
        tracker_flush(tracker);
        __atomic_add_fetch(&tracker->header->idles, 1u, __ATOMIC_RELEASE);
    }
}
