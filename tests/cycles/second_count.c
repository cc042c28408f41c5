/*
 * An independent count of a program's cycles: an interpreter of ARMv6-M on the host, which knows
 * nothing of hil/cycles and shares no code with it.
 *
 *     second_count FLASH FUNCTIONS MEASURED
 *
 * FLASH is the contents of flash from address 0. FUNCTIONS has a line "START END NAME" for each
 * function, addresses in hexadecimal. The program runs until it sleeps (WFI). Then this prints what
 * it sent by its UART, the number of instructions, the cycles of each call of the function
 * MEASURED, and those of every function, always for a Cortex-M0 and for a Cortex-M0+:
 *
 *     sent HEX
 *     instructions N
 *     call M0 M0PLUS
 *     function NAME EXCLUSIVE-M0 EXCLUSIVE-M0PLUS INCLUSIVE-M0 INCLUSIVE-M0PLUS
 *
 * Instructions are decoded as DDI 0419C (ARMv6-M) A5 lists them, one by one and each time anew.
 * Their cycles stand where they are executed, as TOOK(cycles of the M0, cycles of the M0+), from
 * the tables 3-1 of DDI 0432C and DDI 0484C with a multiplier of one cycle and no wait states.
 * Calls are told from their stack pointer and return address. Whatever such a program should not do
 * ends this with a message.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SP = 13, LR = 14, PC = 15 };
enum { M0, M0PLUS, CORES };

#define FLASH_BYTES 0x40000u
#define RAM_AT      0x20000000u
#define RAM_BYTES   0x4000u
#define UART_AT     0x40000000u
#define UART_BYTES  0x10000u
#define UART_SENDS  0x4000251Cu
#define FUNCTIONS   512u
#define DEPTH       64u
#define NOBODY      0xFFFFu

struct function {
    char name[64];
    uint32_t start;
    uint64_t exclusive[CORES];
    uint64_t inclusive[CORES];
    uint32_t active; /* calls of it that are open; of calls within calls the outermost counts */
};

struct call {
    uint32_t function;
    uint32_t returns_to;
    uint32_t stack;
    uint64_t began[CORES];
};

/* The core and its memories. */
static uint32_t r[16]; /* r[PC] is the address of the instruction that is executed */
static uint32_t next;  /* the address of the one that follows, unless it branches */
static bool negative, zero, carry, overflow;
static uint32_t primask;
static uint8_t flash[FLASH_BYTES];
static uint8_t ram[RAM_BYTES];

/* The count. */
static struct function functions[FUNCTIONS];
static uint32_t function_count;
static uint16_t owner[FLASH_BYTES / 2u]; /* of each halfword of flash, an index of a function */
static struct call open_calls[DEPTH];
static uint32_t depth;
static const char *measured;
static uint64_t total[CORES];
static uint64_t instructions;

static _Noreturn void fail(const char *format, ...) {
    va_list values;

    va_start(values, format);
    fprintf(stderr, "second_count, at 0x%08" PRIx32 ": ", r[PC]);
    vfprintf(stderr, format, values);
    fprintf(stderr, "\n");
    va_end(values);
    exit(1);
}

/* ---- cycles ---- */

#define TOOK(m0, m0plus) took((m0), (m0plus))

static void took(uint32_t m0, uint32_t m0plus) {
    struct function *function = &functions[owner[r[PC] / 2u]];

    total[M0] += m0;
    total[M0PLUS] += m0plus;
    function->exclusive[M0] += m0;
    function->exclusive[M0PLUS] += m0plus;
}

static void enter(uint32_t function) {
    if (depth == DEPTH) {
        fail("calls are nested too deep");
    }
    struct call *call = &open_calls[depth++];
    call->function = function;
    call->returns_to = r[LR] & ~1u;
    call->stack = r[SP];
    memcpy(call->began, total, sizeof total);
    functions[function].active++;
}

static void leave(void) {
    const struct call *call = &open_calls[--depth];
    struct function *function = &functions[call->function];
    uint64_t spent[CORES];

    function->active--;
    for (uint32_t core = 0; core < CORES; core++) {
        spent[core] = total[core] - call->began[core];
        if (function->active == 0) {
            function->inclusive[core] += spent[core];
        }
    }
    if (strcmp(function->name, measured) == 0) {
        printf("call %" PRIu64 " %" PRIu64 "\n", spent[M0], spent[M0PLUS]);
    }
}

