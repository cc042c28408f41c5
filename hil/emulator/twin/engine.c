/* The run loop, and the hooks through which Unicorn reports. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#include "engine_internal.h"

#define FIRST_REGISTER 0x40000000u /* peripherals and the system control space (DDI 0419, B3.1) */
#define NOWHERE      1u /* no instruction has an odd address */
#define REMOVE_CACHE 9           /* UC_CTL_TB_REMOVE_CACHE */
#define CTL_WRITE_2  (2 << 26 | 1 << 30)

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

uint32_t engine_get(struct engine *engine, int reg) {
    uint32_t value = 0;

    engine->unicorn.reg_read(engine->uc, reg, &value);
    return value;
}

void engine_set(struct engine *engine, int reg, uint32_t value) {
    engine->unicorn.reg_write(engine->uc, reg, &value);
}

/* Hooks */

static void stop(struct engine *engine, enum cause cause, uint32_t address) {
    engine->cause = cause;
    engine->at = address;
    engine->unicorn.emu_stop(engine->uc);
}

/* Book a block to its function. A block ends for the tracker where a function does. */
static void count(struct engine *engine, const struct code_block *block) {
    struct code *code = code_at(engine, block->start);
    const uint32_t end = block->start + block->bytes;
    struct block *counted = block->counted;

    if (counted == NULL) {
        const uint8_t *data = code->memory.data + (block->start - code->memory.origin);
        counted = block_at(&engine->table, block->start, data, block->bytes);
        code->block[(block->start - code->memory.origin) / 2u].counted = counted;
    }
    while (counted != NULL) {
        const uint32_t next = counted->end;
        tracker_enter(engine->tracker, counted);
        if (next >= end) {
            return;
        }
        counted = block_at(&engine->table, next,
                           code->memory.data + (next - code->memory.origin), end - next);
    }
    engine->tracker->header->trouble[COUNTER_LOST]++;
}

/* Whether nothing is due before the end of a block; otherwise where to stop, and why. */
static bool may_run(struct engine *engine, const struct code_block *block) {
    const struct engine_shared *shared = &engine->shared;
    const bool skip = engine->skip && block->breakpoint == 0;

    engine->skip = false;
    if (block->undefined == 0) { /* Unicorn would execute some that Arm calls UNPREDICTABLE */
        stop(engine, CAUSE_UNDEFINED, block->start);
        return false;
    }
    if (engine->single) {
        if (engine->blocks_left == 0) {
            stop(engine, CAUSE_STEPPED, block->start);
            return false;
        }
        engine->blocks_left--;
        return true;
    }
    if (engine->look) {
        stop(engine, CAUSE_LOOK, block->start);
        return false;
    }
    if (shared->clock >= shared->horizon || shared->clock >= shared->soft_horizon) {
        stop(engine, CAUSE_DUE, block->start);
        return false;
    }
    uint32_t cut = block->start + block->undefined;
    if (block->breakpoint < block->bytes && !skip) {
        if (block->breakpoint == 0) {
            stop(engine, CAUSE_BREAKPOINT, block->start);
            return false;
        }
        cut = block->breakpoint < block->undefined ? block->start + block->breakpoint : cut;
    }
    if (shared->clock + block->before_last >= shared->horizon) {
        const uint32_t boundary = code_boundary(engine, block, shared->horizon - shared->clock);
        cut = boundary < cut ? boundary : cut;
    }
    if (cut < block->start + block->bytes && cut != engine->cut) {
        engine->cut = cut;
        stop(engine, CAUSE_CUT, block->start);
        return false;
    }
    return true;
}

static void on_block(void *uc, uint64_t address, uint32_t size, void *user) {
    struct engine *engine = user;
    struct engine_shared *shared = &engine->shared;
    const uint32_t start = (uint32_t)address;
    const struct code_block *last = engine->last;

    (void)uc;
    uint32_t before = 0;
    const struct code_block *block = code_block(engine, start, size);
    if (block == NULL) {
        stop(engine, CAUSE_NO_CODE, start);
        return;
    }
    if (last != NULL) {
        if (start == last->target) {
            before = last->taken;
        }
        if (last->masks && (shared->pending | shared->system_pending) != 0) {
            engine->look = true;
        }
        if (start != engine->last_end) {
            before += block->jump_wait;
        }
        engine->last = NULL;
    }
    shared->clock += before;
    if (!may_run(engine, block)) {
        return;
    }
    engine->block = block;
    engine->block_clock = shared->clock;
    engine->block_instructions = shared->instructions;
    shared->clock += block->cycles;
    shared->instructions += block->instructions;
    engine->last = block;
    engine->last_end = start + block->bytes;
    if (block->sends_event) {
        shared->event = 1;
    }
    if (engine->tracker != NULL) {
        count(engine, block);
    }
}

