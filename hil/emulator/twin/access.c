/*
 * Instructions that access what Unicorn must not: registers, memory that takes no plain stores,
 * watched data, nothing at all. Unicorn stops in front of them; here they are decoded (Arm DDI
 * 0419, A6.7) and executed, one access after the other. All are 16 bits long.
 */
#include <string.h>

#include "engine_internal.h"

#define FIELD(value, low, bits) (((value) >> (low)) & ((1u << (bits)) - 1u))
#define LR                      14u
#define PC                      15u
#define REGISTERS               16u
#define EXC_RETURN              0xF0000000u /* and up, in handler mode (B1.5.8) */

/* What an instruction transfers. */
struct transfer {
    uint32_t address; /* of the first */
    uint32_t bytes;   /* of each */
    uint32_t list;    /* of registers: one bit each */
    uint32_t end;     /* value of the base register afterwards */
    int base;         /* which to write back, Unicorn's number; -1 for none */
    bool load;
    bool sign;
};

static struct transfer single(uint32_t address, uint32_t bytes, uint32_t number, bool load) {
    return (struct transfer){
        .address = address, .bytes = bytes, .list = 1u << number, .base = -1, .load = load};
}

/* 0101 xxx: address by two registers. */
static struct transfer by_register(const struct engine *engine, uint16_t code) {
    static const uint8_t bytes[8] = {4, 2, 1, 1, 4, 2, 1, 2}; /* STR STRH STRB LDRSB LDR LDRH ... */
    const uint32_t kind = FIELD(code, 9, 3);
    struct transfer found = single(engine_register(engine, FIELD(code, 3, 3)) +
                                       engine_register(engine, FIELD(code, 6, 3)),
                                   bytes[kind], FIELD(code, 0, 3), kind >= 3u);

    found.sign = kind == 3u || kind == 7u;
    return found;
}

/* STM and LDM. */
static struct transfer multiple(const struct engine *engine, uint16_t code, bool load) {
    const uint32_t base = FIELD(code, 8, 3);
    const uint32_t list = FIELD(code, 0, 8);
    const uint32_t start = engine_register(engine, base);

    return (struct transfer){.address = start,
                             .bytes = 4,
                             .list = list,
                             .end = start + 4u * (uint32_t)__builtin_popcount(list),
                             .base = load && (list >> base & 1u) != 0 ? -1 : REG_R0 + (int)base,
                             .load = load};
}

/* PUSH and POP; the ninth bit is LR or PC. */
static struct transfer on_stack(const struct engine *engine, uint16_t code, bool load) {
    const uint32_t list = FIELD(code, 0, 8) | FIELD(code, 8, 1) << (load ? PC : LR);
    const uint32_t bytes = 4u * (uint32_t)__builtin_popcount(list);
    const uint32_t sp = engine_get(engine, REG_SP);

    return (struct transfer){.address = load ? sp : sp - bytes,
                             .bytes = 4,
                             .list = list,
                             .end = load ? sp + bytes : sp - bytes,
                             .base = REG_SP,
                             .load = load};
}

/* What the instruction at PC transfers; nothing in its list where it is none that does. */
static struct transfer decode(const struct engine *engine, uint32_t pc, uint16_t code) {
    const uint32_t base = engine_register(engine, FIELD(code, 3, 3));
    const uint32_t offset = FIELD(code, 6, 5);
    const uint32_t number = FIELD(code, 0, 3);
    const bool load = FIELD(code, 11, 1) != 0;

