/*
 * Decoder of ARMv6-M (Arm DDI 0419, chapter A5), as far as costs need it. Encodings that DDI 0419
 * does not define, and those that it calls UNPREDICTABLE, are flagged and cost nothing.
 */
#include "cost.h"

#define BIT(value, n)           (((value) >> (n)) & 1u)
#define FIELD(value, low, bits) (((value) >> (low)) & ((1u << (bits)) - 1u))
#define SP                      13u
#define LR                      14u
#define PC                      15u

static uint32_t sign_extended(uint32_t value, uint32_t bits) {
    const uint32_t sign = 1u << (bits - 1u);

    return (value ^ sign) - sign;
}

static uint32_t ones(uint32_t list) {
    uint32_t count = 0;

    for (; list != 0; list &= list - 1u) {
        count++;
    }
    return count;
}

static struct cost plain(enum cost_class kind) {
    return (struct cost){.bytes = 2, .kind = (uint8_t)kind, .flow = COST_NEXT};
}

static struct cost access(enum cost_class kind) {
    return (struct cost){
        .bytes = 2, .kind = (uint8_t)kind, .flow = COST_NEXT, .flags = COST_ACCESS};
}

static struct cost leading(enum cost_class kind, enum cost_flow flow, uint32_t target) {
    return (struct cost){
        .bytes = 2, .kind = (uint8_t)kind, .flow = (uint8_t)flow, .target = target};
}

static struct cost unknown(void) {
    return (struct cost){
        .bytes = 2, .kind = COST_UNDEFINED, .flow = COST_TRAP, .flags = COST_UNKNOWN};
}

/* LDM, STM, PUSH and POP; an empty list is UNPREDICTABLE. */
static struct cost listed(enum cost_class kind, uint32_t list) {
    struct cost cost = plain(kind);

    if (list == 0) {
        return unknown();
    }
    cost.cycles = (uint16_t)ones(list); /* in_cycles() turns the count into cycles */
    if (kind == COST_POP_PC) {
        cost.flow = COST_RETURN;
    }
    return cost;
}

/* 0100 01xx: ADD, CMP and MOV on any register, BX, BLX (A5.2.3). */
static struct cost special_data(uint16_t code) {
    const uint32_t to = FIELD(code, 0, 3) | BIT(code, 7) << 3;
    const uint32_t from = FIELD(code, 3, 4);

    switch (FIELD(code, 8, 2)) {
    case 0: /* ADD */
        if (to != PC) {
            return plain(COST_ALU);
        }
        return from == PC ? unknown() : leading(COST_ADD_TO_PC, COST_JUMP_REGISTER, 0);
    case 1: /* CMP */
        return (to < 8 && from < 8) || to == PC || from == PC ? unknown() : plain(COST_ALU);
    case 2: /* MOV */
        if (to != PC) {
            return plain(COST_ALU);
        }
        return leading(COST_MOVE_TO_PC, from == LR ? COST_RETURN : COST_JUMP_REGISTER, 0);
    default: /* BX and BLX; their lowest bits should be zero, and BX PC would leave Thumb state */
        if (FIELD(code, 0, 3) != 0 || from == PC) {
            return unknown();
        }
        if (BIT(code, 7) != 0) {
            return leading(COST_BRANCH_LINK_EXCHANGE, COST_CALL_REGISTER, 0);
        }
        return leading(COST_BRANCH_EXCHANGE, from == LR ? COST_RETURN : COST_JUMP_REGISTER, 0);
    }
}

/* 1011 1111: hints; IT and the unallocated hints are not ARMv6-M's. */
static struct cost hint(uint16_t code) {
    switch (code & 0xFFu) {
    case 0x00: /* NOP */
    case 0x10: /* YIELD */
    case 0x40: /* SEV */
        return plain(COST_HINT);
    case 0x20: /* WFE */
    case 0x30: /* WFI */
        return plain(COST_WAIT);
    default:
        return unknown();
    }
}

/* 1011 xxxx: miscellaneous (A5.2.5). */
static struct cost miscellaneous(uint16_t code) {
    switch (FIELD(code, 8, 4)) {
    case 0x0: /* ADD SP and SUB SP */
    case 0x2: /* SXTH, SXTB, UXTH, UXTB */
        return plain(COST_ALU);
    case 0x4: /* PUSH */
    case 0x5:
        return listed(COST_PUSH, FIELD(code, 0, 9));
    case 0x6: /* CPSIE i and CPSID i */
        return (code & 0xFFEFu) == 0xB662u ? plain(COST_CHANGE_STATE) : unknown();
    case 0xA: /* REV, REV16, REVSH */
        return FIELD(code, 6, 2) == 2 ? unknown() : plain(COST_ALU);
    case 0xC: /* POP */
        return listed(COST_POP, FIELD(code, 0, 8));
    case 0xD: /* POP with PC */
        return listed(COST_POP_PC, FIELD(code, 0, 9));
    case 0xE: /* BKPT */
        return (struct cost){
            .bytes = 2, .kind = COST_BREAKPOINT, .flow = COST_TRAP, .flags = COST_UNKNOWN};
    case 0xF:
        return hint(code);
    default: /* CBZ, CBNZ and others of ARMv7-M */
        return unknown();
    }
}

static struct cost branch_if(uint32_t address, uint16_t code) {
    const uint32_t target = address + 4u + (sign_extended(FIELD(code, 0, 8), 8) << 1);
    struct cost cost;

