/*
 * A Cortex-M0+ around Unicorn: what Unicorn leaves out of an ARMv6-M core, and its clock.
 *
 * Unicorn executes instructions. Here are the exceptions (Arm DDI 0419, B1.5), their priorities and
 * stacking, sleep, HardFault and lockup, breakpoints, and the cycles of every instruction
 * (hil/cycles/cost.h). The clock is exact at every instruction's end: a block of instructions in
 * which something becomes due is cut there, so that an interrupt is taken after the instruction
 * that was running, wherever Unicorn's translator has put its blocks. What comes from outside of the
 * chip and is tied to no cycle of its clock can wait for a block's end instead, which is cheaper.
 *
 * One engine, one thread. No function of this file is safe to call from within one of its hooks,
 * but for engine_now().
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "cost.h"

#define ENGINE_INTERRUPTS 32u
#define ENGINE_LEVELS     16u /* of nested exceptions: 4 priorities, HardFault, NMI, and room */

/* Exception numbers (DDI 0419, table B1-3). */
enum engine_exception {
    ENGINE_THREAD = 0,
    ENGINE_NMI = 2,
    ENGINE_HARD_FAULT = 3,
    ENGINE_SVCALL = 11,
    ENGINE_PENDSV = 14,
    ENGINE_SYSTICK = 15,
    ENGINE_IRQ0 = 16,
    ENGINE_EXCEPTIONS = ENGINE_IRQ0 + ENGINE_INTERRUPTS
};

/* Why engine_run() came back. */
enum engine_stop {
    ENGINE_DUE,          /* the clock has reached `horizon` */
    ENGINE_ASLEEP,       /* WFI or WFE: nothing happens before the world outside acts */
    ENGINE_STEPPED,      /* the one instruction asked for is done */
    ENGINE_BREAKPOINT,   /* before an instruction with a breakpoint */
    ENGINE_BKPT,         /* at a BKPT instruction, with a debugger attached */
    ENGINE_VECTOR_CATCH, /* HardFault was entered, and a debugger wants to know */
    ENGINE_WATCHPOINT,   /* after an instruction that touched watched data */
    ENGINE_STORE,        /* at an instruction that writes to memory that takes no plain writes */
    ENGINE_LOCKUP,
    ENGINE_FAILED        /* Unicorn did something that is not understood: `failure` */
};

/* Why the latest HardFault was raised. */
enum engine_fault {
    ENGINE_NO_FAULT,
    ENGINE_UNDEFINED,  /* not an instruction of ARMv6-M */
    ENGINE_UNALIGNED,
    ENGINE_UNMAPPED,   /* bus error on data */
    ENGINE_NO_CODE,    /* bus error on an instruction, or code in memory that holds none */
    ENGINE_NOT_THUMB,
    ENGINE_SUPERVISOR, /* SVC where it cannot be taken */
    ENGINE_UNHANDLED_BKPT,
    ENGINE_STACKING,   /* bus error while an exception was entered or left */
    ENGINE_RETURN      /* an EXC_RETURN that does not fit */
};

/* What the code outside reads and writes. hil/emulator/twin/engine.py has the same layout. */
struct engine_shared {
    uint64_t clock;        /* cycles since power-up, sleep included */
    uint64_t instructions; /* executed */
    uint64_t horizon;      /* run up to here, to the instruction */
    uint64_t soft_horizon; /* and to the first block of instructions that begins here or later */

    uint32_t pending; /* interrupts, one bit each (NVIC_ISPR) */
    uint32_t enabled; /* (NVIC_ISER) */
    uint32_t lines;   /* level of each interrupt line: a pending bit comes back while it is high */
    uint32_t system_pending; /* by exception number: NMI, PendSV, SysTick, SVCall */
    uint32_t active;         /* of levels[] */
    uint32_t vector_table;   /* VTOR */
    uint32_t system_control; /* SCR */
    uint32_t debug;          /* bit 0: debugger attached; bit 1: catch HardFault */
    uint32_t asleep;
    uint32_t event;     /* the event register of WFE */
    uint32_t skip_breakpoint; /* the instruction at PC runs although a breakpoint is there */