static void on_trap(void *uc, uint32_t number, void *user) {
    struct engine *engine = user;

    (void)uc;
    engine->trap = number;
    stop(engine, CAUSE_TRAP, 0);
}

/* Watched data is accessed. */
static void on_access(void *uc, int type, uint64_t address, int size, int64_t value, void *user) {
    struct engine *engine = user;

    (void)uc;
    (void)type;
    (void)size;
    (void)value;
    if (engine->running && engine->watched == 0) {
        engine->watched = 1;
        engine->shared.stop_address = (uint32_t)address;
        engine->look = true;
    }
}

/* Before an access to a register. Nothing to do: for an access that has a hook, Unicorn 2.1 brings
 * its PC up to date, which engine_now() needs. */
static void on_register(void *uc, int type, uint64_t address, int size, int64_t value, void *user) {
    (void)uc;
    (void)type;
    (void)address;
    (void)size;
    (void)value;
    (void)user;
}

/* Open and close */

struct engine *engine_open(void *uc, const struct engine_unicorn *unicorn,
                           const struct cost_model *model, const struct engine_timing *timing,
                           const struct engine_memory *memory, uint32_t memories) {
    struct engine *engine = calloc(1, sizeof *engine);
    uint64_t hook;

    if (engine == NULL || memories > MEMORIES) {
        free(engine);
        return NULL;
    }
    engine->uc = uc;
    engine->unicorn = *unicorn;
    engine->model = *model;
    engine->timing = *timing;
    bool good = true;
    for (uint32_t i = 0; i < memories && good; i++) {
        good = code_open(&engine->code[i], &memory[i]);
        engine->codes++;
    }
    good = good &&
           unicorn->hook_add(uc, &hook, UC_HOOK_BLOCK, (void *)on_block, engine, 1, 0) == UC_OK &&
           unicorn->hook_add(uc, &hook, UC_HOOK_INTR, (void *)on_trap, engine, 1, 0) == UC_OK &&
           unicorn->hook_add(uc, &hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_register,
                             engine, FIRST_REGISTER, UINT32_MAX) == UC_OK;
    if (!good) {
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
        free(engine->tracker);
        free(engine);
    }
}

bool engine_count(struct engine *engine, void *file) {
    struct counter_header *header = file;
    struct tracker *tracker = aligned_alloc(64, (sizeof *tracker + 63u) / 64u * 64u);

    if (tracker == NULL || header->magic != COUNTER_MAGIC || header->version != COUNTER_VERSION) {
        free(tracker);
        return false;
    }
    memset(tracker, 0, sizeof *tracker);
    if (!block_table_open(&engine->table, header) || !tracker_open(tracker, header)) {
        free(tracker);
        return false;
    }
    header->state = 1;
    engine->tracker = tracker;
    return true;
}

void engine_book(struct engine *engine) {
    struct tracker *tracker = engine->tracker;

    if (tracker != NULL && tracker->clock[INSTRUCTIONS] != tracker->mark[INSTRUCTIONS]) {
        tracker_flush(tracker);
        __atomic_add_fetch(&tracker->header->idles, 1u, __ATOMIC_RELEASE);
    }
}

struct engine_shared *engine_shared(struct engine *engine) {
    return &engine->shared;
}

void engine_reset(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;
    uint32_t vectors[2] = {0, 0};

    shared->pending = shared->enabled = shared->lines = shared->system_pending = 0;
    shared->active = 0;
    shared->system_control = shared->asleep = shared->event = 0;
    shared->fault = ENGINE_NO_FAULT;
    memset(shared->priority, 0, sizeof shared->priority);
    engine->last = engine->block = NULL;
    engine->returned = engine->look = false;
    engine->watched = 0;
    engine_set(engine, REG_PRIMASK, 0);
    engine_set(engine, REG_XPSR, 1u << 24);
    engine_set(engine, REG_APSR_NZCV, 0); /* see exception.c */
    engine_set(engine, REG_CONTROL, 0);
    for (int i = 0; i < 13; i++) {
        engine_set(engine, REG_R0 + i, 0);
    }
    engine->unicorn.mem_read(engine->uc, shared->vector_table, vectors, sizeof vectors);
    engine_set(engine, REG_SP, vectors[0] & ~3u);
    engine_set(engine, REG_LR, 0xFFFFFFFFu);
    engine_set(engine, REG_PC, vectors[1] & ~1u);
}

/* Running */

static void remove_cache(struct engine *engine, uint32_t from, uint32_t end) {
    engine->unicorn.ctl(engine->uc, REMOVE_CACHE | CTL_WRITE_2, (uint64_t)from, (uint64_t)end);
}

