/* Exceptions of ARMv6-M (Arm DDI 0419): priorities B1.5.4, entry B1.5.6, return B1.5.8, lockup
 * B1.5.15. */
#include "engine_internal.h"

#define RETURN_TO_HANDLER 0xFFFFFFF1u
#define RETURN_TO_MAIN    0xFFFFFFF9u
#define RETURN_TO_PROCESS 0xFFFFFFFDu
#define THUMB             (1u << 24) /* xPSR.T */
#define ALIGNED           (1u << 9)  /* of a stacked xPSR: the stack was moved by a word */
#define EXCEPTION         0x3Fu      /* xPSR, IPSR on ARMv6-M */
#define PROCESS_STACK     2u         /* CONTROL.SPSEL */
#define SLEEP_ON_EXIT     2u         /* SCR */
#define FRAME_BYTES       32u
#define LOWEST            256

static int priority_of(const struct engine *engine, uint32_t number) {
    switch (number) {
    case ENGINE_THREAD:
        return LOWEST;
    case ENGINE_NMI:
        return -2;
    case ENGINE_HARD_FAULT:
        return -1;
    default:
        return engine->shared.priority[number];
    }
}

/* Priority of what executes, PRIMASK left aside. */
static int running_priority(const struct engine *engine) {
    int priority = LOWEST;

    for (uint32_t i = 0; i < engine->shared.active; i++) {
        const int each = priority_of(engine, engine->shared.level[i]);
        if (each < priority) {
            priority = each;
        }
    }
    return priority;
}

/* The pending and enabled exception of the highest priority, or 0. */
static uint32_t first_pending(const struct engine *engine) {
    const struct engine_shared *shared = &engine->shared;
    uint32_t found = 0;
    int best = LOWEST;

    for (uint32_t number = ENGINE_NMI; number < ENGINE_IRQ0; number++) {
        if ((shared->system_pending >> number & 1u) != 0 && priority_of(engine, number) < best) {
            best = priority_of(engine, number);
            found = number;
        }
    }
    for (uint32_t ready = shared->pending & shared->enabled; ready != 0; ready &= ready - 1u) {
        const uint32_t number = ENGINE_IRQ0 + (uint32_t)__builtin_ctz(ready);
        if (shared->priority[number] < best) {
            best = shared->priority[number];
            found = number;
        }
    }
    return found;
}

static uint32_t due_above(const struct engine *engine, int priority) {
    const uint32_t number = first_pending(engine);

    return number != 0 && priority_of(engine, number) < priority ? number : 0;
}

static bool anything_pending(const struct engine_shared *shared) {
    return (shared->system_pending | (shared->pending & shared->enabled)) != 0;
}

uint32_t exception_due(const struct engine *engine) {
    if (!anything_pending(&engine->shared)) { /* as after nearly every access to a register */
        return 0;
    }
    int priority = running_priority(engine);
    if (priority > 0 && (engine_get(engine, REG_PRIMASK) & 1u) != 0) {
        priority = 0;
    }
    return due_above(engine, priority);
}

/* WFI wakes for what PRIMASK keeps from being taken, WFE does not (B1.5.18, B1.5.19). */
bool exception_wakes(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;

    if (shared->asleep == 2u) {
        const bool woken = shared->event != 0;
        shared->event = 0;
        return woken;
    }
    return due_above(engine, running_priority(engine)) != 0;
}

/* Set xPSR. Unicorn works out anew whether the core is in handler mode only where flags are written
 * by themselves; without that, EXC_RETURN is an address like any other. */
static void set_xpsr(struct engine *engine, uint32_t value) {
    engine_set(engine, REG_XPSR, value | THUMB);
    engine_set(engine, REG_APSR_NZCV, engine_get(engine, REG_APSR_NZCV));
}

/* A fault that cannot be taken: HardFault's handler, or NMI's, runs already. */
static bool lockup(struct engine *engine, enum engine_fault fault, uint32_t pc) {
    engine->shared.lockup = fault;
    engine->shared.lockup_pc = pc;
    return false;
}

/* Store the eight words of a frame. The stack pointer ends below it. */
static bool stack(struct engine *engine, uint32_t come_back) {
    uint32_t frame[8];
    uint32_t sp = engine_get(engine, REG_SP);
    const uint32_t moved = sp & 4u;

    sp = (sp - FRAME_BYTES) & ~7u;
    for (uint32_t i = 0; i < 4u; i++) {
        frame[i] = engine_get(engine, REG_R0 + (int)i);
    }
    frame[4] = engine_get(engine, REG_R12);
    frame[5] = engine_get(engine, REG_LR);
    frame[6] = come_back;
    frame[7] = (engine_get(engine, REG_XPSR) & ~ALIGNED) | THUMB | (moved != 0 ? ALIGNED : 0u);
    engine_set(engine, REG_SP, sp);
    return access_memory_write(engine, sp, frame, sizeof frame);
}