/* An instruction is about to be executed; `last` is the one before, `follows` what comes after it
 * in memory, `linked` whether it was BL or BLX. */
static void follow_calls(uint32_t last, uint32_t follows, bool linked) {
    const uint32_t function = owner[r[PC] / 2u];
    const bool elsewhere = function != owner[last / 2u];

    if (r[PC] == follows && !elsewhere) {
        return;
    }
    while (depth > 0 && open_calls[depth - 1u].returns_to == r[PC] &&
           open_calls[depth - 1u].stack == r[SP]) {
        leave();
    }
    if (r[PC] == functions[function].start && (linked || elsewhere)) {
        enter(function);
    }
}

/* ---- memory ---- */

static uint8_t sent[64];
static uint32_t sent_count;

static uint8_t *memory(uint32_t address, uint32_t bytes, bool writes) {
    if (address % bytes != 0) {
        fail("access of %" PRIu32 " bytes at 0x%08" PRIx32 " is not aligned", bytes, address);
    }
    if (address - RAM_AT < RAM_BYTES) {
        return ram + (address - RAM_AT);
    }
    if (address < FLASH_BYTES && !writes) {
        return flash + address;
    }
    fail("there is no memory to %s at 0x%08" PRIx32, writes ? "write" : "read", address);
}

static uint32_t load(uint32_t address, uint32_t bytes) {
    if (address - UART_AT < UART_BYTES) {
        return 1; /* the UART is always ready */
    }
    const uint8_t *from = memory(address, bytes, false);
    uint32_t value = 0;
    for (uint32_t i = 0; i < bytes; i++) {
        value |= (uint32_t)from[i] << (8u * i);
    }
    return value;
}

static void store(uint32_t address, uint32_t bytes, uint32_t value) {
    if (address == UART_SENDS) {
        if (sent_count == sizeof sent) {
            fail("too many bytes were sent");
        }
        sent[sent_count++] = (uint8_t)value;
    } else if (address - UART_AT >= UART_BYTES) {
        uint8_t *to = memory(address, bytes, true);
        for (uint32_t i = 0; i < bytes; i++) {
            to[i] = (uint8_t)(value >> (8u * i));
        }
    }
}

static uint32_t code_at(uint32_t address) {
    if (address % 2u != 0 || address >= FLASH_BYTES) {
        fail("there is no code");
    }
    return flash[address] | (uint32_t)flash[address + 1u] << 8;
}

/* ---- arithmetic ---- */

static uint32_t sign_extended(uint32_t value, uint32_t bits) {
    const uint32_t sign = 1u << (bits - 1u);

    return ((value & ((sign << 1) - 1u)) ^ sign) - sign;
}

/* Sets N and Z. */
static uint32_t tested(uint32_t value) {
    negative = value >> 31 != 0;
    zero = value == 0;
    return value;
}

/* AddWithCarry(): sets all four flags. */
static uint32_t added(uint32_t x, uint32_t y, bool carry_in) {
    const uint64_t sum = (uint64_t)x + y + carry_in;
    const uint32_t result = (uint32_t)sum;

    carry = sum >> 32 != 0;
    overflow = ((x ^ result) & (y ^ result)) >> 31 != 0;
    return tested(result);
}

enum shift { LSL, LSR, ASR, ROR };

/* By 0 to 255 places: sets N and Z, and C unless by 0. */
static uint32_t shifted(enum shift kind, uint32_t value, uint32_t by) {
    if (by == 0) {
        return tested(value);
    }
    switch (kind) {
    case LSL:
        carry = by <= 32u && (value >> (32u - by) & 1u) != 0;
        return tested(by < 32u ? value << by : 0);
    case LSR:
        carry = by <= 32u && (value >> (by - 1u) & 1u) != 0;
        return tested(by < 32u ? value >> by : 0);
    case ASR:
        by = by < 32u ? by : 32u;
        carry = (value >> (by - 1u) & 1u) != 0;
        value = by < 32u ? sign_extended(value >> by, 32u - by) : 0u - (value >> 31);
        return tested(value);
    case ROR:
    default:
        by %= 32u;
        value = by == 0 ? value : value >> by | value << (32u - by);
        carry = value >> 31 != 0;
        return tested(value);
    }
}

