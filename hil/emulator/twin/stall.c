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

void engine_wait_states(struct engine *engine, uint32_t address, uint32_t cycles) {
    struct code *code = code_at(engine, address);

    if (code != NULL) {
        code->memory.fetch_wait = code->memory.sequential_wait = cycles;
        code_forget(code, code->memory.origin, code->memory.bytes); /* their costs */
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