    switch (FIELD(code, 8, 4)) {
    case 0xE:
        return unknown(); /* UDF */
    case 0xF:
        return leading(COST_CALL_SUPERVISOR, COST_TRAP, 0);
    default:
        cost = leading(COST_BRANCH_IF, COST_CHOICE, target);
        if (target == address + 2u) {
            cost.flags = COST_UNDECIDED;
        }
        return cost;
    }
}

static struct cost of_16_bits(uint32_t address, uint16_t code) {
    switch (FIELD(code, 11, 5)) {
    case 0x08: /* 0100 0xxx */
        if (BIT(code, 10) != 0) {
            return special_data(code);
        }
        return plain(FIELD(code, 6, 4) == 0xD ? COST_MULTIPLY : COST_ALU);
    case 0x09: /* LDR literal */
        return access(COST_LOAD);
    case 0x0A: /* STR, STRH, STRB, LDRSB by register */
        return access(FIELD(code, 9, 2) == 3 ? COST_LOAD : COST_STORE);
    case 0x0B: /* LDR, LDRH, LDRB, LDRSH by register */
    case 0x0D: /* LDR, LDRB, LDRH by immediate, LDR from SP */
    case 0x0F:
    case 0x11:
    case 0x13:
        return access(COST_LOAD);
    case 0x0C: /* STR, STRB, STRH by immediate, STR to SP */
    case 0x0E:
    case 0x10:
    case 0x12:
        return access(COST_STORE);
    case 0x16:
    case 0x17:
        return miscellaneous(code);
    case 0x18:
        return listed(COST_STORE_MULTIPLE, FIELD(code, 0, 8));
    case 0x19:
        return listed(COST_LOAD_MULTIPLE, FIELD(code, 0, 8));
    case 0x1A:
    case 0x1B:
        return branch_if(address, code);
    case 0x1C:
        return leading(COST_BRANCH, COST_JUMP,
                       address + 4u + (sign_extended(FIELD(code, 0, 11), 11) << 1));
    default: /* 00xx xxxx: shifts, ADD, SUB, MOV, CMP; 1010 xxxx: ADR, ADD from SP */
        return plain(COST_ALU);
    }
}

static uint32_t call_target(uint32_t address, uint16_t first, uint16_t second) {
    const uint32_t sign = BIT(first, 10);
    const uint32_t i1 = 1u ^ BIT(second, 13) ^ sign;
    const uint32_t i2 = 1u ^ BIT(second, 11) ^ sign;
    const uint32_t offset =
        sign << 24 | i1 << 23 | i2 << 22 | FIELD(first, 0, 10) << 12 | FIELD(second, 0, 11) << 1;

    return address + 4u + sign_extended(offset, 25);
}

/* Special registers that MRS and MSR may name: xPSR and its parts, MSP, PSP, PRIMASK, CONTROL. */
static bool is_special(uint32_t number) {
    return number <= 9u ? number != 4u : number == 16u || number == 20u;
}

/* 1111 0xxx 1xxx xxxx: branch and miscellaneous control, the only 32-bit encodings (A5.3). */
static struct cost of_32_bits(uint32_t address, uint16_t first, uint16_t second) {
    const uint32_t low = FIELD(first, 0, 4);
    const uint32_t high = FIELD(second, 8, 4);

    if ((first & 0xF800u) == 0xF000u && (second & 0xD000u) == 0xD000u) {
        return leading(COST_BRANCH_LINK, COST_CALL, call_target(address, first, second));
    }
    if ((first & 0xFFF0u) == 0xF380u && (second & 0xFF00u) == 0x8800u) {
        return low != SP && low != PC && is_special(FIELD(second, 0, 8)) ? plain(COST_WRITE_SPECIAL)
                                                                         : unknown();
    }
    if (first == 0xF3EFu && (second & 0xF000u) == 0x8000u) {
        return high != SP && high != PC && is_special(FIELD(second, 0, 8))
                   ? plain(COST_READ_SPECIAL)
                   : unknown();
    }
    if (first == 0xF3BFu && (second == 0x8F4Fu || second == 0x8F5Fu || second == 0x8F6Fu)) {
        return plain(COST_BARRIER);
    }
    return unknown();
}

/* Turn the class, with the length of its list in `cycles`, into cycles. */
static void in_cycles(const struct cost_model *model, struct cost *cost) {
    const struct cost_row *row = &cost_rows[model->core][cost->kind];

    if (cost->kind == COST_MULTIPLY) {
        cost->cycles = model->multiply == 32u ? row->other : row->cycles;
        return;
    }
    cost->cycles = (uint16_t)(row->cycles + row->per_register * cost->cycles);
    if (cost->flow == COST_CHOICE) {
        cost->taken = (uint16_t)(row->other - row->cycles);
    }
}

struct cost cost_of(const struct cost_model *model, uint32_t address, uint16_t first,
                    uint16_t second) {
    struct cost cost;

    if (cost_bytes(first) == 2u) {
        cost = of_16_bits(address, first);
    } else {
        cost = of_32_bits(address, first, second);
        cost.bytes = 4;
    }
    in_cycles(model, &cost);
    return cost;
}

uint32_t cost_port_saving(const struct cost_model *model, enum cost_class kind) {
    const struct cost_row *row = &cost_rows[model->core][kind];

    return row->other != 0 ? (uint32_t)(row->cycles - row->other) : 0u;
}