static bool holds(uint32_t condition) {
    const bool holding[] = {
        zero,
        carry,
        negative,
        overflow,
        carry && !zero,
        negative == overflow,
        !zero && negative == overflow,
    };
    return holding[condition / 2u] != (condition % 2u != 0);
}

/* ---- instructions ---- */

static void undefined(uint32_t code) {
    fail("instruction %04" PRIx32 " is not one of ARMv6-M", code);
}

static void jump(uint32_t address) {
    if ((address & 1u) == 0 || address >= FLASH_BYTES) {
        fail("jump to 0x%08" PRIx32, address);
    }
    next = address & ~1u;
}

/* What an instruction reads in a register: of PC the address four bytes on. */
static uint32_t value_of(uint32_t number) {
    return number == PC ? r[PC] + 4u : r[number];
}

static uint32_t bits_set(uint32_t list) {
    uint32_t count = 0;

    for (; list != 0; list &= list - 1u) {
        count++;
    }
    return count;
}

/* 000xxx, 001xxx: shift, add, subtract, move and compare, of low registers and constants. */
static void immediate(uint32_t code) {
    const uint32_t d = code & 7u, n = code >> 3 & 7u, places = code >> 6 & 31u;
    const uint32_t rd = code >> 8 & 7u, constant = code & 0xFFu;
    const uint32_t operand = (code & 0x400u) != 0 ? code >> 6 & 7u : r[code >> 6 & 7u];

    TOOK(1, 1);
    switch (code >> 11) {
    case 0:
        r[d] = shifted(LSL, r[n], places);
        break;
    case 1:
        r[d] = shifted(LSR, r[n], places == 0 ? 32u : places);
        break;
    case 2:
        r[d] = shifted(ASR, r[n], places == 0 ? 32u : places);
        break;
    case 3:
        r[d] = (code & 0x200u) != 0 ? added(r[n], ~operand, true) : added(r[n], operand, false);
        break;
    case 4:
        r[rd] = tested(constant);
        break;
    case 5:
        added(r[rd], ~constant, true);
        break;
    case 6:
        r[rd] = added(r[rd], constant, false);
        break;
    default:
        r[rd] = added(r[rd], ~constant, true);
        break;
    }
}

/* 010000: of two low registers. */
static void data_processing(uint32_t code) {
    uint32_t *d = &r[code & 7u];
    const uint32_t m = r[code >> 3 & 7u];

    TOOK(1, 1); /* MULS as well */
    switch (code >> 6 & 15u) {
    case 0: /* ANDS */
        *d = tested(*d & m);
        break;
    case 1: /* EORS */
        *d = tested(*d ^ m);
        break;
    case 2:
        *d = shifted(LSL, *d, m & 0xFFu);
        break;
    case 3:
        *d = shifted(LSR, *d, m & 0xFFu);
        break;
    case 4:
        *d = shifted(ASR, *d, m & 0xFFu);
        break;
    case 5: /* ADCS */
        *d = added(*d, m, carry);
        break;
    case 6: /* SBCS */
        *d = added(*d, ~m, carry);
        break;
    case 7:
        *d = shifted(ROR, *d, m & 0xFFu);
        break;
    case 8: /* TST */
        tested(*d & m);
        break;
    case 9: /* RSBS #0 */
        *d = added(~m, 0, true);
        break;
    case 10: /* CMP */
        added(*d, ~m, true);
        break;
    case 11: /* CMN */
        added(*d, m, false);
        break;
    case 12: /* ORRS */
        *d = tested(*d | m);
        break;
    case 13: /* MULS */
        *d = tested(*d * m);
        break;
    case 14: /* BICS */
        *d = tested(*d & ~m);
        break;
    default: /* MVNS */
        *d = tested(~m);
        break;
    }
}

