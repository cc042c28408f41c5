/*
 * A Cortex-M0+ around Unicorn: what Unicorn leaves out of an ARMv6-M core, and its clock.
 *
 * Unicorn executes instructions. Here are the exceptions (Arm DDI 0419, B1.5), their priorities and
 * stacking, sleep, HardFault and lockup, breakpoints, and the cycles of every instruction
 * (hil/cycles/cost.h). The clock is exact at every instruction's end: a block of instructions in
 * which something becomes due is cut there, and one that accesses anything but plain memory is cut
 * at that access. So an interrupt is taken after the instruction that was running, wherever
 * Unicorn's translator has put its blocks, and a run is the same however it is cut into slices.
 * What comes from outside of the chip and is tied to no cycle of its clock can wait for a block's
 * end instead, which is cheaper.
 *
 * One engine, one thread. Its devices are called from within engine_run() and engine_step(), and
 * may then call whatever neither runs nor closes it.
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
    ENGINE_DUE,          /* the clock has reached a horizon */
    ENGINE_ASLEEP,       /* WFI or WFE: nothing happens before the world outside acts */
    ENGINE_STEPPED,      /* the one instruction asked for is done */
    ENGINE_BREAKPOINT,   /* before an instruction with a breakpoint */
    ENGINE_BKPT,         /* at a BKPT instruction, with a debugger attached */
    ENGINE_VECTOR_CATCH, /* HardFault was entered, and a debugger wants to know */
    ENGINE_WATCHPOINT,   /* after an instruction that touched watched data */
    ENGINE_LOCKUP,
    ENGINE_FAILED /* a device gave up, or Unicorn did what is not understood: `failure` */
};

/* Why an instruction could not be executed. */
enum engine_fault {
    ENGINE_NO_FAULT,
    ENGINE_UNDEFINED, /* not an instruction of ARMv6-M */
    ENGINE_UNALIGNED,
    ENGINE_UNMAPPED, /* bus error on data */
    ENGINE_NO_CODE,  /* bus error on an instruction, or code in memory that holds none */
    ENGINE_NOT_THUMB,
    ENGINE_SUPERVISOR, /* SVC where it cannot be taken */
    ENGINE_UNHANDLED_BKPT,
    ENGINE_STACKING, /* bus error while an exception was entered or left */
    ENGINE_RETURN,   /* an EXC_RETURN that does not fit */
    ENGINE_VECTOR    /* a vector that leads nowhere */
};

/* What the code outside reads and writes. hil/emulator/twin/core.py has the same layout. */
struct engine_shared {
    uint64_t clock;        /* cycles since power-up, sleep included */
    uint64_t instructions; /* executed */
    uint64_t horizon;      /* run up to here, to the instruction */
    uint64_t soft_horizon; /* and to the first block of instructions that begins here or later */
    uint64_t ram_cycles;   /* executed from memory that takes plain stores, up to ram_since */
    uint64_t ram_since;    /* with in_ram: the cycle from which they are not in ram_cycles yet */

    uint32_t pending; /* interrupts, one bit each (NVIC_ISPR) */
    uint32_t enabled; /* (NVIC_ISER) */
    uint32_t lines;   /* level of each interrupt line: a pending bit comes back while it is high */
    uint32_t system_pending; /* by exception number: NMI, PendSV, SysTick */
    uint32_t active;         /* of level[] */
    uint32_t vector_table;   /* VTOR */
    uint32_t system_control; /* SCR */
    uint32_t debug;          /* bit 0: debugger attached; bit 1: catch HardFault */
    uint32_t asleep;         /* 1 in WFI, 2 in WFE */
    uint32_t event;          /* the event register of WFE */
    uint32_t not_thumb;      /* the next instruction is none: the reset vector was even */

    uint32_t fault;         /* enum engine_fault: why HardFault was entered the latest time */
    uint32_t fault_pc;      /* the instruction that could not be executed */
    uint32_t fault_address; /* the data it wanted */
    uint32_t lockup;        /* enum engine_fault: what HardFault's handler could not do */
    uint32_t lockup_pc;     /* where */
    uint32_t watch_address; /* of ENGINE_WATCHPOINT */
    uint32_t in_ram;        /* the running code lies in memory that takes plain stores */
    int32_t failure;        /* of ENGINE_FAILED: uc_err, or enum engine_failure */

    uint16_t level[ENGINE_LEVELS]; /* exceptions that are active, the running one last */
    uint8_t priority[ENGINE_EXCEPTIONS];
    uint64_t taken[ENGINE_EXCEPTIONS]; /* how often each exception was */
};

