/* Blocks of code: decoded and costed once for each content. */
#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define SEV 0xBF40u

bool code_open(struct code *code, const struct engine_memory *memory) {
    const uint32_t halfwords = memory->bytes / 2u;

    code->memory = *memory;
    code->executed_from = UINT32_MAX;
    code->block = calloc(halfwords, sizeof *code->block);
    code->breakpoint = calloc(halfwords, 1);
    if (code->block == NULL || code->breakpoint == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < halfwords; i++) {
        code->block[i].start = NONE;
    }
    return true;
}

void code_close(struct code *code) {
    if (code->block != NULL) {
        for (uint32_t i = 0; i < code->memory.bytes / 2u; i++) {
            free(code->block[i].content);
        }
    }
    free(code->block);
    free(code->breakpoint);
}

void code_forget(struct code *code, uint32_t address, uint32_t bytes) {
    const uint32_t from = address - code->memory.origin;

    for (uint32_t i = 0; i < code->memory.bytes / 2u; i++) {
        struct code_block *block = &code->block[i];
        if (block->start != NONE && block->start - code->memory.origin < from + bytes &&
            from < block->start - code->memory.origin + block->bytes) {
            block->start = NONE;
        }
    }
}

struct code *code_at(struct engine *engine, uint32_t address) {
    for (uint32_t i = 0; i < engine->codes; i++) {
        if (address - engine->code[i].memory.origin < engine->code[i].memory.bytes) {
            return &engine->code[i];
        }
    }
    return NULL;
}

static uint16_t halfword_of(const struct code *code, uint32_t address) {
    const uint32_t at = address - code->memory.origin;

    if (at + 2u > code->memory.bytes) {
        return 0;
    }
    return (uint16_t)(code->memory.data[at] | code->memory.data[at + 1u] << 8);
}

uint16_t code_halfword(struct engine *engine, uint32_t address) {
    const struct code *code = code_at(engine, address);

    return code == NULL ? 0 : halfword_of(code, address);
}

static struct cost cost_at(const struct engine *engine, const struct code *code, uint32_t address) {
    return cost_of(&engine->model, address, halfword_of(code, address),
                   halfword_of(code, address + 2u));
}

struct cost code_cost(struct engine *engine, uint32_t address) {
    const struct code *code = code_at(engine, address);

    return code == NULL ? (struct cost){.bytes = 2} : cost_at(engine, code, address);
}

uint32_t code_wait(struct engine *engine, uint32_t address) {
    const struct code *code = code_at(engine, address);

    return code != NULL && (address & 3u) == 0 ? code->memory.sequential_wait : 0;
}

/* How many words an instruction loads, at most. */
static uint32_t loads_of(uint16_t code, const struct cost *cost) {
    switch (cost->kind) {
    case COST_LOAD:
        return 1;
    case COST_LOAD_MULTIPLE:
    case COST_POP:
    case COST_POP_PC:
        return (uint32_t)__builtin_popcount(code & 0x1FFu);
    default:
        return 0;
    }
}

/* What the next instruction in sequence takes: each word of code costs when execution gets into it.
 */
static uint32_t cycles_of(const struct code *code, uint32_t address, const struct cost *cost) {
    const bool begins_word = (address & 3u) == 0 || (address & 3u) + cost->bytes > 4u;

    return cost->cycles + (begins_word ? code->memory.sequential_wait : 0u);
}

/* MOV and ADD to SP, MSR to MSP and PSP: their value may have any lowest bits. */
static bool sets_stack(const struct code *code, uint32_t address) {
    const uint16_t first = halfword_of(code, address);

    if ((first & 0xFFF0u) == 0xF380u) {
        const uint16_t special = halfword_of(code, address + 2u);
        return special == 0x8808u || special == 0x8809u;
    }
    return (first & 0xFF87u) == 0x4685u || (first & 0xFF87u) == 0x4485u;
}

/* MSR to CONTROL. */
static bool sets_control(const struct code *code, uint32_t address) {
    return (halfword_of(code, address) & 0xFFF0u) == 0xF380u &&
           halfword_of(code, address + 2u) == 0x8814u;
}

static int32_t jump_wait(const struct code *code, uint32_t address) {
    return (int32_t)code->memory.fetch_wait -
           ((address & 3u) == 0 ? (int32_t)code->memory.sequential_wait : 0);
}

