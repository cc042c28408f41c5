#include "watch.h"

#include "agent.h"
#include "ltc.h"
#include "port.h"

#define END_OF_WATCH 0xFFFFFFFFu

static void send(struct agent *agent, uint32_t number, const uint32_t *words, uint32_t count,
                 uint32_t status, uint32_t detail) {
    agent_unasked_begin(agent, PROTOCOL_REPORT);
    frame_put(&agent->encoder, &number, sizeof number);
    frame_put(&agent->encoder, words, 4u * count);
    agent_unasked_end(agent, (enum protocol_status)status, detail);
}

static uint32_t *report(const struct watch *watch, uint32_t number) {
    return &watch->reports[(number - 1u) % watch->room * watch->words];
}

static void send_report(struct agent *agent, uint32_t number) {
    send(agent, number, report(&agent->watch, number), agent->watch.words, PROTOCOL_OK, 0);
}

static void send_end(struct agent *agent) {
    const struct watch *watch = &agent->watch;
    const uint32_t totals[] = {END_OF_WATCH,   watch->done, watch->anomalies, watch->late,
                               watch->dropped, watch->crc,  watch->cycles[0], watch->cycles[1]};
    send(agent, watch->last + 1u, totals, sizeof totals / 4u, watch->status, watch->detail);
}

uint32_t watch_latest(const struct agent *agent) {
    const struct watch *watch = &agent->watch;
    return watch->last + (watch->running ? 0u : 1u);
}

/* Those that the host was not sent yet, as long as that keeps no sample waiting. */
static void send_waiting(struct agent *agent) {
    struct watch *watch = &agent->watch;
    while (watch->begun && !watch->held && watch->sent < watch_latest(agent) &&
           !port_write_pending()) {
        watch->sent++;
        if (watch->sent <= watch->last) {
            send_report(agent, watch->sent);
        } else {
            send_end(agent);
        }
    }
}

void watch_hold(struct agent *agent) {
    agent->watch.held = true;
    agent->watch.sent = agent->watch.taken;
}

void watch_taken(struct agent *agent, uint32_t number, bool again) {
    agent->watch.taken = number;
    agent->watch.held = false;
    if (again || agent->watch.sent < number) {
        agent->watch.sent = number;
    }
}

void watch_end(struct agent *agent) {
    if (agent->watch.running) {
        (void)port_tick_start(0);
    }
    agent->watch.running = false;
    agent->watch.begun = false;
}

/* Where reports can be kept: what the open network leaves of the arena. */
static void find_room(struct agent *agent) {
    struct watch *watch = &agent->watch;
    const struct port_memory *memory = &agent->memory;
    const uint8_t *used = (const uint8_t *)(agent->outputs + agent->net.outputs);
    const uint32_t left = memory->arena_bytes - (uint32_t)(used - memory->arena);
    const uint32_t values =
        watch->samples ? 1u + (uint32_t)agent->net.inputs : (uint32_t)agent->net.outputs;

    watch->words = 1u + values;
    watch->reports = (uint32_t *)(void *)(agent->outputs + agent->net.outputs);
    watch->room = left / (4u * watch->words);
    if (watch->room > WATCH_REPORTS_MOST) {
        watch->room = WATCH_REPORTS_MOST;
    }
}

enum protocol_status watch_begin(struct agent *agent, const uint32_t *words, uint32_t length,
                                 uint32_t *detail) {
    struct watch *watch = &agent->watch;
    const struct port_memory *memory = &agent->memory;

    watch_end(agent);
    *detail = length;
    if (length != 20) {
        return PROTOCOL_BAD_LENGTH;
    }
    const uint32_t longest = port_tick_longest_ms();
    *detail = longest;
    if (words[0] == 0 || words[0] > longest) {
        return PROTOCOL_TICK_RANGE;
    }
    const uint32_t sequences = words[2] & 0xFFFFu;
    const uint32_t steps = words[2] >> 16;
    *detail = words[2];
    if (sequences == 0 || steps == 0) {
        return PROTOCOL_BAD_ARGUMENT;
    }
    *detail = words[3];
    watch->rule = (struct rule){.kind = words[3] & 0xFFu,
                                .output = words[3] >> 8 & 0xFFu,
                                .steps = words[3] >> 16 & 0xFFu,
                                .threshold = (int32_t)words[4]};
    const uint32_t flags = words[3] >> 24;
    if (watch->rule.kind > RULE_LARGEST || watch->rule.output >= agent->net.outputs ||
        watch->rule.steps == 0 || flags > PROTOCOL_WATCH_SAMPLES) {
        return PROTOCOL_BAD_ARGUMENT;
    }
    const uint32_t offset = words[1];
    *detail = offset;
    if (offset % 4u != 0) {
        return PROTOCOL_BAD_ARGUMENT;
    }
    /* The state that each sequence begins with, the shifts where the rule has some, all records. */
    const uint32_t shifts = watch->rule.kind == RULE_LARGEST ? agent->net.outputs : 0u;
    const uint64_t bytes = 4u * ((uint64_t)agent->net.neurons + shifts +
                                 (uint64_t)sequences * steps * (1u + agent->net.inputs));
    *detail = memory->slot_bytes;
    if (offset > memory->slot_bytes || bytes > memory->slot_bytes - offset) {
        return PROTOCOL_WATCH_RANGE;
    }
    watch->start = (const int32_t *)(const void *)(memory->slot + offset);
    watch->rule.shifts = (const uint32_t *)(const void *)(watch->start + agent->net.neurons);
    watch->next = watch->rule.shifts + shifts;
    for (uint32_t i = 0; i < shifts; i++) {
        *detail = watch->rule.shifts[i];
        if (*detail > RULE_SHIFT_MOST) {
            return PROTOCOL_BAD_ARGUMENT;
        }
    }
    watch->samples = (flags & PROTOCOL_WATCH_SAMPLES) != 0;
    find_room(agent);
    *detail = watch->room;
    if (watch->room < WATCH_REPORTS_FEWEST) {
        return PROTOCOL_WATCH_ROOM;
    }
    watch->sequences = sequences;
    watch->steps = steps;
    watch->sequence = watch->step = 0;
    watch->last = watch->taken = watch->sent = 0;
    watch->done = watch->anomalies = watch->late = watch->dropped = 0;
    watch->crc = watch->cycles[0] = watch->cycles[1] = 0;
    watch->status = PROTOCOL_OK;
    watch->detail = 0;
    watch->held = false;
    watch->begun = watch->running = port_tick_start(words[0]);
    *detail = 0;
    return watch->running ? PROTOCOL_OK : PROTOCOL_TICK_RANGE;
}

