/*
 * What one ARMv6-M instruction costs, and where it leads. Pure: no state, no I/O.
 *
 * The cycles come from timing.toml through the generated timing_table.h. Shared by the QEMU plugin
 * and by whatever else runs the same code.
 */
#ifndef COST_H
#define COST_H

#include <stdbool.h>
#include <stdint.h>

/* One cell of the manuals' tables. `other`: the number after "or". */
struct cost_row {
    uint8_t cycles;
    uint8_t per_register;
    uint8_t other;
};

#include "timing_table.h"

/* How execution goes on after an instruction. */
enum cost_flow {
    COST_NEXT,          /* at the next instruction */
    COST_JUMP,          /* at `target` */
    COST_CHOICE,        /* at `target`, which costs `taken` more, or at the next instruction */
    COST_CALL,          /* at `target`, with LR set */
    COST_CALL_REGISTER, /* at an address in a register, with LR set */
    COST_JUMP_REGISTER, /* at an address in a register that is not LR */
    COST_RETURN,        /* at an address in LR or popped: a return, also from an exception */
    COST_TRAP,          /* in an exception handler, and from there at the next instruction */
};

enum cost_flag {
    COST_UNKNOWN = 1,   /* not in ARMv6-M, UNPREDICTABLE, or without a number: not costed */
    COST_UNDECIDED = 2, /* a branch to the next instruction: whether it is taken cannot be seen */
    COST_ACCESS = 4,    /* one load or store, which a single-cycle port shortens */
};

/* The core's and the board's share of the timing. */
struct cost_model {
    uint32_t core;     /* enum cost_core */
    uint32_t multiply; /* cycles of MULS, 1 or 32 */
};

struct cost {
    uint32_t target; /* of COST_JUMP, COST_CHOICE and COST_CALL */
    uint16_t cycles;
    uint16_t taken;
    uint8_t bytes; /* 2 or 4 */
    uint8_t kind;  /* enum cost_class */
    uint8_t flow;  /* enum cost_flow */
    uint8_t flags; /* enum cost_flag */
};

/* Length in bytes of the instruction that begins with this halfword. */
static inline uint32_t cost_bytes(uint16_t first) {
    return first >= 0xE800u ? 4u : 2u;
}

/* Decode and cost the instruction at `address`. `second` counts only where cost_bytes() is 4. */
struct cost cost_of(const struct cost_model *model, uint32_t address, uint16_t first,
                    uint16_t second);

/* What the access of a COST_ACCESS instruction saves on the single-cycle I/O port, in cycles. */
uint32_t cost_port_saving(const struct cost_model *model, enum cost_class kind);

#endif