    uint32_t fault;         /* enum engine_fault */
    uint32_t fault_pc;      /* the instruction that raised it */
    uint32_t fault_address; /* the data address, where there is one */
    uint32_t stop_address;  /* of ENGINE_STORE and ENGINE_WATCHPOINT */
    int32_t failure;        /* uc_err of ENGINE_FAILED */

    uint16_t level[ENGINE_LEVELS]; /* exceptions that are active, the running one last */
    uint8_t priority[ENGINE_EXCEPTIONS];
    uint64_t taken[ENGINE_EXCEPTIONS]; /* how often each exception was */
};

/* A memory that holds code. */
struct engine_memory {
    uint32_t origin;
    uint32_t bytes;
    const uint8_t *data; /* what Unicorn has mapped there */
    uint32_t fetch_wait; /* cycles that each word of code adds when execution gets to it by a jump */
    uint32_t sequential_wait; /* and when it follows the word before */
    bool writable;       /* without asking: its code may change under way */
};

/* The functions of libunicorn that are needed; their addresses come from its Python package. */
struct engine_unicorn {
    int (*emu_start)(void *, uint64_t, uint64_t, uint64_t, uint64_t);
    int (*emu_stop)(void *);
    int (*reg_read)(void *, int, void *);
    int (*reg_write)(void *, int, const void *);
    int (*mem_read)(void *, uint64_t, void *, uint64_t);
    int (*mem_write)(void *, uint64_t, const void *, uint64_t);
    int (*ctl)(void *, int, ...);
    int (*hook_add)(void *, uint64_t *, int, void *, void *, uint64_t, uint64_t, ...);
    int (*hook_del)(void *, uint64_t);
};

/* Cycles of exceptions. */
struct engine_timing {
    uint32_t enter;
    uint32_t leave; /* without the BX or POP that starts it */
    uint32_t chain;
};

struct engine;

/*
 * Make an engine for a Unicorn instance (mode UC_MODE_THUMB alone, model Cortex-M0: with
 * UC_MODE_MCLASS Unicorn 2.1 silently takes a Cortex-M33). NULL without memory or hooks.
 * `memory` and `unicorn` are copied.
 */
struct engine *engine_open(void *uc, const struct engine_unicorn *unicorn,
                           const struct cost_model *model, const struct engine_timing *timing,
                           const struct engine_memory *memory, uint32_t memories);

void engine_close(struct engine *engine);

struct engine_shared *engine_shared(struct engine *engine);

/* Count functions and calls as well (hil/cycles/tracker.h), in a counter's file that lies in memory.
 * False without memory, or where it is no such file. */
bool engine_count(struct engine *engine, void *file);

/* Book what was counted up to now: the core is idle. */
void engine_book(struct engine *engine);

/* Reset the core, not the clock: SP and PC from the vector table. */
void engine_reset(struct engine *engine);

/* Run until the clock reaches the horizon, or something else stops it. */
enum engine_stop engine_run(struct engine *engine);

/* Execute one instruction; `mask`: no interrupt is taken before it. */
enum engine_stop engine_step(struct engine *engine, bool mask);

/* The clock at the instruction that is executing now, from within a memory access of it; outside
 * of engine_run() the clock as it stands. */
uint64_t engine_now(struct engine *engine);

/* Something changed within a memory access that may make an exception due: look at once after the
 * block. */
void engine_reconsider(struct engine *engine);

/* Forget what is known of code in a memory, as its content has changed from outside. */
void engine_forget_code(struct engine *engine, uint32_t address, uint32_t bytes);

/* Breakpoint before the instruction at an even address. False for an address outside of code. */
bool engine_breakpoint(struct engine *engine, uint32_t address, bool set);

/* Watch data accesses to [address, address + bytes): kinds 1 read, 2 write, 3 both. */
bool engine_watch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds);
bool engine_unwatch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds);

/* One store of an instruction that ENGINE_STORE stopped at. */
struct engine_store {
    uint32_t address;
    uint32_t bytes;
    uint32_t value;
};

/* Decode the store at PC: up to 9 stores, in order; returns how many, 0 where it is none. */
uint32_t engine_stores(struct engine *engine, struct engine_store stores[9]);

/* The store at PC is done: write back its base register, and go on behind it. */
void engine_store_done(struct engine *engine);

/* The store at PC raises HardFault. */
void engine_store_fault(struct engine *engine);

#endif
