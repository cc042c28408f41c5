/* Watchpoints. Pages that hold watched data are closed to Unicorn: it stops in front of each access
 * to them, and access.c makes it and sees whether the data was meant. */
#include "engine_internal.h"

#define PAGE 0x400u /* what Unicorn can protect, on this core */

/* Kinds of accesses to a page that are watched. */
static uint32_t kinds_at(const struct engine *engine, uint32_t page) {
    uint32_t kinds = 0;

    for (uint32_t i = 0; i < WATCHPOINTS; i++) {
        const struct watch *watch = &engine->watch[i];
        if (watch->kinds != 0 && watch->address < page + PAGE &&
            page < watch->address + watch->bytes) {
            kinds |= watch->kinds;
        }
    }
    return kinds;
}

bool watch_reads_at(const struct engine *engine, uint32_t address) {
    return (kinds_at(engine, address & ~(PAGE - 1u)) & 1u) != 0;
}

static void protect(struct engine *engine, uint32_t address, uint32_t bytes) {
    for (uint32_t page = address & ~(PAGE - 1u); page < address + bytes; page += PAGE) {
        const struct code *code = code_at(engine, page);
        const uint32_t kinds = kinds_at(engine, page);
        uint32_t may = UC_PROT_EXEC;
        if (code == NULL) {
            continue;
        }
        may |= (kinds & 1u) == 0 ? UC_PROT_READ : 0u;
        may |= (kinds & 2u) == 0 && code->memory.writable ? UC_PROT_WRITE : 0u;
        engine->unicorn.mem_protect(engine->uc, page, PAGE, may);
    }
}

static void on_read(void *uc, int type, uint64_t address, int size, int64_t value, void *user) {
    (void)uc;
    (void)type;
    (void)address;
    (void)size;
    (void)value;
    (void)user;
}

/* Without a hook on reads, Unicorn 2.1 lets those pass that a page's protection forbids once the
 * page has been executed from or stored to. It takes a quarter of the speed. */
static void hook_reads(struct engine *engine) {
    uint64_t hook;

    if (!engine->reads_watched) {
        engine->reads_watched = true;
        engine->unicorn.hook_add(engine->uc, &hook, UC_HOOK_MEM_READ, (void *)on_read, engine,
                                 (uint64_t)UINT32_MAX, (uint64_t)UINT32_MAX);
        engine->unicorn.ctl(engine->uc, UC_CTL_FLUSH);
    }
}

static bool change(struct engine *engine, struct watch from, struct watch to) {
    for (uint32_t i = 0; i < WATCHPOINTS; i++) {
        struct watch *watch = &engine->watch[i];
        if (watch->kinds == from.kinds &&
            (from.kinds == 0 || (watch->address == from.address && watch->bytes == from.bytes))) {
            *watch = to;
            protect(engine, from.address, from.bytes);
            protect(engine, to.address, to.bytes);
            return true;
        }
    }
    return false;
}

bool engine_watch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds) {
    if ((kinds & 1u) != 0) {
        hook_reads(engine);
    }
    return change(engine, (struct watch){0}, (struct watch){address, bytes, kinds});
}

bool engine_unwatch(struct engine *engine, uint32_t address, uint32_t bytes, uint32_t kinds) {
    return change(engine, (struct watch){address, bytes, kinds}, (struct watch){0});
}
