/*
 * Blocks: straight runs of instructions within one function, with their cost settled once.
 *
 * Only what a branch at the end costs when it is taken is left open; the tracker adds it when it
 * sees where execution goes on.
 */
#ifndef BLOCK_H
#define BLOCK_H

#include <stdint.h>

#include "cost.h"
#include "counter_file.h"

/* Cycles and instructions, added in one operation. */
typedef uint64_t block_pair __attribute__((vector_size(16)));
#define CYCLES       0
#define INSTRUCTIONS 1

enum block_flag {
    BLOCK_ENTRY = 1,   /* starts where its function does */
    BLOCK_UNKNOWN = 2, /* holds an instruction without a cost, or a branch that cannot be seen */
    BLOCK_HANDLER = 4, /* starts where an exception's vector points */
};

#define BLOCK_EDGES 2

struct block {
    /* Blocks that execution came from, and what it costs to come from them to the end of this. */
    const struct block *from[BLOCK_EDGES];
    block_pair step[BLOCK_EDGES];

    block_pair cost; /* without `taken` */
    uint32_t start;
    uint32_t end;
    uint32_t target; /* of a direct branch at its end */
    uint32_t function;
    uint32_t taken;      /* what a conditional branch at its end adds when it is taken */
    uint32_t fetch_wait; /* cycles of its first word, where it may be in the core already */
    uint32_t exception;  /* number, with BLOCK_HANDLER */
    uint8_t flow;        /* of its last instruction, enum cost_flow */
    uint8_t flags;
    uint8_t next_edge;

    uint64_t digest; /* of its code */
    struct block *next;
};

/* All blocks, found by place and content: a retranslation finds the same one. */
struct block_table {
    struct cost_model model;
    const struct counter_range *ranges;
    uint32_t range_count;
    const struct counter_function *functions;
    const struct counter_handler *handlers;
    uint32_t handler_count;
    const struct counter_memory *memories;
    uint32_t memory_count;
    struct block **buckets;
};

/* Set up from a counter's file. Returns false without memory. */
bool block_table_open(struct block_table *table, const struct counter_header *file);

/* Free all blocks. */
void block_table_close(struct block_table *table);

/*
 * The block that starts at `address`, where `bytes` of code are known from there on. It ends with
 * them, where its function does, or after the first instruction that does not lead to the next.
 * NULL without memory. Blocks live until the table is closed.
 */
struct block *block_at(struct block_table *table, uint32_t address, const uint8_t *code,
                       uint32_t bytes);

/* The memory that an address lies in, or NULL for one without anything special. */
const struct counter_memory *block_memory(const struct block_table *table, uint32_t address);

#endif
