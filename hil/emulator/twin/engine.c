/* The run loop, and the hooks through which Unicorn reports. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define THUMB          (1u << 24) /* xPSR.T */
#define NPRIV          1u         /* CONTROL */
#define SEVONPEND      0x10u      /* SCR */
#define DEBUGGER       1u         /* engine_shared.debug */
#define CATCHES_FAULTS 2u

/* Numbers of CPU exceptions of Unicorn's UC_HOOK_INTR (QEMU's target/arm/cpu.h). */
enum {
    TRAP_UNDEFINED = 1,
    TRAP_SUPERVISOR = 2,
    TRAP_PREFETCH_ABORT = 3,
    TRAP_DATA_ABORT = 4,
    TRAP_BKPT = 7,
    TRAP_EXCEPTION_EXIT = 8,
    TRAP_NOCP = 17,
    TRAP_INVALID_STATE = 18
};

#define YIELD 0xBF10u
#define WFE   0xBF20u

uint32_t engine_get(const struct engine *engine, int reg) {
    uint32_t value = 0;

    engine->unicorn.reg_read(engine->uc, reg, &value);
    return value;
}

void engine_set(struct engine *engine, int reg, uint32_t value) {
    engine->unicorn.reg_write(engine->uc, reg, &value);
}

uint32_t engine_register(const struct engine *engine, uint32_t number) {
    return engine_get(engine, number == 14u ? REG_LR : REG_R0 + (int)number);
}

void engine_set_pc(struct engine *engine, uint32_t value) {
    engine_set(engine, REG_PC, value | 1u); /* Unicorn takes xPSR.T from it */
}

/* The current block */

/* The lowest bits of stack pointers are always zero (DDI 0419, B1.4.1). Unicorn stores any. */
static void align_stacks(struct engine *engine) {
    static const int stacks[] = {REG_SP, REG_MSP, REG_PSP};

    for (uint32_t i = 0; i < sizeof stacks / sizeof *stacks; i++) {
        const uint32_t value = engine_get(engine, stacks[i]);
        if ((value & 3u) != 0) {
            engine_set(engine, stacks[i], value & ~3u);
        }
    }
}

/* It was executed to its end. */
static inline void complete(struct engine *engine) {
    const struct code_block *block = engine->block;

    if (block != NULL) {
        engine->follows = block->start + block->bytes;
        engine->block = NULL;
        if (block->sends_event) {
            engine->shared.event = 1;
        }
        if (block->sets_stack) {
            align_stacks(engine);
        }
        if (block->sets_control) { /* Unicorn's Cortex-M0 has no such bit, the M0+ may have */
            engine->unprivileged = (engine_register(engine, block->control_from) & NPRIV) != 0;
        }
        if (engine->tracker != NULL) {
            count_block(engine, block);
            count_waits(engine);
        }
    }
}

/* It ended before an instruction: take back what was charged for the rest. */
static void cut_short(struct engine *engine, uint32_t pc) {
    const struct code_block *block = engine->block;

    if (block == NULL || pc - block->start >= block->bytes) {
        complete(engine);
        return;
    }
    const struct code_part part = code_part(engine, block, pc);
    engine->shared.clock = engine->block_clock + part.cycles;
    engine->shared.instructions = engine->block_instructions + part.instructions;
    engine->shared.event |= part.sends_event ? 1u : 0u;
    engine->follows = pc;
    engine->block = NULL;
    if (engine->tracker != NULL) {
        count_span(engine, block->start, pc);
        count_waits(engine);
    }
}

/* Execution comes from it to an address. True: an interrupt may be taken in between. */
static inline bool leave(struct engine *engine, uint32_t to) {
    const struct engine_shared *shared = &engine->shared;
    const struct code_block *block = engine->block;

    if (block == NULL) {
        return false;
    }
    complete(engine);
    if (to == block->target) {
        engine->shared.clock += block->taken;
    }
    return engine->unprivileged ||
           (block->unmasks && (shared->pending | shared->system_pending) != 0);
}

static inline void charge(struct engine *engine, struct code_block *block) {
    struct engine_shared *shared = &engine->shared;

    if (engine->tracker != NULL) {
        count_prepare(engine, block);
    }
    engine->block = block;
    engine->block_clock = shared->clock;
    engine->block_instructions = shared->instructions;
    shared->clock += block->cycles;
    shared->instructions += block->instructions;
}

