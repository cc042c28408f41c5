#include "block.h"

#include <stdlib.h>

#define BUCKETS 4096u /* a power of two */

static uint16_t halfword(const uint8_t *code) {
    return (uint16_t)(code[0] | code[1] << 8);
}

bool block_table_open(struct block_table *table, const struct counter_header *file) {
    const uint8_t *place = (const uint8_t *)(file + 1);

    table->model = (struct cost_model){.core = file->core, .multiply = file->multiply};
    table->ranges = (const struct counter_range *)place;
    table->range_count = file->ranges;
    place += file->ranges * sizeof *table->ranges;
    table->functions = (const struct counter_function *)place;
    place += file->functions * sizeof *table->functions;
    table->handlers = (const struct counter_handler *)place;
    table->handler_count = file->handlers;
    place += file->handlers * sizeof *table->handlers;
    table->memories = (const struct counter_memory *)place;
    table->memory_count = file->memories;
    table->buckets = calloc(BUCKETS, sizeof *table->buckets);
    return table->buckets != NULL;
}

void block_table_close(struct block_table *table) {
    for (uint32_t i = 0; table->buckets != NULL && i < BUCKETS; i++) {
        while (table->buckets[i] != NULL) {
            struct block *block = table->buckets[i];
            table->buckets[i] = block->next;
            free(block);
        }
    }
    free(table->buckets);
    table->buckets = NULL;
}

const struct counter_memory *block_memory(const struct block_table *table, uint32_t address) {
    for (uint32_t i = 0; i < table->memory_count; i++) {
        if (address - table->memories[i].origin < table->memories[i].bytes) {
            return &table->memories[i];
        }
    }
    return NULL;
}

/* The function at an address, and in `*end` where it ends or, outside of any, the next one starts.
 */
static uint32_t function_at(const struct block_table *table, uint32_t address, uint32_t *end) {
    uint32_t low = 0;
    uint32_t high = table->range_count;

    while (low < high) { /* the first range that ends beyond the address */
        const uint32_t middle = (low + high) / 2;
        if (table->ranges[middle].end > address) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low == table->range_count) {
        *end = UINT32_MAX;
        return COUNTER_NOWHERE;
    }
    if (table->ranges[low].start > address) {
        *end = table->ranges[low].start;
        return COUNTER_NOWHERE;
    }
    *end = table->ranges[low].end;
    return table->ranges[low].function;
}

static void mark_handler(const struct block_table *table, struct block *block) {
    for (uint32_t i = 0; i < table->handler_count; i++) {
        if (table->handlers[i].address == block->start) {
            block->flags |= BLOCK_HANDLER;
            block->exception = table->handlers[i].exception;
            return;
        }
    }
}

/* Sum up the instructions up to `limit`, or to the first that leads elsewhere. */
static void sum(const struct block_table *table, struct block *block, const uint8_t *code,
                uint32_t limit) {
    uint32_t at = block->start;

    block->flow = COST_NEXT;
    while (at + 2u <= limit && block->flow == COST_NEXT) {
        const uint8_t *here = code + (at - block->start);
        const uint16_t first = halfword(here);
        const uint32_t length = cost_bytes(first);

        if (at + length > limit) {
            break;
        }
        const struct cost cost =
            cost_of(&table->model, at, first, length == 4u ? halfword(here + 2) : 0);
        block->cost[CYCLES] += cost.cycles;
        block->cost[INSTRUCTIONS] += 1;
        block->taken = cost.taken;
        block->target = cost.target;
        block->flow = cost.flow;
        if ((cost.flags & (COST_UNKNOWN | COST_UNDECIDED)) != 0) {
            block->flags |= BLOCK_UNKNOWN;
        }
        at += length;
    }
    block->end = at;
}

/* Every aligned word of code costs the wait states of its memory. The first may have been fetched
 * with the block before; the tracker knows. */
static void add_fetches(const struct block_table *table, struct block *block) {
    const struct counter_memory *memory = block_memory(table, block->start);

    if (memory != NULL && block->end > block->start) {
        const uint32_t words = (block->end - 1u) / 4u - block->start / 4u + 1u;
        block->cost[CYCLES] += (uint64_t)words * memory->fetch_wait;
        block->fetch_wait = (block->start & 2u) != 0 ? memory->fetch_wait : 0;
    }
}

struct block *block_at(struct block_table *table, uint32_t address, const uint8_t *code,
                       uint32_t bytes) {
    uint64_t digest = 0xCBF29CE484222325u; /* FNV-1a */

    for (uint32_t i = 0; i < bytes; i++) {
        digest = (digest ^ code[i]) * 0x100000001B3u;
    }
    digest ^= bytes;
    struct block **bucket = &table->buckets[(address / 2u) % BUCKETS];
    for (struct block *known = *bucket; known != NULL; known = known->next) {
        if (known->start == address && known->digest == digest) {
            return known;
        }
    }
    struct block *block = aligned_alloc(64, (sizeof *block + 63u) / 64u * 64u);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct block){.start = address, .digest = digest, .next = *bucket};
    uint32_t limit;
    block->function = function_at(table, address, &limit);
    sum(table, block, code, limit - address < bytes ? limit : address + bytes);
    if (block->end == address) { /* an instruction across two functions: nobody's */
        block->flags |= BLOCK_UNKNOWN;
        block->end = address + cost_bytes(halfword(code));
    }
    add_fetches(table, block);
    mark_handler(table, block);
    if (table->functions[block->function].entry == address && block->function != COUNTER_NOWHERE) {
        block->flags |= BLOCK_ENTRY;
    }
    *bucket = block;
    return block;
}