/* The current block ended before an instruction: take back what was charged for the rest. */
static void charge_up_to(struct engine *engine, uint32_t pc) {
    const struct code_block *block = engine->block;
    uint32_t count;

    if (block != NULL && pc - block->start < block->bytes) {
        engine->shared.clock = engine->block_clock + code_cost(engine, block, pc, &count);
        engine->shared.instructions = engine->block_instructions + count;
    }
    engine->last = NULL;
}

uint64_t engine_now(struct engine *engine) {
    uint32_t count;

    if (!engine->running || engine->block == NULL) {
        return engine->shared.clock;
    }
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;
    if (pc - engine->block->start >= engine->block->bytes) {
        return engine->shared.clock;
    }
    return engine->block_clock + code_cost(engine, engine->block, pc, &count);
}

void engine_reconsider(struct engine *engine) {
    engine->look = true;
}

static enum engine_stop fault(struct engine *engine, enum engine_fault fault, uint32_t pc,
                              uint32_t address) {
    charge_up_to(engine, pc);
    if (!exception_fault(engine, fault, pc, address)) {
        return ENGINE_LOCKUP;
    }
    return (engine->shared.debug & 2u) != 0 ? ENGINE_VECTOR_CATCH : ENGINE_DUE;
}

static enum engine_stop on_unicorn_trap(struct engine *engine) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    switch (engine->trap) {
    case TRAP_EXCEPTION_EXIT:
        engine->last = NULL;
        return exception_return(engine, pc) ? ENGINE_DUE : ENGINE_LOCKUP;
    case TRAP_SUPERVISOR:
        engine->last = NULL;
        return exception_call(engine, pc) ? ENGINE_DUE : ENGINE_LOCKUP;
    case TRAP_BKPT:
        if ((engine->shared.debug & 1u) != 0) {
            charge_up_to(engine, pc);
            return ENGINE_BKPT;
        }
        return fault(engine, ENGINE_UNHANDLED_BKPT, pc, 0);
    case TRAP_DATA_ABORT:
        return fault(engine, ENGINE_UNALIGNED, pc, 0);
    case TRAP_UNDEFINED:
    case TRAP_NOCP:
        return fault(engine, ENGINE_UNDEFINED, pc, 0);
    case TRAP_PREFETCH_ABORT:
        return fault(engine, ENGINE_NO_CODE, pc, pc);
    case TRAP_INVALID_STATE:
        return fault(engine, ENGINE_NOT_THUMB, pc, pc);
    default:
        engine->shared.failure = (int32_t)(0x100u + engine->trap);
        return ENGINE_FAILED;
    }
}

/* Unicorn came back with an error of its own. */
static enum engine_stop on_error(struct engine *engine, int error) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    switch (error) {
    case UC_ERR_INSN_INVALID:
        /* Unicorn gives up after YIELD and WFE as well, and then the PC is behind them. */
        if (engine->block != NULL && engine->block->start + engine->block->bytes == pc) {
            const uint16_t code = code_halfword(engine, pc - 2u);
            engine->last = NULL;
            if (code == WFE && engine->shared.event == 0) {
                engine->shared.asleep = 2;
            } else if (code == WFE) {
                engine->shared.event = 0;
            }
            if (code == WFE || code == YIELD) {
                return ENGINE_DUE;
            }
        }
        return fault(engine, ENGINE_UNDEFINED, pc, 0);
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_READ_PROT:
        return fault(engine, ENGINE_UNMAPPED, pc, 0);
    case UC_ERR_FETCH_UNMAPPED:
    case UC_ERR_FETCH_PROT:
        engine->last = NULL;
        return fault(engine, ENGINE_NO_CODE, pc, pc);
    case UC_ERR_WRITE_PROT:
        charge_up_to(engine, pc);
        return ENGINE_STORE;
    default:
        engine->shared.failure = error;
        return ENGINE_FAILED;
    }
}

/* Let Unicorn run once. ENGINE_DUE: go on and look what is next. */
static enum engine_stop run_once(struct engine *engine, uint32_t pc, uint32_t until) {
    engine->cause = CAUSE_NONE;
    engine->running = true;
    const int error = engine->unicorn.emu_start(engine->uc, pc | 1u, until, 0, 0);
    engine->running = false;
    if (engine->cause == CAUSE_TRAP) {
        return on_unicorn_trap(engine);
    }
    if (error != UC_OK) {
        return on_error(engine, error);
    }
    if (engine->cause == CAUSE_NONE) {
        if (engine->block != NULL && engine->last == engine->block &&
            engine->block->last_kind == COST_WAIT) {
            engine->last = NULL;
            engine->shared.asleep = 1;
        } else if (engine_get(engine, REG_PC) != until) {
            engine->shared.failure = -1;
            return ENGINE_FAILED;
        }
        return ENGINE_DUE;
    }
    if (engine->cause == CAUSE_NO_CODE || engine->cause == CAUSE_UNDEFINED) {
        engine->last = NULL;
        return fault(engine, engine->cause == CAUSE_NO_CODE ? ENGINE_NO_CODE : ENGINE_UNDEFINED,
                     engine->at, engine->at);
    }
    engine_set(engine, REG_PC, engine->at);
    return engine->cause == CAUSE_BREAKPOINT ? ENGINE_BREAKPOINT : ENGINE_DUE;
}

