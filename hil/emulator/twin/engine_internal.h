/* What the files of the engine share. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "engine.h"
#include "tracker.h"

#define MEMORIES    8u
#define DEVICES     64u
#define WATCHPOINTS 4u
#define NONE        1u /* no instruction has an odd address */

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
};

enum {
    UC_HOOK_INTR = 1,
    UC_HOOK_BLOCK = 8,
    UC_HOOK_MEM_READ = 1 << 10,
};

/* Requests that write two arguments, and none. */
enum { UC_CTL_REMOVE_CACHE = 1 << 30 | 2 << 26 | 9, UC_CTL_FLUSH = 1 << 30 | 10 };

enum { UC_PROT_READ = 1, UC_PROT_WRITE = 2, UC_PROT_EXEC = 4 };

enum {
    REG_APSR_NZCV = 2,
    REG_LR = 10,
    REG_PC = 11,
    REG_SP = 12,
    REG_R0 = 66,
    REG_R12 = 78,
    REG_MSP = 115,
    REG_PSP = 116,
    REG_CONTROL = 117,
    REG_XPSR = 120,
    REG_PRIMASK = 123,
};

/* Instructions that Unicorn executes in one go: what they cost, and what follows. */
struct code_block {
    uint32_t start; /* NONE where there is none */
    uint32_t bytes;
    uint32_t cycles;      /* of all, where a branch at the end is not taken */
    uint32_t before_last; /* of all but the last */
    uint32_t instructions;
    uint32_t target;     /* of a conditional branch at its end, NONE without one */
    uint32_t taken;      /* what it adds when taken */
    int32_t jump_wait;   /* what the first word costs more when execution jumps here */
    uint32_t breakpoint; /* offset of the first breakpoint within, or `bytes` */
    uint32_t undefined;  /* offset of the first instruction that is not ARMv6-M's, or `bytes` */
    uint32_t split;    /* offset behind the first instruction that sets SP or CONTROL, or `bytes` */
    bool whole;        /* the three offsets above are `bytes` */
    bool in_ram;       /* it lies in memory that takes plain stores */
    uint8_t last_kind; /* enum cost_class */
    bool sends_event;  /* holds SEV */
    bool sets_stack;   /* its last instruction sets SP */
    uint32_t loads;    /* words that all but the last may load, at most */
    bool sets_control; /* its last instruction is MSR to CONTROL */
    uint8_t control_from;  /* this register */
    bool unmasks;          /* its last instruction may unmask interrupts */
    uint8_t *content;      /* in writable memory: what it was made from */
    struct block *counted; /* the same for the tracker, once it is known */
};

struct code {
    struct engine_memory memory;
    uint32_t executed_from;   /* all code that was executed lies from here */
    uint32_t executed_end;    /* up to here */
    struct code_block *block; /* one for each halfword */
    uint8_t *breakpoint;      /* one for each halfword */
    uint32_t load_wait;       /* cycles that a load from it adds */
    bool loads_hooked;        /* Unicorn reports them */
};

/* The first instructions of a block. */
struct code_part {
    uint32_t cycles;
    uint32_t instructions;
    bool sends_event;
};

/* Why a hook stopped Unicorn. */
enum cause {
    CAUSE_NONE,
    CAUSE_STOP, /* before the block at `at`: look what is next */
    CAUSE_CUT,  /* the block at `at` is to end at `cut` */
    CAUSE_BREAKPOINT,
    CAUSE_TRAP, /* exception `trap` of Unicorn */
    CAUSE_NO_CODE,
    CAUSE_UNDEFINED,
};

struct watch {
    uint32_t address;
    uint32_t bytes;
    uint32_t kinds; /* 0 where there is none */
};

struct engine {
    struct engine_shared shared;
    void *uc;
    struct engine_unicorn unicorn;
    struct cost_model model;
    struct engine_timing timing;
    struct code code[MEMORIES];
    uint32_t codes;
    struct engine_device device[DEVICES];
    uint32_t devices;

    enum cause cause;
    uint32_t at;  /* address at which a hook stopped */
    uint32_t cut; /* address at which a block is to be cut */
    uint32_t trap;
    uint32_t blocks_left; /* with `single`: blocks that may still start */
    bool single;
    bool returned;     /* an exception return is the latest thing that happened */
    bool caught;       /* HardFault was entered */
    bool unprivileged; /* nPRIV was set */
    bool touched;      /* watched data was */
    uint32_t seen;     /* what was pending when the engine looked last */

