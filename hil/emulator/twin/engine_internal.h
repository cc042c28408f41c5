/* What the files of the engine share. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "engine.h"
#include "tracker.h"

#define MEMORIES    4u
#define WATCHPOINTS 4u

/* Unicorn's constants (unicorn.h, arm.h); its headers are not needed to build this. */
enum {
    UC_OK = 0,
    UC_ERR_READ_UNMAPPED = 6,
    UC_ERR_WRITE_UNMAPPED = 7,
    UC_ERR_FETCH_UNMAPPED = 8,
    UC_ERR_INSN_INVALID = 10,
    UC_ERR_WRITE_PROT = 12,
    UC_ERR_READ_PROT = 13,
    UC_ERR_FETCH_PROT = 14,
    UC_ERR_EXCEPTION = 21,
};

enum {
    UC_HOOK_INTR = 1,
    UC_HOOK_BLOCK = 8,
    UC_HOOK_MEM_READ = 1 << 10,
    UC_HOOK_MEM_WRITE = 1 << 11,
};

enum {
    REG_APSR_NZCV = 2,
    REG_LR = 10,
    REG_PC = 11,
    REG_SP = 12,
    REG_R0 = 66,
    REG_R12 = 78,
    REG_IPSR = 114,
    REG_MSP = 115,
    REG_PSP = 116,
    REG_CONTROL = 117,
    REG_XPSR = 120,
    REG_PRIMASK = 123,
};

/* Instructions that Unicorn executes in one go: what they cost, and what follows. */
struct code_block {
    uint32_t start; /* 1 where there is none */
    uint32_t bytes;
    uint32_t cycles;      /* of all, where a branch at the end is not taken */
    uint32_t before_last; /* of all but the last */
    uint32_t instructions;
    uint32_t target; /* of a conditional branch at its end, 1 without one */
    uint32_t taken;  /* what it adds when taken */
    uint32_t jump_wait; /* what the first word costs when execution jumps here */
    uint32_t breakpoint; /* offset of the first breakpoint within, or `bytes` */
    uint32_t undefined;  /* offset of the first instruction that is not ARMv6-M's, or `bytes` */
    uint8_t last_kind;   /* enum cost_class */
    bool sends_event;    /* holds SEV */
    bool masks;          /* its last instruction may unmask interrupts */
    uint8_t *content;    /* in writable memory: what it was made from */
    struct block *counted; /* the same for the tracker, once it is known */
};

struct code {
    struct engine_memory memory;
    struct code_block *block; /* one for each halfword */
    uint8_t *breakpoint;      /* one for each halfword */
};

/* Why a hook stopped Unicorn. */
enum cause {
    CAUSE_NONE,
    CAUSE_DUE,
    CAUSE_CUT, /* at `cut` */
    CAUSE_STEPPED,
    CAUSE_BREAKPOINT,
    CAUSE_LOOK, /* an exception may be due */
    CAUSE_TRAP, /* exception `trap` of Unicorn */
    CAUSE_NO_CODE,
    CAUSE_UNDEFINED,
};

struct watch {
    uint64_t hook[2];
    uint32_t address;
    uint32_t bytes;
    uint32_t kinds;
};

struct engine {
    struct engine_shared shared;
    void *uc;
    struct engine_unicorn unicorn;
    struct cost_model model;
    struct engine_timing timing;
    struct code code[MEMORIES];
    uint32_t codes;

    enum cause cause;
    uint32_t at;  /* address at which a hook stopped */
    uint32_t cut; /* address at which a block is to be cut */
    uint32_t trap;
    uint32_t blocks_left; /* with `single`: blocks that may still start */
    bool single;
    bool running;
    bool skip;      /* the first block may start at a breakpoint */
    bool look;      /* an exception may be due */
    bool returned;  /* an exception return is the latest thing that happened */
    uint32_t watched; /* 1: watched data was touched, at shared.stop_address */

    const struct code_block *block; /* that executes now, or was the last */
    uint64_t block_clock;           /* at its start */
    uint64_t block_instructions;
    const struct code_block *last; /* whose branch is still to be settled */
    uint32_t last_end;
    struct watch watch[WATCHPOINTS];

    struct tracker *tracker; /* NULL: functions are not counted */
    struct block_table table;
};

uint32_t engine_get(struct engine *engine, int reg);
void engine_set(struct engine *engine, int reg, uint32_t value);

/* code.c */
bool code_open(struct code *code, const struct engine_memory *memory);
void code_close(struct code *code);
void code_forget(struct code *code, uint32_t address, uint32_t bytes);
struct code *code_at(struct engine *engine, uint32_t address);
/* The block of `bytes` from an address, costed; NULL outside of all code. */
const struct code_block *code_block(struct engine *engine, uint32_t address, uint32_t bytes);
/* Cost of the instructions of a block before an address, and in `*count` how many they are. */
uint32_t code_cost(struct engine *engine, const struct code_block *block, uint32_t end,
                   uint32_t *count);
/* First boundary within a block, from its start on, that lies at least `cycles` behind it. */
uint32_t code_boundary(struct engine *engine, const struct code_block *block, uint64_t cycles);
uint32_t code_length(struct engine *engine, uint32_t address);
uint16_t code_halfword(struct engine *engine, uint32_t address);

/* exception.c */
uint32_t exception_due(const struct engine *engine);
bool exception_wakes(struct engine *engine);
/* Enter an exception; `come_back` is where it returns to. False: lockup. */
bool exception_enter(struct engine *engine, uint32_t number, uint32_t come_back);
bool exception_return(struct engine *engine, uint32_t value);
/* Raise HardFault at an instruction. False: lockup. */
bool exception_fault(struct engine *engine, enum engine_fault fault, uint32_t pc, uint32_t address);
/* Supervisor call, with the PC behind it. False: lockup. */
bool exception_call(struct engine *engine, uint32_t pc);

#endif