static void keep(struct agent *agent, const void *values) {
    struct watch *watch = &agent->watch;
    const uint32_t *from = values;

    if (watch->last - watch->taken == watch->room) {
        watch->dropped++;
        return;
    }
    watch->last++;
    uint32_t *to = report(watch, watch->last);
    to[0] = watch->sequence | watch->step << 16;
    for (uint32_t i = 1; i < watch->words; i++) {
        to[i] = from[i - 1u];
    }
}

static void add_cycles(struct watch *watch, uint32_t begin, uint32_t end) {
    const uint32_t unused = 32u - port_counter_bits();
    const uint32_t cycles = port_counter_bits() == 0 ? 0 : ((end - begin) << unused) >> unused;

    watch->cycles[0] += cycles;
    watch->cycles[1] += watch->cycles[0] < cycles ? 1u : 0u;
}

static enum protocol_status refused(struct watch *watch, enum protocol_status status, int error) {
    watch->detail = watch->done << 8 | (uint32_t)-error;
    return status;
}

/* One step of the network; where the runtime refuses it, `detail` says which step, and why. */
static enum protocol_status infer(struct agent *agent) {
    struct watch *watch = &agent->watch;

    if (watch->step == 0) {
        const int error = ltc_set_state(&agent->net, watch->start, agent->net.neurons);
        if (error != LTC_OK) {
            return refused(watch, PROTOCOL_STATE_REJECTED, error);
        }
        rule_begin(&watch->rule);
    }
    port_marker_high();
    const uint32_t begin = port_counter();
    const int error = ltc_step(&agent->net, (const int32_t *)(const void *)&watch->next[1],
                               watch->next[0], agent->outputs);
    const uint32_t end = port_counter();
    port_marker_low();
    if (error != LTC_OK) {
        return refused(watch, PROTOCOL_STEP_REJECTED, error);
    }
    add_cycles(watch, begin, end);
    watch->crc = ltc_crc32(watch->crc, agent->outputs, 4u * (uint32_t)agent->net.outputs);
    if (rule_take(&watch->rule, agent->outputs, agent->net.outputs)) {
        watch->anomalies++;
        keep(agent, agent->outputs);
    }
    if (watch->step + 1u == watch->steps) {
        /* The count is the network's own, which is the one thing it could object to. */
        (void)ltc_get_state(&agent->net, agent->states, agent->net.neurons);
        watch->crc = ltc_crc32(watch->crc, agent->states, 4u * (uint32_t)agent->net.neurons);
    }
    return PROTOCOL_OK;
}

static void finish(struct agent *agent) {
    agent->watch.running = false;
    (void)port_tick_start(0);
}

bool watch_tick(struct agent *agent) {
    struct watch *watch = &agent->watch;
    const uint32_t ticks = watch->running ? port_ticks() : 0;

    send_waiting(agent);
    if (ticks == 0) {
        return false;
    }
    watch->late += ticks - 1u;
    if (watch->samples) {
        watch->crc = ltc_crc32(watch->crc, watch->next, 4u * (watch->words - 1u));
        keep(agent, watch->next);
    } else {
        watch->status = infer(agent);
        if (watch->status != PROTOCOL_OK) {
            finish(agent);
            return true;
        }
    }
    watch->done++;
    watch->next += 1u + agent->net.inputs;
    if (++watch->step == watch->steps) {
        watch->step = 0;
        if (++watch->sequence == watch->sequences) {
            finish(agent);
        }
    }
    return true;
}