/* Further values of `failure`; 256 and more is a trap of Unicorn that no Cortex-M0+ has. */
enum engine_failure {
    ENGINE_NOT_STOPPED = -1, /* Unicorn came back for no reason */
    ENGINE_GAVE_UP = -2,
    ENGINE_NO_ACCESS = -3,   /* Unicorn reported an access of an instruction that makes none */
    ENGINE_UNPRIVILEGED = -4 /* MSR, just executed, sets CONTROL.nPRIV; PC is behind it */
};

/* A memory that holds code. */
struct engine_memory {
    uint32_t origin;
    uint32_t bytes;
    const uint8_t *data; /* what Unicorn has mapped there */
    uint32_t fetch_wait; /* cycles that a word of code adds when execution gets to it by a jump */
    uint32_t sequential_wait; /* and when it follows the word before */
    bool writable;            /* by plain stores; others go to the bus */
};

/*
 * What answers for addresses that are no memory, and for stores into memory that takes none. The
 * clock is that of the start of the instruction, which ends once it is answered.
 */
struct engine_device {
    uint32_t origin;
    uint32_t bytes;
    int64_t (*read)(uint32_t offset, uint32_t bytes);                  /* a value, or as below */
    int32_t (*write)(uint32_t offset, uint32_t bytes, uint32_t value); /* 0, or as below */
};

enum { ENGINE_BUS_ERROR = -1, ENGINE_GIVE_UP = -2 };

/* The functions of libunicorn that are needed; their addresses come from its Python package. */
struct engine_unicorn {
    int (*emu_start)(void *, uint64_t, uint64_t, uint64_t, uint64_t);
    int (*emu_stop)(void *);
    int (*reg_read)(void *, int, void *);
    int (*reg_write)(void *, int, const void *);
    int (*mem_write)(void *, uint64_t, const void *, uint64_t);
    int (*mem_protect)(void *, uint64_t, uint64_t, uint32_t);
    int (*ctl)(void *, int, ...);
    int (*hook_add)(void *, uint64_t *, int, void *, void *, uint64_t, uint64_t, ...);
};

/* Cycles beside those of instructions. */
struct engine_timing {
    uint32_t enter;
    uint32_t leave;       /* without the BX or POP that starts it */
    uint32_t chain;       /* from one handler to the next; 0, not known: the sum of the two above */
    uint32_t port_origin; /* the single-cycle I/O port of a Cortex-M0+ */
    uint32_t port_bytes;
};

struct engine;

/*
 * Make an engine for a Unicorn instance (mode UC_MODE_THUMB alone, model Cortex-M0: with
 * UC_MODE_MCLASS Unicorn 2.1 silently takes a Cortex-M33) that has the memories mapped and nothing
 * else. NULL without memory or hooks. What it is given is copied; the content of memories is not.
 */
struct engine *engine_open(void *uc, const struct engine_unicorn *unicorn,
                           const struct cost_model *model, const struct engine_timing *timing,
                           const struct engine_memory *memory, uint32_t memories);

void engine_close(struct engine *engine);

struct engine_shared *engine_shared(struct engine *engine);

/* Put a device on the bus. False where there is no room. */
bool engine_attach(struct engine *engine, const struct engine_device *device);

/* Count functions and calls as well (hil/cycles/tracker.h), in a counter's file that lies in
 * memory. False without memory, or where it is no such file. */
bool engine_count(struct engine *engine, void *file);

/* Book what was counted up to now: the core is idle. */
void engine_book(struct engine *engine);

/* Reset the core, not the clock: SP and PC from the vector table. */
void engine_reset(struct engine *engine);

/* Run until the clock reaches the horizon, or something else stops it. */
enum engine_stop engine_run(struct engine *engine);

/* In front of a step: a jump to PC is over, as its word is fetched, unless an exception is taken
 * first. What is due by then is due before the step, as it is in a run. */
void engine_arrive(struct engine *engine, bool mask);

/* Execute one instruction, or enter an exception that is due; `mask`: no interrupt is taken. */
enum engine_stop engine_step(struct engine *engine, bool mask);

/* Store as a bus master beside the core does, past breakpoints and watchpoints. False where there
 * is no memory that takes plain stores. */
bool engine_store(struct engine *engine, uint32_t address, const void *data, uint32_t bytes);

/* Forget what is known of code in a memory, as its content has changed from outside. */
void engine_forget_code(struct engine *engine, uint32_t address, uint32_t bytes);

/* Breakpoint before the instruction at an even address. False for an address outside of code. */
bool engine_breakpoint(struct engine *engine, uint32_t address, bool set);

/* Watch data accesses to [address, address + bytes): kinds 1 read, 2 write, 3 both. */
bool engine_watch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds);
bool engine_unwatch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds);

#endif