static bool is_due(const struct engine_shared *shared) {
    return shared->clock >= shared->horizon || shared->clock >= shared->soft_horizon;
}

/* Hooks */

static bool stop(struct engine *engine, enum cause cause, uint32_t address) {
    engine->cause = cause;
    engine->at = address;
    engine->unicorn.emu_stop(engine->uc);
    return false;
}

/* When the last instruction of a block begins, at the latest. */
static inline uint64_t last_begins(const struct engine *engine, const struct code_block *block) {
    return engine->shared.clock + block->before_last + engine->load_wait * block->loads;
}

/* Where a block must end before its end, or its end. */
static uint32_t end_of(struct engine *engine, const struct code_block *block) {
    const struct engine_shared *shared = &engine->shared;
    uint32_t offset = block->undefined < block->split ? block->undefined : block->split;

    offset = block->breakpoint < offset ? block->breakpoint : offset;
    uint32_t cut = block->start + offset;
    if (last_begins(engine, block) >= shared->horizon) {
        const uint32_t boundary = code_boundary(engine, block, shared->horizon - shared->clock);
        cut = boundary < cut ? boundary : cut;
    }
    return cut;
}

/* Whether a block may run to its end now; otherwise Unicorn stops, with the cause. */
static bool may_run(struct engine *engine, const struct code_block *block) {
    const struct engine_shared *shared = &engine->shared;

    if (engine->single) {
        if (engine->blocks_left == 0) {
            return stop(engine, CAUSE_STOP, block->start);
        }
        engine->blocks_left--;
    } else if (is_due(shared)) {
        return stop(engine, CAUSE_STOP, block->start);
    } else if (block->breakpoint == 0) {
        return stop(engine, CAUSE_BREAKPOINT, block->start);
    }
    if (block->undefined == 0) { /* Unicorn would execute some that Arm calls UNPREDICTABLE */
        return stop(engine, CAUSE_UNDEFINED, block->start);
    }
    if (engine->single || (block->whole && last_begins(engine, block) < shared->horizon)) {
        return true;
    }
    const uint32_t cut = end_of(engine, block);
    if (cut < block->start + block->bytes && cut != engine->cut) {
        engine->cut = cut;
        return stop(engine, CAUSE_CUT, block->start);
    }
    return true;
}

/* Execution gets to an address: a jump is over when the word there is fetched. */
static inline void arrive(struct engine *engine, uint32_t address, int32_t jump_wait) {
    if (address != engine->follows) {
        engine->shared.clock += (uint64_t)(int64_t)jump_wait;
        engine->follows = address; /* paid, also where it starts once more */
    }
}

/* Execution comes from flash to RAM, or back. */
static void change_memory(struct engine_shared *shared) {
    if (shared->in_ram != 0) {
        shared->ram_cycles += shared->clock - shared->ram_since;
    }
    shared->ram_since = shared->clock;
    shared->in_ram ^= 1u;
}

static void on_block(void *uc, uint64_t address, uint32_t size, void *user) {
    struct engine *engine = user;
    const uint32_t start = (uint32_t)address;
    const bool look = leave(engine, start);

    (void)uc;
    struct code_block *block = code_block(engine, start, size);
    if (block == NULL) {
        stop(engine, CAUSE_NO_CODE, start);
        return;
    }
    if (look && !engine->single) {
        stop(engine, CAUSE_STOP, start);
        return;
    }
    if (block->in_ram != (engine->shared.in_ram != 0)) {
        change_memory(&engine->shared);
    }
    arrive(engine, start, block->jump_wait);
    if (may_run(engine, block)) {
        charge(engine, block);
    }
}

static void on_trap(void *uc, uint32_t number, void *user) {
    struct engine *engine = user;

    (void)uc;
    engine->trap = number;
    stop(engine, CAUSE_TRAP, 0);
}

/* Open and close */

static bool add_hook(struct engine *engine, int type, void *hook) {
    uint64_t handle;

    return engine->unicorn.hook_add(engine->uc, &handle, type, hook, engine, (uint64_t)1,
                                    (uint64_t)0) == UC_OK;
}