/* Go to the handler of an exception whose frame is stacked. */
static bool dispatch(struct engine *engine, uint32_t number, uint32_t link) {
    struct engine_shared *shared = &engine->shared;
    uint32_t vector = 0;

    if (shared->active == ENGINE_LEVELS) {
        return lockup(engine, ENGINE_STACKING, engine_get(engine, REG_PC));
    }
    shared->level[shared->active++] = (uint16_t)number;
    shared->taken[number]++;
    if (number >= ENGINE_IRQ0) {
        shared->pending &= ~(1u << (number - ENGINE_IRQ0));
    } else {
        shared->system_pending &= ~(1u << number);
    }
    /* In handler mode the stack is the main one, and CONTROL says so (B1.5.6, ExceptionTaken); once
     * in that mode, Unicorn does not let it be changed. */
    engine_set(engine, REG_CONTROL, engine_get(engine, REG_CONTROL) & ~PROCESS_STACK);
    set_xpsr(engine, (engine_get(engine, REG_XPSR) & ~EXCEPTION) | number);
    engine_set(engine, REG_LR, link);
    shared->event = 1; /* an exception entry sets the event register (B1.5.18) */
    if (!access_memory_read(engine, shared->vector_table + 4u * number, &vector, sizeof vector) ||
        (vector & 1u) == 0) {
        if (number == ENGINE_HARD_FAULT || number == ENGINE_NMI) {
            return lockup(engine, ENGINE_VECTOR, vector);
        }
        return exception_fault(engine, ENGINE_VECTOR, vector, vector);
    }
    engine_set_pc(engine, vector);
    engine->caught |= number == ENGINE_HARD_FAULT;
    return true;
}

bool exception_enter(struct engine *engine, uint32_t number, uint32_t come_back) {
    struct engine_shared *shared = &engine->shared;
    uint32_t link = RETURN_TO_HANDLER;

    if (shared->active == 0) {
        link = (engine_get(engine, REG_CONTROL) & PROCESS_STACK) != 0 ? RETURN_TO_PROCESS
                                                                      : RETURN_TO_MAIN;
    }
    shared->clock +=
        engine->returned && engine->timing.chain != 0 ? engine->timing.chain : engine->timing.enter;
    engine->returned = false;
    engine->follows = NONE;
    if (!stack(engine, come_back)) {
        if (number == ENGINE_HARD_FAULT || running_priority(engine) <= -1) {
            return lockup(engine, ENGINE_STACKING, come_back);
        }
        shared->fault = ENGINE_STACKING;
        shared->fault_pc = come_back;
        shared->fault_address = engine_get(engine, REG_SP);
        number = ENGINE_HARD_FAULT;
    }
    return dispatch(engine, number, link);
}

bool exception_fault(struct engine *engine, enum engine_fault fault, uint32_t pc,
                     uint32_t address) {
    struct engine_shared *shared = &engine->shared;

    engine->follows = NONE;
    if (running_priority(engine) <= -1) {
        engine_set_pc(engine, pc);
        return lockup(engine, fault, pc);
    }
    shared->fault = fault;
    shared->fault_pc = pc;
    shared->fault_address = address;
    return exception_enter(engine, ENGINE_HARD_FAULT, pc);
}

bool exception_call(struct engine *engine, uint32_t pc) {
    int priority = running_priority(engine);

    if (priority > 0 && (engine_get(engine, REG_PRIMASK) & 1u) != 0) {
        priority = 0;
    }
    if (engine->shared.priority[ENGINE_SVCALL] >= priority) {
        return exception_fault(engine, ENGINE_SUPERVISOR, pc - 2u, 0);
    }
    return exception_enter(engine, ENGINE_SVCALL, pc);
}

/* Whether EXC_RETURN leads back to where the exceptions that are active say. */
static bool fits(const struct engine *engine, uint32_t value) {
    const bool to_handler = value == RETURN_TO_HANDLER;

    return (to_handler || value == RETURN_TO_MAIN || value == RETURN_TO_PROCESS) &&
           to_handler == (engine->shared.active > 1u);
}

/* The exception that runs is over. Which one runs now. */
static uint32_t deactivate(struct engine *engine) {
    struct engine_shared *shared = &engine->shared;
    const uint32_t number = shared->level[--shared->active];

    if (number >= ENGINE_IRQ0) { /* a line that is still high asks again */
        shared->pending |= shared->lines & 1u << (number - ENGINE_IRQ0);
    }
    return shared->active == 0 ? ENGINE_THREAD : shared->level[shared->active - 1u];
}

bool exception_return(struct engine *engine, uint32_t value) {
    struct engine_shared *shared = &engine->shared;
    uint32_t frame[8];

    value |= 1u;
    engine->follows = NONE;
    if (shared->active == 0 || !fits(engine, value)) {
        return exception_fault(engine, ENGINE_RETURN, value, value);
    }
    const uint32_t outer = deactivate(engine);
    /* In handler mode SP is always the main stack's; which one thread mode uses, CONTROL says. */
    set_xpsr(engine, (engine_get(engine, REG_XPSR) & ~EXCEPTION) | outer);
    if (value == RETURN_TO_PROCESS) {
        engine_set(engine, REG_CONTROL, engine_get(engine, REG_CONTROL) | PROCESS_STACK);
    }
    const uint32_t sp = engine_get(engine, REG_SP);
    if (!access_memory_read(engine, sp, frame, sizeof frame)) {
        return exception_fault(engine, ENGINE_STACKING, value, sp);
    }
    for (uint32_t i = 0; i < 4u; i++) {
        engine_set(engine, REG_R0 + (int)i, frame[i]);
    }
    engine_set(engine, REG_R12, frame[4]);
    engine_set(engine, REG_LR, frame[5]);
    engine_set(engine, REG_SP, sp + FRAME_BYTES + ((frame[7] & ALIGNED) != 0 ? 4u : 0u));
    set_xpsr(engine, (frame[7] & ~(EXCEPTION | ALIGNED)) | outer);
    engine_set_pc(engine, frame[6]);
    if ((frame[7] & THUMB) == 0) {
        return exception_fault(engine, ENGINE_NOT_THUMB, frame[6], frame[6]);
    }
    shared->clock += engine->timing.leave;
    shared->event = 1;
    engine->returned = true;
    if (shared->active == 0 && (shared->system_control & SLEEP_ON_EXIT) != 0) {
        shared->asleep = 1;
    }
    return true;
}