    switch (FIELD(code, 11, 5)) {
    case 0x09: /* LDR of a literal */
        return single((pc & ~3u) + 4u + 4u * FIELD(code, 0, 8), 4, FIELD(code, 8, 3), true);
    case 0x0A:
    case 0x0B:
        return by_register(engine, code);
    case 0x0C: /* STR, LDR */
    case 0x0D:
        return single(base + 4u * offset, 4, number, load);
    case 0x0E: /* STRB, LDRB */
    case 0x0F:
        return single(base + offset, 1, number, load);
    case 0x10: /* STRH, LDRH */
    case 0x11:
        return single(base + 2u * offset, 2, number, load);
    case 0x12: /* STR, LDR from SP */
    case 0x13:
        return single(engine_get(engine, REG_SP) + 4u * FIELD(code, 0, 8), 4, FIELD(code, 8, 3),
                      load);
    case 0x16:
    case 0x17:
        return FIELD(code, 9, 2) == 2u ? on_stack(engine, code, load) : (struct transfer){0};
    case 0x18:
    case 0x19:
        return multiple(engine, code, load);
    default:
        return (struct transfer){0};
    }
}

uint32_t access_address(struct engine *engine, uint32_t pc) {
    return decode(engine, pc, code_halfword(engine, pc)).address;
}

static const struct code *memory_at(struct engine *engine, uint32_t address, uint32_t bytes) {
    const struct code *code = code_at(engine, address);

    return code != NULL && address - code->memory.origin + bytes <= code->memory.bytes ? code
                                                                                       : NULL;
}

bool access_memory_read(struct engine *engine, uint32_t address, void *data, uint32_t bytes) {
    const struct code *code = memory_at(engine, address, bytes);

    if (code == NULL) {
        return false;
    }
    memcpy(data, code->memory.data + (address - code->memory.origin), bytes);
    return true;
}

bool access_memory_write(struct engine *engine, uint32_t address, const void *data,
                         uint32_t bytes) {
    const struct code *code = memory_at(engine, address, bytes);

    if (code == NULL || !code->memory.writable ||
        engine->unicorn.mem_write(engine->uc, address, data, bytes) != UC_OK) {
        return false;
    }
    if (address < code->executed_end && code->executed_from < address + bytes) {
        engine_forget_code(engine, address, bytes); /* Unicorn keeps what it has translated */
    }
    return true;
}

bool engine_store(struct engine *engine, uint32_t address, const void *data, uint32_t bytes) {
    return access_memory_write(engine, address, data, bytes);
}

static const struct engine_device *device_at(const struct engine *engine, uint32_t address) {
    for (uint32_t i = 0; i < engine->devices; i++) {
        if (address - engine->device[i].origin < engine->device[i].bytes) {
            return &engine->device[i];
        }
    }
    return NULL;
}

static int64_t load(struct engine *engine, uint32_t address, uint32_t bytes) {
    uint32_t value = 0;

    if (access_memory_read(engine, address, &value, bytes)) {
        stall_load(engine, code_at(engine, address));
        return value;
    }
    const struct engine_device *device = device_at(engine, address);
    return device == NULL ? ENGINE_BUS_ERROR : device->read(address - device->origin, bytes);
}

static int32_t store(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t value) {
    if (access_memory_write(engine, address, &value, bytes)) {
        return 0;
    }
    const struct engine_device *device = device_at(engine, address);
    return device == NULL ? ENGINE_BUS_ERROR
                          : device->write(address - device->origin, bytes, value);
}

static void note_watched(struct engine *engine, uint32_t address, uint32_t bytes, bool reads) {
    for (uint32_t i = 0; i < WATCHPOINTS; i++) {
        const struct watch *watch = &engine->watch[i];
        if ((watch->kinds & (reads ? 1u : 2u)) != 0 && !engine->touched &&
            address < watch->address + watch->bytes && watch->address < address + bytes) {
            engine->touched = true;
            engine->shared.watch_address = address;
        }
    }
}

static uint32_t extended(const struct transfer *transfer, uint32_t value) {
    if (!transfer->sign) {
        return value;
    }
    return transfer->bytes == 1u ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
}