struct engine *engine_open(void *uc, const struct engine_unicorn *unicorn,
                           const struct cost_model *model, const struct engine_timing *timing,
                           const struct engine_memory *memory, uint32_t memories) {
    struct engine *engine = calloc(1, sizeof *engine);

    if (engine == NULL || memories > MEMORIES) {
        free(engine);
        return NULL;
    }
    engine->uc = uc;
    engine->unicorn = *unicorn;
    engine->model = *model;
    engine->timing = *timing;
    engine->follows = NONE;
    bool good = true;
    for (uint32_t i = 0; i < memories && good; i++) {
        good = code_open(&engine->code[i], &memory[i]);
        engine->codes++;
    }
    if (!good || !add_hook(engine, UC_HOOK_BLOCK, (void *)on_block) ||
        !add_hook(engine, UC_HOOK_INTR, (void *)on_trap)) {
        engine_close(engine);
        return NULL;
    }
    return engine;
}

void engine_close(struct engine *engine) {
    if (engine != NULL) {
        for (uint32_t i = 0; i < engine->codes; i++) {
            code_close(&engine->code[i]);
        }
        count_close(engine);
        free(engine);
    }
}

struct engine_shared *engine_shared(struct engine *engine) {
    return &engine->shared;
}

bool engine_attach(struct engine *engine, const struct engine_device *device) {
    if (engine->devices == DEVICES) {
        return false;
    }
    engine->device[engine->devices++] = *device;
    return true;
}

void engine_reset(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;
    uint32_t vectors[2] = {0, 0};

    shared->pending = shared->enabled = shared->lines = shared->system_pending = 0;
    shared->active = engine->seen = 0;
    shared->system_control = shared->asleep = shared->event = 0;
    shared->fault = shared->lockup = ENGINE_NO_FAULT;
    memset(shared->priority, 0, sizeof shared->priority);
    engine->block = NULL;
    engine->follows = NONE;
    engine->returned = engine->caught = engine->touched = engine->unprivileged = false;
    engine_set(engine, REG_PRIMASK, 0);
    engine_set(engine, REG_XPSR, THUMB);
    engine_set(engine, REG_APSR_NZCV, 0); /* see exception.c */
    engine_set(engine, REG_CONTROL, 0);
    for (int i = 0; i < 13; i++) {
        engine_set(engine, REG_R0 + i, 0);
    }
    (void)access_memory_read(engine, shared->vector_table, vectors, sizeof vectors);
    engine_set(engine, REG_SP, vectors[0] & ~3u);
    engine_set(engine, REG_LR, 0xFFFFFFFFu);
    engine_set_pc(engine, vectors[1]);
    shared->not_thumb = (vectors[1] & 1u) == 0 ? 1u : 0u;
}

/* Running */

static void remove_cache(struct engine *engine, uint32_t from, uint32_t end) {
    engine->unicorn.ctl(engine->uc, UC_CTL_REMOVE_CACHE, (uint64_t)from, (uint64_t)end);
}

/* ENGINE_DUE: go on and look what is next. */
static enum engine_stop outcome(struct engine *engine, bool alive) {
    const bool caught = engine->caught && (engine->shared.debug & CATCHES_FAULTS) != 0;

    engine->caught = false;
    if (!alive) {
        return ENGINE_LOCKUP;
    }
    return caught ? ENGINE_VECTOR_CATCH : ENGINE_DUE;
}

static enum engine_stop failed(struct engine *engine, int32_t failure) {
    engine->shared.failure = failure;
    return ENGINE_FAILED;
}

/* An instruction within the current block cannot be executed. */
static enum engine_stop fault(struct engine *engine, enum engine_fault fault, uint32_t pc) {
    cut_short(engine, pc);
    return outcome(engine, exception_fault(engine, fault, pc, 0));
}

/* Execution got to where no instruction is. */
static enum engine_stop no_code(struct engine *engine, enum engine_fault fault, uint32_t pc) {
    complete(engine);
    return outcome(engine, exception_fault(engine, fault, pc, pc));
}

/* Unicorn could not execute what is there: it is not ARMv6-M's, or a jump came without bit 0. */
static enum engine_stop undefined(struct engine *engine, uint32_t pc) {
    const bool thumb = (engine_get(engine, REG_XPSR) & THUMB) != 0;

    return fault(engine, thumb ? ENGINE_UNDEFINED : ENGINE_NOT_THUMB, pc);
}

static enum engine_stop unaligned(struct engine *engine, uint32_t pc) {
    cut_short(engine, pc);
    return outcome(engine,
                   exception_fault(engine, ENGINE_UNALIGNED, pc, access_address(engine, pc)));
}

