/* See stall.h. */
#include "stall.h"

#include "engine_internal.h"

#define BARRED 2u /* beside the 1 of a breakpoint that somebody set */

void engine_bar(struct engine *engine, uint32_t address, bool barred) {
    struct code *code = code_at(engine, address);

    if (code == NULL) {
        return;
    }
    for (uint32_t i = 0; i < code->memory.bytes / 2u; i++) {
        code->breakpoint[i] = (uint8_t)((code->breakpoint[i] & ~BARRED) | (barred ? BARRED : 0u));
    }
    code_forget(code, code->memory.origin, code->memory.bytes);
}

void stall_load(struct engine *engine, const struct code *code) {
    engine->shared.clock += code->load_wait;
    engine->block_clock += code->load_wait;
    engine->waited += engine->tracker != NULL ? code->load_wait : 0u;
}

static void on_load(void *uc, int type, uint64_t address, int size, int64_t value, void *user) {
    struct engine *engine = user;
    const uint32_t at = (uint32_t)address;
    const struct code *code = code_at(engine, at);
    /* Unicorn reports what it then does not do, too. */
    const bool done = (at & ((uint32_t)size - 1u)) == 0 && !watch_reads_at(engine, at);

    (void)uc;
    (void)type;
    (void)value;
    if (code != NULL && done) {
        stall_load(engine, code);
    }
}

/* Have Unicorn report loads from a memory, for good. It takes a quarter of the speed. */
static void hook_loads(struct engine *engine, struct code *code) {
    uint64_t hook;

    if (!code->loads_hooked) {
        code->loads_hooked = true;
        engine->unicorn.hook_add(engine->uc, &hook, UC_HOOK_MEM_READ, (void *)on_load, engine,
                                 (uint64_t)code->memory.origin,
                                 (uint64_t)(code->memory.origin + code->memory.bytes - 1u));
        engine->unicorn.ctl(engine->uc, UC_CTL_FLUSH);
    }
}

void engine_wait_states(struct engine *engine, uint32_t address, uint32_t cycles) {
    struct code *code = code_at(engine, address);

    if (code == NULL) {
        return;
    }
    code->memory.fetch_wait = code->memory.sequential_wait = code->load_wait = cycles;
    code_forget(code, code->memory.origin, code->memory.bytes); /* their costs */
    engine->load_wait = 0;
    for (uint32_t i = 0; i < engine->codes; i++) {
        const uint32_t wait = engine->code[i].load_wait;
        engine->load_wait = wait > engine->load_wait ? wait : engine->load_wait;
    }
    if (cycles != 0) {
        hook_loads(engine, code);
    }
}

void engine_load_waits(struct engine *engine, uint64_t cycle) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;
    const struct code_block *block = engine->block;

    if (block == NULL || pc - block->start >= block->bytes) {
        return;
    }
    const uint64_t now = engine->block_clock + code_part(engine, block, pc).cycles;
    if (now < cycle) {
        engine->shared.clock += cycle - now;
        engine->block_clock += cycle - now;
    }
}
