/*
 * The memory that a counter shares with whoever reads it: first what to count, then the counts.
 * hil/cycles/counter_file.py writes and reads the same layout.
 *
 *     header | ranges | functions | handlers | memories | nodes of call paths | ring of calls
 */
#ifndef COUNTER_FILE_H
#define COUNTER_FILE_H

#include <stdint.h>

#define COUNTER_MAGIC    0x43594331u /* "1CYC" */
#define COUNTER_VERSION  2u
#define COUNTER_NOWHERE  0u /* function 0: all code that belongs to no symbol */
#define COUNTER_MEASURED 1u /* flag of a function whose every call goes to the ring */

/* Why a count is not to be trusted; in the header as numbers of times, in a call as flags. */
enum counter_trouble {
    COUNTER_UNKNOWN, /* an instruction without a known cost was executed */
    COUNTER_FAULT,   /* HardFault or NMI was entered: the block before it may be counted too far */
    COUNTER_LOST,    /* the flow could not be followed: a debugger moved the PC, a stack switched */
    COUNTER_TROUBLES
};

struct counter_header {
    uint32_t magic;
    uint32_t version;
    uint32_t bytes; /* of the whole file */
    /* What to count, written before the emulator starts. */
    uint32_t core;
    uint32_t multiply;
    uint32_t ranges;
    uint32_t functions;
    uint32_t handlers;
    uint32_t memories;
    uint32_t nodes; /* room for call paths, even */
    uint32_t ring;  /* a power of two */
    /* What was counted. */
    uint32_t state; /* 1 once a counter is attached, 2 if it cannot use this file */
    uint32_t idles; /* times that the core went to sleep or was halted, with all booked */
    uint32_t nodes_used;
    uint64_t cycles; /* of all instructions */
    uint64_t instructions;
    uint64_t entries; /* exceptions taken, chained ones apart */
    uint64_t chained;
    uint64_t leaves; /* returns from exceptions to what they interrupted */
    uint64_t resets;
    uint64_t trouble[COUNTER_TROUBLES];
    uint64_t calls; /* ever written to the ring */
};

/* Addresses that belong to a function. Sorted, without overlap. */
struct counter_range {
    uint32_t start;
    uint32_t end;
    uint32_t function;
    uint32_t spare;
};

struct counter_function {
    uint32_t entry;
    uint32_t flags;
    uint64_t calls;
    uint64_t exclusive;    /* cycles of its own instructions */
    uint64_t inclusive;    /* and of what it called, interrupts apart, over calls that have ended */
    uint64_t open;         /* the same over calls that have not, when the core last went idle */
    uint64_t instructions; /* its own */
};

struct counter_handler {
    uint32_t address;
    uint32_t exception; /* its number: 1 reset, 2 NMI, 3 HardFault, 11 SVCall, 16 first interrupt */
};

struct counter_memory {
    uint32_t origin;
    uint32_t bytes;
    uint32_t fetch_wait;
    uint32_t data_wait;
    uint32_t port; /* whether it is the single-cycle I/O port */
};

/* A function as it was called by one path of calls. A call within a call is a node of its own. */
struct counter_node {
    uint32_t function;
    uint32_t parent; /* lower than its own number; 0, the root, where nothing called it */
    uint64_t calls;
    uint64_t exclusive; /* cycles of its own instructions on this path */
};

struct counter_call {
    uint32_t function;
    uint32_t trouble; /* bits by enum counter_trouble */
    uint64_t cycles;
    uint64_t instructions;
    uint64_t exceptions; /* that interrupted it; their cycles are not in it */
};

#endif