static enum engine_stop bkpt(struct engine *engine, uint32_t pc) {
    if ((engine->shared.debug & DEBUGGER) == 0) {
        return fault(engine, ENGINE_UNHANDLED_BKPT, pc);
    }
    cut_short(engine, pc);
    return ENGINE_BKPT;
}

static enum engine_stop on_unicorn_trap(struct engine *engine) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    switch (engine->trap) {
    case TRAP_EXCEPTION_EXIT:
        complete(engine);
        return outcome(engine, exception_return(engine, pc));
    case TRAP_SUPERVISOR:
        complete(engine);
        return outcome(engine, exception_call(engine, pc));
    case TRAP_BKPT:
        return bkpt(engine, pc);
    case TRAP_DATA_ABORT:
        return unaligned(engine, pc);
    case TRAP_UNDEFINED:
    case TRAP_NOCP:
        return undefined(engine, pc);
    case TRAP_PREFETCH_ABORT:
        return no_code(engine, ENGINE_NO_CODE, pc);
    case TRAP_INVALID_STATE:
        return no_code(engine, ENGINE_NOT_THUMB, pc);
    default:
        return failed(engine, (int32_t)(0x100u + engine->trap));
    }
}

static enum engine_stop access(struct engine *engine, uint32_t pc) {
    cut_short(engine, pc);
    const enum access_end end = access_execute(engine, pc);
    if (end == ACCESS_STOPPED) {
        return ENGINE_FAILED;
    }
    const enum engine_stop stopped = outcome(engine, end == ACCESS_DONE);
    const bool touched = engine->touched;
    engine->touched = false;
    return stopped == ENGINE_DUE && touched ? ENGINE_WATCHPOINT : stopped;
}

/* WFE. */
static void wait_for_event(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;

    shared->asleep = shared->event != 0 ? 0u : 2u;
    shared->event = 0;
}

/* Unicorn gives up with "invalid instruction"; after YIELD and WFE as well, its PC behind them. */
static enum engine_stop invalid(struct engine *engine, uint32_t pc) {
    const struct code_block *block = engine->block;

    if (block != NULL && block->start + block->bytes == pc) {
        const uint16_t code = code_halfword(engine, pc - 2u);
        if (code == WFE || code == YIELD) {
            complete(engine);
            if (code == WFE) {
                wait_for_event(engine);
            }
            return ENGINE_DUE;
        }
    }
    return undefined(engine, pc);
}

/* Unicorn came back with an error of its own. */
static enum engine_stop on_error(struct engine *engine, int error) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    switch (error) {
    case UC_ERR_INSN_INVALID:
        return invalid(engine, pc);
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_READ_PROT:
    case UC_ERR_WRITE_PROT:
        return access(engine, pc);
    case UC_ERR_FETCH_UNMAPPED:
    case UC_ERR_FETCH_PROT:
        return no_code(engine, ENGINE_NO_CODE, pc);
    default:
        return failed(engine, error);
    }
}

/* Unicorn came back by itself: at the end that it was given, or as the core waits. */
static enum engine_stop on_end(struct engine *engine, uint32_t until) {
    if (engine->block != NULL && engine->block->last_kind == COST_WAIT) {
        engine->shared.asleep = 1;
    } else if ((engine_get(engine, REG_PC) & ~1u) != until) {
        return failed(engine, ENGINE_NOT_STOPPED);
    }
    complete(engine);
    return ENGINE_DUE;
}

/* A hook stopped Unicorn in front of a block. */
static enum engine_stop before_block(struct engine *engine) {
    if ((engine_get(engine, REG_XPSR) & THUMB) == 0) {
        engine->cause = CAUSE_STOP; /* there is nothing to cut */
        return no_code(engine, ENGINE_NOT_THUMB, engine->at);
    }
    switch (engine->cause) {
    case CAUSE_NO_CODE:
        return no_code(engine, ENGINE_NO_CODE, engine->at);
    case CAUSE_UNDEFINED:
        return no_code(engine, ENGINE_UNDEFINED, engine->at);
    default:
        engine_set_pc(engine, engine->at);
        return engine->cause == CAUSE_BREAKPOINT ? ENGINE_BREAKPOINT : ENGINE_DUE;
    }
}

/* Let Unicorn run once. ENGINE_DUE: go on and look what is next. */
static enum engine_stop run_once(struct engine *engine, uint32_t pc, uint32_t until) {
    engine->cause = CAUSE_NONE;
    const int error = engine->unicorn.emu_start(engine->uc, pc | 1u, until, 0, 0);