/* Make the accesses: loaded values go to `loaded`. The value of the first that failed, or 0. */
static int32_t make(struct engine *engine, const struct transfer *transfer,
                    uint32_t loaded[REGISTERS], uint32_t *address) {
    *address = transfer->address;
    for (uint32_t i = 0; i < REGISTERS; i++) {
        if ((transfer->list >> i & 1u) == 0) {
            continue;
        }
        int64_t end;
        if (transfer->load) {
            end = load(engine, *address, transfer->bytes);
            loaded[i] = extended(transfer, (uint32_t)end);
        } else {
            end = store(engine, *address, transfer->bytes, engine_register(engine, i));
        }
        if (end < 0) {
            return (int32_t)end;
        }
        note_watched(engine, *address, transfer->bytes, transfer->load);
        *address += transfer->bytes;
    }
    return 0;
}

/* Cycles, and what the access saves on the single-cycle I/O port. */
static void charge(struct engine *engine, const struct transfer *transfer, uint32_t pc) {
    const struct cost cost = code_cost(engine, pc);
    const bool port = transfer->address - engine->timing.port_origin < engine->timing.port_bytes;
    const uint32_t saved =
        port && (cost.flags & COST_ACCESS) != 0 ? cost_port_saving(&engine->model, cost.kind) : 0u;

    engine->shared.clock += cost.cycles - saved;
    engine->shared.instructions++;
    if (engine->tracker != NULL) {
        count_span(engine, pc, pc + 2u);
        count_waits(engine);
        tracker_delay(engine->tracker, -(int32_t)saved);
    }
}

/* Execution goes on at a value that was loaded into PC. */
static enum access_end jump(struct engine *engine, uint32_t value) {
    engine->follows = NONE;
    if (value >= EXC_RETURN && engine->shared.active != 0) {
        return exception_return(engine, value) ? ACCESS_DONE : ACCESS_LOCKUP;
    }
    if ((value & 1u) == 0) {
        return exception_fault(engine, ENGINE_NOT_THUMB, value, value) ? ACCESS_DONE
                                                                       : ACCESS_LOCKUP;
    }
    engine_set_pc(engine, value);
    return ACCESS_DONE;
}

static void write_back(struct engine *engine, const struct transfer *transfer,
                       const uint32_t loaded[REGISTERS]) {
    if (transfer->base >= 0) {
        engine_set(engine, transfer->base, transfer->end);
    }
    for (uint32_t i = 0; transfer->load && i < LR; i++) {
        if ((transfer->list >> i & 1u) != 0) {
            engine_set(engine, REG_R0 + (int)i, loaded[i]);
        }
    }
}

enum access_end access_execute(struct engine *engine, uint32_t pc) {
    const struct transfer transfer = decode(engine, pc, code_halfword(engine, pc));
    uint32_t loaded[REGISTERS] = {0};
    uint32_t address = 0;

    if (transfer.list == 0) {
        engine->shared.failure = ENGINE_NO_ACCESS;
        return ACCESS_STOPPED;
    }
    engine->shared.clock += code_wait(engine, pc); /* the access is made once it is fetched */
    const bool aligned = (transfer.address & (transfer.bytes - 1u)) == 0;
    const int32_t failed = aligned ? make(engine, &transfer, loaded, &address) : ENGINE_BUS_ERROR;
    if (failed == ENGINE_GIVE_UP) {
        engine->shared.failure = ENGINE_GAVE_UP;
        return ACCESS_STOPPED;
    }
    if (failed != 0) {
        return exception_fault(engine, aligned ? ENGINE_UNMAPPED : ENGINE_UNALIGNED, pc,
                               aligned ? address : transfer.address)
                   ? ACCESS_DONE
                   : ACCESS_LOCKUP;
    }
    charge(engine, &transfer, pc);
    write_back(engine, &transfer, loaded);
    if ((transfer.list >> PC & 1u) != 0) {
        return jump(engine, loaded[PC]);
    }
    engine_set_pc(engine, pc + 2u);
    engine->follows = pc + 2u;
    return ACCESS_DONE;
}
