/* Stores to memory that takes no plain writes: decoded here, so that what answers for that memory
 * can decide about each (Arm DDI 0419, A6.7: STR, STRH, STRB, STM, PUSH). */
#include "engine_internal.h"

#define FIELD(value, low, bits) (((value) >> (low)) & ((1u << (bits)) - 1u))
#define PUSH_LR                 0x100u

static uint32_t reg(struct engine *engine, uint32_t number) {
    return engine_get(engine, REG_R0 + (int)number);
}

static uint32_t listed(struct engine *engine, uint32_t list, uint32_t address,
                       struct engine_store *stores) {
    uint32_t count = 0;

    for (uint32_t i = 0; i < 9u; i++) {
        if ((list >> i & 1u) != 0) {
            const uint32_t value = i == 8u ? engine_get(engine, REG_LR) : reg(engine, i);
            stores[count] = (struct engine_store){address + 4u * count, 4u, value};
            count++;
        }
    }
    return count;
}

uint32_t engine_stores(struct engine *engine, struct engine_store stores[9]) {
    const uint16_t code = code_halfword(engine, engine_get(engine, REG_PC) & ~1u);
    const uint32_t base = reg(engine, FIELD(code, 3, 3));
    const uint32_t offset = FIELD(code, 6, 5);
    const uint32_t value = reg(engine, FIELD(code, 0, 3));

    switch (FIELD(code, 11, 5)) {
    case 0x0A: { /* by register: STR, STRH, STRB */
        static const uint8_t bytes[4] = {4, 2, 1, 0};
        const uint32_t each = bytes[FIELD(code, 9, 2)];
        stores[0] = (struct engine_store){base + reg(engine, FIELD(code, 6, 3)), each, value};
        return each != 0 ? 1u : 0u;
    }
    case 0x0C:
        stores[0] = (struct engine_store){base + 4u * offset, 4u, value};
        return 1;
    case 0x0E:
        stores[0] = (struct engine_store){base + offset, 1u, value};
        return 1;
    case 0x10:
        stores[0] = (struct engine_store){base + 2u * offset, 2u, value};
        return 1;
    case 0x12: /* from SP */
        stores[0] = (struct engine_store){engine_get(engine, REG_SP) + 4u * FIELD(code, 0, 8), 4u,
                                          reg(engine, FIELD(code, 8, 3))};
        return 1;
    case 0x16: { /* PUSH */
        const uint32_t list = FIELD(code, 0, 9);
        const uint32_t words = (uint32_t)__builtin_popcount(list);
        return listed(engine, list, engine_get(engine, REG_SP) - 4u * words, stores);
    }
    case 0x18: /* STM */
        return listed(engine, FIELD(code, 0, 8), reg(engine, FIELD(code, 8, 3)), stores);
    default:
        return 0;
    }
}

void engine_store_done(struct engine *engine) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;
    const uint16_t code = code_halfword(engine, pc);
    const uint32_t words = (uint32_t)__builtin_popcount(FIELD(code, 0, 9));
    const struct cost cost = cost_of(&engine->model, pc, code, 0);

    if (FIELD(code, 11, 5) == 0x18u) {
        const uint32_t number = FIELD(code, 8, 3);
        engine_set(engine, REG_R0 + (int)number,
                   reg(engine, number) + 4u * (uint32_t)__builtin_popcount(FIELD(code, 0, 8)));
    } else if (FIELD(code, 11, 5) == 0x16u) {
        engine_set(engine, REG_SP, engine_get(engine, REG_SP) - 4u * words);
    }
    engine->shared.clock += cost.cycles;
    engine->shared.instructions++;
    engine_set(engine, REG_PC, pc + 2u);
}

void engine_store_fault(struct engine *engine) {
    const uint32_t pc = engine_get(engine, REG_PC) & ~1u;

    (void)exception_fault(engine, ENGINE_UNMAPPED, pc, 0);
}