    if (engine->cause == CAUSE_TRAP) {
        return on_unicorn_trap(engine);
    }
    if (error != UC_OK) {
        return on_error(engine, error);
    }
    if (engine->cause == CAUSE_NONE) {
        return on_end(engine, until);
    }
    return before_block(engine);
}

/* Run from PC to an address within the same block, where execution stops. */
static enum engine_stop run_cut(struct engine *engine, uint32_t pc, uint32_t cut) {
    /* What is translated anew stays as it is: a block that was cut once is two from then on. */
    remove_cache(engine, pc, pc + 2u);
    return run_once(engine, pc, cut);
}

/* Whatever becomes pending is an event too, where the firmware wants that. */
static void note_pending(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;

    if ((shared->system_control & SEVONPEND) != 0 && (shared->pending & ~engine->seen) != 0) {
        shared->event = 1;
    }
    engine->seen = shared->pending;
}

/* Take what is due. ENGINE_DUE: go on. */
static enum engine_stop look(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;

    note_pending(engine);
    if (shared->not_thumb != 0) {
        const uint32_t pc = engine_get(engine, REG_PC);
        shared->not_thumb = 0;
        return no_code(engine, ENGINE_NOT_THUMB, pc);
    }
    const uint32_t number = exception_due(engine);
    if (number != 0) {
        shared->asleep = 0;
        return outcome(engine, exception_enter(engine, number, engine_get(engine, REG_PC)));
    }
    if (shared->asleep != 0 && exception_wakes(engine)) {
        shared->asleep = 0;
    }
    return shared->asleep != 0 ? ENGINE_ASLEEP : ENGINE_DUE;
}

enum engine_stop engine_run(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;
    enum engine_stop stopped = ENGINE_DUE;

    engine->single = false;
    while (stopped == ENGINE_DUE) {
        if (engine->unprivileged) {
            return failed(engine, ENGINE_UNPRIVILEGED);
        }
        if (is_due(shared)) { /* first, as it may decide which exception is taken */
            return ENGINE_DUE;
        }
        stopped = look(engine);
        if (stopped != ENGINE_DUE || is_due(shared)) {
            return stopped;
        }
        engine->returned = false;
        engine->cut = NONE;
        stopped = run_once(engine, engine_get(engine, REG_PC) & ~1u, NONE);
        if (stopped == ENGINE_DUE && engine->cause == CAUSE_CUT) {
            stopped = run_cut(engine, engine->at, engine->cut);
        }
    }
    return stopped;
}

void engine_arrive(struct engine *engine, bool mask) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    if (mask || exception_due(engine) == 0) {
        arrive(engine, pc, code_jump_wait(engine, pc));
    }
}

enum engine_stop engine_step(struct engine *engine, bool mask) {
    struct engine_shared *shared = &engine->shared;
    const uint32_t active = shared->active;

    shared->asleep = 0; /* a halted core is awake (DDI 0419, B1.5.19) */
    if (!mask || shared->not_thumb != 0) {
        const enum engine_stop stopped = look(engine);
        if (stopped != ENGINE_DUE) {
            return stopped;
        }
        if (shared->active != active) {
            return ENGINE_STEPPED; /* in front of the handler's first instruction */
        }
    }
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;
    engine->single = true;
    engine->blocks_left = 1;
    engine->returned = false;
    engine->cut = NONE;
    const enum engine_stop stopped = run_cut(engine, pc, pc + code_cost(engine, pc).bytes);
    engine->single = false;
    shared->asleep = 0;
    if (engine->unprivileged) {
        return failed(engine, ENGINE_UNPRIVILEGED);
    }
    return stopped == ENGINE_DUE ? ENGINE_STEPPED : stopped;
}

/* Debugging */

void engine_forget_code(struct engine *engine, uint32_t address, uint32_t bytes) {
    struct code *code = code_at(engine, address);

    if (code != NULL) {
        code_forget(code, address, bytes);
        remove_cache(engine, address, address + bytes);
    }
}

bool engine_breakpoint(struct engine *engine, uint32_t address, bool set) {
    struct code *code = code_at(engine, address);

    if (code == NULL || (address & 1u) != 0) {
        return false;
    }
    code->breakpoint[(address - code->memory.origin) / 2u] = set;
    code_forget(code, address, 2);
    return true;
}