/* 010001: add, compare and move any registers; BX and BLX. Returns whether it links. */
static bool any_register(uint32_t code) {
    const uint32_t d = (code & 7u) | (code >> 4 & 8u), m = code >> 3 & 15u;
    const uint32_t result = (code >> 8 & 3u) == 0 ? value_of(d) + value_of(m) : value_of(m);
    const bool links = (code & 0x80u) != 0;

    switch (code >> 8 & 3u) {
    case 0: /* ADD */
    case 2: /* MOV */
        if (d == PC) {
            TOOK(3, 2);
            next = result & ~1u;
        } else {
            TOOK(1, 1);
            r[d] = result;
        }
        return false;
    case 1: /* CMP */
        TOOK(1, 1);
        added(value_of(d), ~value_of(m), true);
        return false;
    default: /* BX, BLX */
        TOOK(3, 2);
        jump(result);
        if (links) {
            r[LR] = (r[PC] + 2u) | 1u;
        }
        return links;
    }
}

/* 0101xx: load and store at the sum of two registers. */
static void register_offset(uint32_t code) {
    uint32_t *t = &r[code & 7u];
    const uint32_t address = r[code >> 3 & 7u] + r[code >> 6 & 7u];

    TOOK(2, 2);
    switch (code >> 9 & 7u) {
    case 0:
        store(address, 4, *t);
        break;
    case 1:
        store(address, 2, *t);
        break;
    case 2:
        store(address, 1, *t);
        break;
    case 3: /* LDRSB */
        *t = sign_extended(load(address, 1), 8);
        break;
    case 4:
        *t = load(address, 4);
        break;
    case 5:
        *t = load(address, 2);
        break;
    case 6:
        *t = load(address, 1);
        break;
    default: /* LDRSH */
        *t = sign_extended(load(address, 2), 16);
        break;
    }
}

static void transfer(bool loads, uint32_t *t, uint32_t address, uint32_t bytes) {
    TOOK(2, 2);
    if (loads) {
        *t = load(address, bytes);
    } else {
        store(address, bytes, *t);
    }
}

/* STM and LDM. */
static void multiple(uint32_t code) {
    const uint32_t n = code >> 8 & 7u, list = code & 0xFFu;
    const bool loads = (code & 0x800u) != 0;
    uint32_t address = r[n];

    if (list == 0) {
        undefined(code);
    }
    TOOK(1u + bits_set(list), 1u + bits_set(list));
    for (uint32_t i = 0; i < 8u; i++) {
        if ((list >> i & 1u) != 0) {
            if (loads) {
                r[i] = load(address, 4);
            } else {
                store(address, 4, r[i]);
            }
            address += 4u;
        }
    }
    if (!loads || (list >> n & 1u) == 0) {
        r[n] = address;
    }
}

static void push(uint32_t list, bool lr) {
    const uint32_t count = bits_set(list) + lr;
    uint32_t address = r[SP] - 4u * count;

    TOOK(1u + count, 1u + count);
    r[SP] = address;
    for (uint32_t i = 0; i < 8u; i++) {
        if ((list >> i & 1u) != 0) {
            store(address, 4, r[i]);
            address += 4u;
        }
    }
    if (lr) {
        store(address, 4, r[LR]);
    }
}

static void pop(uint32_t list, bool pc) {
    const uint32_t count = bits_set(list) + pc;

    if (pc) {
        TOOK(4u + count, 3u + count);
    } else {
        TOOK(1u + count, 1u + count);
    }
    for (uint32_t i = 0; i < 8u; i++) {
        if ((list >> i & 1u) != 0) {
            r[i] = load(r[SP], 4);
            r[SP] += 4u;
        }
    }
    if (pc) {
        jump(load(r[SP], 4));
        r[SP] += 4u;
    }
}

static void extend(uint32_t code) {
    uint32_t *d = &r[code & 7u];
    const uint32_t m = r[code >> 3 & 7u];

    TOOK(1, 1);
    switch (code >> 6 & 3u) {
    case 0:
        *d = sign_extended(m, 16);
        break;
    case 1:
        *d = sign_extended(m, 8);
        break;
    case 2:
        *d = m & 0xFFFFu;
        break;
    default:
        *d = m & 0xFFu;
        break;
    }
}

