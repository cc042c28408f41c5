#include "harvest.h"

#include "checkpoint.h"
#include "ltc.h"
#include "main.h"
#include "port.h"

volatile struct harvest_seen harvest_seen;

static struct {
    const struct harvest_plan *plan;
    const int32_t *start;
    const uint32_t *records; /* of the first step: elapsed time, inputs */
    const uint32_t *next;    /* of the next one */
    uint32_t sequence;       /* the next step's */
    uint32_t step;           /* the next one */
    uint32_t until_save;     /* steps */
    uint32_t *words;         /* a checkpoint's, the states in front */
    int32_t *outputs;
    struct checkpoint_store store;
    struct checkpoint checkpoint;
    struct ltc net;
} node;

static enum harvest_status failed(enum harvest_status status, uint32_t detail) {
    harvest_seen.detail = detail;
    return status;
}

/* Whether the plan is one, and all that it names lies in the slot. */
static bool read_plan(const struct port_memory *memory) {
    const uint32_t room = memory->slot_bytes - (uint32_t)sizeof(struct harvest_plan);
    const struct harvest_plan *plan = (const void *)(memory->slot + room);
    const uint32_t fields = (uint32_t)(sizeof *plan - sizeof plan->crc);

    node.plan = plan;
    return plan->magic == HARVEST_MAGIC && plan->crc == ltc_crc32(0, plan, fields) &&
           plan->image_bytes <= plan->offset && plan->offset <= room && plan->offset % 4u == 0 &&
           plan->sequences - 1u < room && plan->steps - 1u < room && plan->every != 0;
}

static bool recordings_fit(const struct port_memory *memory) {
    const struct harvest_plan *plan = node.plan;
    const uint64_t bytes =
        4u * (node.net.neurons + (uint64_t)plan->sequences * plan->steps * (1u + node.net.inputs));
    return bytes <= memory->slot_bytes - sizeof *plan - plan->offset;
}

/* Where in the recordings the next step is, after so many. */
static void find_next(uint32_t steps) {
    const struct harvest_plan *plan = node.plan;
    const uint32_t at = steps % (plan->sequences * plan->steps);
    node.sequence = at / plan->steps;
    node.step = at % plan->steps;
    node.next = node.records + at * (1u + node.net.inputs);
    node.until_save = plan->every - steps % plan->every;
}

static enum harvest_status resume(void) {
    uint32_t steps = 0;
    const int found = checkpoint_load(&node.checkpoint, &node.net, &steps);
    if (found < 0) {
        return failed(HARVEST_BAD_STATE, (uint32_t)-found);
    }
    find_next(steps);
    harvest_seen.states = (const int32_t *)(const void *)node.words;
    harvest_seen.outputs = node.outputs;
    harvest_seen.steps = steps;
    harvest_seen.saved = harvest_seen.resumed = found == CHECKPOINT_OK ? steps : HARVEST_NONE;
    return HARVEST_RUNS;
}

static enum harvest_status start(void) {
    const struct port_memory memory = port_memory();
    if (!read_plan(&memory)) {
        return HARVEST_BAD_PLAN;
    }
    const int error =
        ltc_open(&node.net, memory.slot, node.plan->image_bytes, memory.arena, memory.arena_bytes);
    if (error != LTC_OK) {
        return failed(HARVEST_BAD_IMAGE, (uint32_t)-error);
    }
    if (!recordings_fit(&memory)) {
        return HARVEST_BAD_PLAN;
    }
    const uint32_t used = (ltc_memory_bytes(&node.net) + 3u) & ~3u;
    const uint32_t count = CHECKPOINT_WORDS(node.net.neurons);
    if (memory.arena_bytes - used < 4u * (count + node.net.outputs)) {
        return HARVEST_BAD_ROOM;
    }
    node.words = (uint32_t *)(void *)(memory.arena + used);
    node.outputs = (int32_t *)(void *)(node.words + count);
    node.start = (const int32_t *)(const void *)(memory.slot + node.plan->offset);
    node.records = (const uint32_t *)(const void *)(node.start + node.net.neurons);
    node.store = (struct checkpoint_store){
        .read = port_store_read, .write = port_store_write, .bytes = port_store_bytes()};
    if (checkpoint_open(&node.checkpoint, &node.store, &node.net, node.plan->crc, node.words,
                        count) != CHECKPOINT_OK) {
        return HARVEST_BAD_ROOM;
    }
    return resume();
}

static void go_on(void) {
    node.next += 1u + node.net.inputs;
    if (++node.step == node.plan->steps) {
        node.step = 0;
        if (++node.sequence == node.plan->sequences) {
            node.sequence = 0;
            node.next = node.records;
        }
    }
}

static enum harvest_status make_step(void) {
    if (node.step == 0 && ltc_set_state(&node.net, node.start, node.net.neurons) != LTC_OK) {
        return HARVEST_BAD_STATE;
    }
    port_marker_high();
    const int error = ltc_step(&node.net, (const int32_t *)(const void *)&node.next[1],
                               node.next[0], node.outputs);
    port_marker_low();
    if (error != LTC_OK) {
        return failed(HARVEST_STEP_REJECTED, (uint32_t)-error);
    }
    go_on();
    (void)ltc_get_state(&node.net, (int32_t *)(void *)node.words, node.net.neurons);
    __asm volatile("" ::: "memory"); /* states and outputs are in memory before the number is */
    const uint32_t steps = harvest_seen.steps + 1u;
    harvest_seen.steps = steps;
    if (--node.until_save == 0) {
        node.until_save = node.plan->every;
        const int saved = checkpoint_save(&node.checkpoint, &node.net, steps);
        if (saved != CHECKPOINT_OK) {
            return failed(HARVEST_STORE_FAILED, (uint32_t)-saved);
        }
        harvest_seen.saved = steps;
    }
    return HARVEST_RUNS;
}

void main_loop(void) {
    port_init();
    enum harvest_status status = start();
    while (status == HARVEST_RUNS) {
        status = make_step();
    }
    harvest_seen.status = status;
    for (;;) {
        port_idle();
    }
}

void main_report_fault(uint32_t exception, const uint32_t stacked[8]) {
    (void)stacked;
    harvest_seen.detail = exception;
    harvest_seen.status = HARVEST_FAULT;
}