/* Run from PC to an address within the same block, where execution stops. */
static enum engine_stop run_cut(struct engine *engine, uint32_t pc, uint32_t cut) {
    const struct code_block *last = engine->last;

    remove_cache(engine, pc, pc + 2u);
    engine->last = last;
    const enum engine_stop stopped = run_once(engine, pc, cut);
    return stopped;
}

/* Take what is due. ENGINE_DUE: go on. */
static enum engine_stop look(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;

    engine->look = false;
    const uint32_t number = exception_due(engine);
    if (number != 0) {
        shared->asleep = 0;
        engine->last = NULL;
        if (!exception_enter(engine, number, engine_get(engine, REG_PC))) {
            return ENGINE_LOCKUP;
        }
    } else if (shared->asleep != 0 && exception_wakes(engine)) {
        shared->asleep = 0;
    }
    return shared->asleep != 0 ? ENGINE_ASLEEP : ENGINE_DUE;
}

static enum engine_stop watched(struct engine *engine) {
    engine->watched = 0;
    return ENGINE_WATCHPOINT;
}

enum engine_stop engine_run(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;
    enum engine_stop stopped = ENGINE_DUE;

    engine->skip = shared->skip_breakpoint != 0;
    engine->single = false;
    shared->skip_breakpoint = 0;
    while (stopped == ENGINE_DUE) {
        stopped = look(engine);
        if (stopped != ENGINE_DUE || shared->clock >= shared->horizon ||
            shared->clock >= shared->soft_horizon) {
            return stopped;
        }
        engine->returned = false;
        engine->cut = 0;
        uint32_t pc = engine_get(engine, REG_PC) & ~1u;
        stopped = run_once(engine, pc, NOWHERE);
        if (stopped == ENGINE_DUE && engine->cause == CAUSE_CUT) {
            stopped = run_cut(engine, engine->at, engine->cut);
        }
        if (engine->watched != 0 && stopped == ENGINE_DUE) {
            return watched(engine);
        }
    }
    return stopped;
}

enum engine_stop engine_step(struct engine *engine, bool mask) {
    struct engine_shared *shared = &engine->shared;

    if (!mask) {
        const enum engine_stop stopped = look(engine);
        if (stopped == ENGINE_LOCKUP) {
            return stopped;
        }
    }
    shared->asleep = 0; /* a halted core is awake (DDI 0419, B1.5.19) */
    shared->skip_breakpoint = 0;
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;
    engine->single = true;
    engine->blocks_left = 1;
    engine->skip = true;
    engine->returned = false;
    const enum engine_stop stopped = run_cut(engine, pc, pc + code_length(engine, pc));
    engine->single = false;
    shared->asleep = 0;
    if (engine->watched != 0 && stopped == ENGINE_DUE) {
        return watched(engine);
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
    engine->last = engine->block = NULL;
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

bool engine_watch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds) {
    for (uint32_t i = 0; i < WATCHPOINTS; i++) {
        struct watch *watch = &engine->watch[i];
        if (watch->kinds != 0) {
            continue;
        }
        *watch = (struct watch){.address = address, .bytes = bytes, .kinds = kinds};
        for (uint32_t kind = 0; kind < 2u; kind++) {
            if ((kinds >> kind & 1u) != 0) {
                engine->unicorn.hook_add(engine->uc, &watch->hook[kind],
                                         kind == 0 ? UC_HOOK_MEM_READ : UC_HOOK_MEM_WRITE,
                                         (void *)on_access, engine, (uint64_t)address,
                                         (uint64_t)address + bytes - 1u);
            }
        }
        return true;
    }
    return false;
}

bool engine_unwatch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds) {
    for (uint32_t i = 0; i < WATCHPOINTS; i++) {
        struct watch *watch = &engine->watch[i];
        if (watch->kinds == kinds && watch->address == address && watch->bytes == bytes) {
            for (uint32_t kind = 0; kind < 2u; kind++) {
                if ((kinds >> kind & 1u) != 0) {
                    engine->unicorn.hook_del(engine->uc, watch->hook[kind]);
                }
            }
            watch->kinds = 0;
            return true;
        }
    }
    return false;
}