    struct code_block *block; /* charged, and not known to be executed to its end; or NULL */
    uint64_t block_clock;     /* at its start */
    uint64_t block_instructions;
    uint32_t follows; /* where execution goes on without a jump; NONE after an exception */
    struct watch watch[WATCHPOINTS];
    bool reads_watched; /* now, or once */
    uint32_t load_wait; /* the longest of code[].load_wait */
    uint32_t waited;    /* cycles that loads have waited and the tracker does not know of */

    struct tracker *tracker; /* NULL: functions are not counted */
    struct block_table table;
};

uint32_t engine_get(const struct engine *engine, int reg);
void engine_set(struct engine *engine, int reg, uint32_t value);
/* R0 to R12, or R14. */
uint32_t engine_register(const struct engine *engine, uint32_t number);
void engine_set_pc(struct engine *engine, uint32_t value);

/* code.c */
bool code_open(struct code *code, const struct engine_memory *memory);
void code_close(struct code *code);
void code_forget(struct code *code, uint32_t address, uint32_t bytes);
struct code *code_at(struct engine *engine, uint32_t address);
/* The block of `bytes` from an address, costed; NULL outside of all code. */
struct code_block *code_block(struct engine *engine, uint32_t address, uint32_t bytes);
/* The instructions of a block before an address. */
struct code_part code_part(struct engine *engine, const struct code_block *block, uint32_t end);
/* First boundary within a block, from its start on, that lies at least `cycles` behind it. */
uint32_t code_boundary(struct engine *engine, const struct code_block *block, uint64_t cycles);
struct cost code_cost(struct engine *engine, uint32_t address);
/* Wait states of the fetch of a 16-bit instruction, where it begins a word. */
uint32_t code_wait(struct engine *engine, uint32_t address);
/* What the first word costs more when execution jumps to an address. */
int32_t code_jump_wait(struct engine *engine, uint32_t address);
uint16_t code_halfword(struct engine *engine, uint32_t address);

/* exception.c */
uint32_t exception_due(const struct engine *engine);
bool exception_wakes(struct engine *engine);
/* Enter an exception; `come_back` is where it returns to. False: lockup. */
bool exception_enter(struct engine *engine, uint32_t number, uint32_t come_back);
/* Leave one, with a value that PC was loaded with (EXC_RETURN). False: lockup. */
bool exception_return(struct engine *engine, uint32_t value);
/* Raise HardFault at an instruction. False: lockup. */
bool exception_fault(struct engine *engine, enum engine_fault fault, uint32_t pc, uint32_t address);
/* Supervisor call, with the PC behind it. False: lockup. */
bool exception_call(struct engine *engine, uint32_t pc);

/* access.c */
/* How an access, or a whole instruction of them, ended. */
enum access_end { ACCESS_DONE, ACCESS_LOCKUP, ACCESS_STOPPED };

/* Execute the instruction at PC, which accesses what Unicorn must not. */
enum access_end access_execute(struct engine *engine, uint32_t pc);
/* Read and write memory, without the bus. False: there is none. */
bool access_memory_read(struct engine *engine, uint32_t address, void *data, uint32_t bytes);
bool access_memory_write(struct engine *engine, uint32_t address, const void *data, uint32_t bytes);

/* Where the instruction at PC accesses memory first; 0 if it does not. */
uint32_t access_address(struct engine *engine, uint32_t pc);

/* stall.c */
/* A load from a memory with wait states takes place. */
void stall_load(struct engine *engine, const struct code *code);

/* watch.c */
/* Whether loads from the page of an address are left to access.c. */
bool watch_reads_at(const struct engine *engine, uint32_t address);

/* count.c: with a tracker only */
/* Book to their functions the instructions from one address up to another. */
void count_span(struct engine *engine, uint32_t start, uint32_t end);
/* Book a block; it was prepared when it began. */
void count_prepare(struct engine *engine, struct code_block *block);
void count_block(struct engine *engine, const struct code_block *block);
/* Book what loads have waited to the function that runs. */
void count_waits(struct engine *engine);
void count_close(struct engine *engine);

#endif