int32_t code_jump_wait(struct engine *engine, uint32_t address) {
    const struct code *code = code_at(engine, address);

    return code == NULL ? 0 : jump_wait(code, address);
}

static void fill(struct engine *engine, struct code *code, struct code_block *block,
                 uint32_t address, uint32_t bytes) {
    uint8_t *content = block->content;
    uint32_t loads = 0;

    *block = (struct code_block){.start = address, .bytes = bytes, .target = NONE};
    block->breakpoint = block->undefined = block->split = bytes;
    block->jump_wait = jump_wait(code, address);
    block->in_ram = code->memory.writable;
    for (uint32_t at = address; at < address + bytes;) {
        const struct cost cost = cost_at(engine, code, at);
        if (code->breakpoint[(at - code->memory.origin) / 2u] != 0 && block->breakpoint == bytes) {
            block->breakpoint = at - address;
        }
        block->sends_event |= halfword_of(code, at) == SEV;
        block->before_last = block->cycles;
        block->loads = loads;
        loads += loads_of(halfword_of(code, at), &cost);
        block->cycles += cycles_of(code, at, &cost);
        block->instructions++;
        block->last_kind = cost.kind;
        if ((cost.flags & COST_UNKNOWN) != 0 && cost.kind != COST_BREAKPOINT &&
            block->undefined == bytes) {
            block->undefined = at - address;
        }
        block->unmasks = cost.kind == COST_CHANGE_STATE || cost.kind == COST_WRITE_SPECIAL;
        block->sets_stack = sets_stack(code, at);
        block->sets_control = sets_control(code, at);
        block->control_from = (uint8_t)(halfword_of(code, at) & 0xFu);
        if ((block->sets_stack || block->sets_control) && block->split == bytes) {
            block->split = at + cost.bytes - address;
        }
        block->target = NONE;
        if (cost.flow == COST_CHOICE && (cost.flags & COST_UNDECIDED) == 0) {
            block->target = cost.target;
            block->taken = cost.taken;
        }
        at += cost.bytes;
    }
    code->executed_from = address < code->executed_from ? address : code->executed_from;
    code->executed_end =
        address + bytes > code->executed_end ? address + bytes : code->executed_end;
    block->whole = block->breakpoint == bytes && block->undefined == bytes && block->split == bytes;
    if (code->memory.writable) {
        block->content = realloc(content, bytes);
        if (block->content == NULL) { /* it is made anew each time */
            free(content);
        } else {
            memcpy(block->content, code->memory.data + (address - code->memory.origin), bytes);
        }
    }
}

struct code_block *code_block(struct engine *engine, uint32_t address, uint32_t bytes) {
    struct code *code = code_at(engine, address);

    if (code == NULL || bytes < 2u || address - code->memory.origin + bytes > code->memory.bytes) {
        return NULL;
    }
    const uint32_t at = address - code->memory.origin;
    struct code_block *block = &code->block[at / 2u];
    if (block->start != address || block->bytes != bytes ||
        (code->memory.writable &&
         (block->content == NULL || memcmp(block->content, code->memory.data + at, bytes) != 0))) {
        fill(engine, code, block, address, bytes);
    }
    return block;
}

struct code_part code_part(struct engine *engine, const struct code_block *block, uint32_t end) {
    const struct code *code = code_at(engine, block->start);
    struct code_part part = {0};

    for (uint32_t at = block->start; at < end && at < block->start + block->bytes;) {
        const struct cost cost = cost_at(engine, code, at);
        part.cycles += cycles_of(code, at, &cost);
        part.instructions++;
        part.sends_event |= halfword_of(code, at) == SEV;
        at += cost.bytes;
    }
    return part;
}

uint32_t code_boundary(struct engine *engine, const struct code_block *block, uint64_t cycles) {
    const struct code *code = code_at(engine, block->start);
    uint64_t passed = 0;
    uint32_t at = block->start;

    while (passed < cycles && at < block->start + block->bytes) {
        const struct cost cost = cost_at(engine, code, at);
        passed += cycles_of(code, at, &cost);
        passed += engine->load_wait * loads_of(halfword_of(code, at), &cost);
        at += cost.bytes;
    }
    return at;
}