static void reverse(uint32_t code) {
    uint32_t *d = &r[code & 7u];
    const uint32_t m = r[code >> 3 & 7u];
    const uint32_t pairs = (m & 0x00FF00FFu) << 8 | (m >> 8 & 0x00FF00FFu);

    TOOK(1, 1);
    switch (code >> 6 & 3u) {
    case 0: /* REV */
        *d = pairs << 16 | pairs >> 16;
        break;
    case 1: /* REV16 */
        *d = pairs;
        break;
    case 3: /* REVSH */
        *d = sign_extended(pairs, 16);
        break;
    default:
        undefined(code);
    }
}

/* 1011xx. Returns false for WFI, where the program ends. */
static bool miscellaneous(uint32_t code) {
    switch (code >> 8 & 15u) {
    case 0: /* ADD and SUB of SP */
        TOOK(1, 1);
        r[SP] += (code & 0x80u) != 0 ? 0u - 4u * (code & 0x7Fu) : 4u * (code & 0x7Fu);
        return true;
    case 2:
        extend(code);
        return true;
    case 4:
    case 5:
        push(code & 0xFFu, (code & 0x100u) != 0);
        return true;
    case 6: /* CPS */
        TOOK(1, 1);
        primask = code >> 4 & 1u;
        return true;
    case 10:
        reverse(code);
        return true;
    case 12:
    case 13:
        pop(code & 0xFFu, (code & 0x100u) != 0);
        return true;
    case 15:
        break;
    default: /* BKPT, and what is not defined */
        undefined(code);
    }
    switch (code & 0xFFu) {
    case 0x00: /* NOP */
    case 0x10: /* YIELD */
    case 0x40: /* SEV */
        TOOK(1, 1);
        return true;
    case 0x30: /* WFI */
        TOOK(2, 2);
        return false;
    default:
        undefined(code);
        return false;
    }
}

/* 32 bits. Returns whether it links. */
static bool long_instruction(uint32_t first, uint32_t second) {
    if ((first & 0xF800u) == 0xF000u && (second & 0xD000u) == 0xD000u) { /* BL */
        const uint32_t s = first >> 10 & 1u;
        const uint32_t i1 = ~(second >> 13 ^ s) & 1u, i2 = ~(second >> 11 ^ s) & 1u;
        const uint32_t high = s << 24 | i1 << 23 | i2 << 22 | (first & 0x3FFu) << 12;
        TOOK(4, 3);
        jump((r[PC] + 4u + sign_extended(high | (second & 0x7FFu) << 1, 25)) | 1u);
        r[LR] = (r[PC] + 4u) | 1u;
        return true;
    }
    TOOK(4, 3);
    if (first == 0xF3EFu && (second & 0xF0FFu) == 0x8010u) { /* MRS Rd, PRIMASK */
        r[second >> 8 & 15u] = primask;
    } else if ((first & 0xFFF0u) == 0xF380u && second == 0x8810u) { /* MSR PRIMASK, Rn */
        primask = r[first & 15u] & 1u;
    } else if (first != 0xF3BFu || (second & 0xFF0Fu) != 0x8F0Fu) { /* DSB, DMB, ISB */
        undefined(first);
    }
    return false;
}

/* Executes one instruction. Sets `linked` to whether it is BL or BLX; returns false at the end. */
static bool execute(bool *linked) {
    const uint32_t code = code_at(r[PC]);
    const uint32_t t = code >> 8 & 7u, offset = code >> 6 & 31u, constant = code & 0xFFu;
    uint32_t *low = &r[code & 7u];
    const uint32_t base = r[code >> 3 & 7u];
    const bool loads = (code & 0x800u) != 0;

    next = r[PC] + 2u;
    *linked = false;
    switch (code >> 11) {
    case 0 ... 7:
        immediate(code);
        break;
    case 8:
        if ((code & 0x400u) == 0) {
            data_processing(code);
        } else {
            *linked = any_register(code);
        }
        break;
    case 9: /* LDR label */
        transfer(true, &r[t], ((r[PC] + 4u) & ~3u) + 4u * constant, 4);
        break;
    case 10:
    case 11:
        register_offset(code);
        break;
    case 12:
    case 13:
        transfer(loads, low, base + 4u * offset, 4);
        break;
    case 14:
    case 15:
        transfer(loads, low, base + offset, 1);
        break;
    case 16:
    case 17:
        transfer(loads, low, base + 2u * offset, 2);
        break;
    case 18:
    case 19:
        transfer(loads, &r[t], r[SP] + 4u * constant, 4);
        break;
    case 20: /* ADR */
        TOOK(1, 1);
        r[t] = ((r[PC] + 4u) & ~3u) + 4u * constant;
        break;
    case 21: /* ADD Rd, SP */
        TOOK(1, 1);
        r[t] = r[SP] + 4u * constant;
        break;
    case 22:
    case 23:
        return miscellaneous(code);
    case 24:
    case 25:
        multiple(code);
        break;
    case 26:
    case 27: /* B<cc> */
        if ((code >> 8 & 15u) >= 14u) {
            undefined(code); /* UDF, SVC */
        }
        if (holds(code >> 8 & 15u)) {
            TOOK(3, 2);
            jump((r[PC] + 4u + sign_extended(constant << 1, 9)) | 1u);
        } else {
            TOOK(1, 1);
        }
        break;
    case 28: /* B */
        TOOK(3, 2);
        jump((r[PC] + 4u + sign_extended(code << 1, 12)) | 1u);
        break;
    default:
        next = r[PC] + 4u;
        *linked = long_instruction(code, code_at(r[PC] + 2u));
        break;
    }
    return true;
}

static void run(void) {
    uint32_t last = load(4, 4) & ~1u, follows = last;
    bool linked = true; /* reset calls the first function, so to say */

    r[SP] = load(0, 4);
    r[LR] = 0xFFFFFFFFu;
    r[PC] = last;
    for (bool goes_on = true; goes_on; r[PC] = next) {
        if (r[PC] >= FLASH_BYTES || owner[r[PC] / 2u] == NOBODY) {
            fail("this is in no function");
        }
        if (linked || r[PC] != follows || owner[r[PC] / 2u] != owner[last / 2u]) {
            follow_calls(last, linked ? 0xFFFFFFFFu : follows, linked);
        }
        last = r[PC];
        const uint32_t length = code_at(last) >> 11 >= 29u ? 4u : 2u;
        follows = last + length;
        instructions++;
        goes_on = execute(&linked);
    }
    while (depth > 0) {
        leave();
    }
}

/* ---- files ---- */

static FILE *opened(const char *path) {
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        fail("%s cannot be read", path);
    }
    return file;
}

static void read_functions(const char *path) {
    FILE *file = opened(path);
    uint32_t end;

    memset(owner, 0xFF, sizeof owner);
    for (; function_count < FUNCTIONS; function_count++) {
        struct function *function = &functions[function_count];
        const int found =
            fscanf(file, "%" SCNx32 " %" SCNx32 " %63s", &function->start, &end, function->name);
        if (found == EOF) {
            fclose(file);
            return;
        }
        if (found != 3 || end > FLASH_BYTES) {
            fail("line %" PRIu32 " of the functions", function_count + 1u);
        }
        for (uint32_t at = function->start / 2u; at < end / 2u; at++) {
            if (owner[at] == NOBODY) { /* of two names of one function the first */
                owner[at] = (uint16_t)function_count;
            }
        }
    }
    fail("too many functions");
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "second_count FLASH FUNCTIONS MEASURED\n");
        return 2;
    }
    FILE *file = opened(argv[1]);
    if (fread(flash, 1, sizeof flash, file) == 0) {
        fail("%s is empty", argv[1]);
    }
    fclose(file);
    read_functions(argv[2]);
    measured = argv[3];
    run();
    printf("sent ");
    for (uint32_t i = 0; i < sent_count; i++) {
        printf("%02x", sent[i]);
    }
    printf("\ninstructions %" PRIu64 "\n", instructions);
    for (uint32_t i = 0; i < function_count; i++) {
        const struct function *each = &functions[i];
        printf("function %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", each->name,
               each->exclusive[M0], each->exclusive[M0PLUS], each->inclusive[M0],
               each->inclusive[M0PLUS]);
    }
    return 0;
}
