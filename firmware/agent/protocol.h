/*
 * The link protocol's numbers (docs/protocol.md). hil/frame.py holds the same lists;
 * tests/unit/test_frame.py compares the two, so names and messages live on the host alone.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_VERSION 6u

/* Longest payload of a request: one step of a network with 255 inputs. */
#define PROTOCOL_PAYLOAD_BYTES 1028u

#define PROTOCOL_REPLY 0x80u /* set in the command of everything the agent sends */

/* Every frame starts with this; all numbers are little-endian. */
struct protocol_header {
    uint32_t epoch;   /* chosen by the host's SYNC; 0 = none since boot */
    uint16_t seq;     /* 0 for SYNC, then 1, 2, 3, ... */
    uint8_t command;  /* enum protocol_command */
    uint8_t reserved; /* 0 */
};

enum protocol_command {
    PROTOCOL_NOTICE = 0,       /* agent only: what was just received was no frame */
    PROTOCOL_SYNC = 1,         /* start an epoch */
    PROTOCOL_IDENTIFY = 2,     /* who and what this is */
    PROTOCOL_ECHO = 3,         /* the payload back */
    PROTOCOL_IMAGE_WRITE = 4,  /* u32 offset, bytes: into the RAM arena */
    PROTOCOL_IMAGE_OPEN = 5,   /* u32 source, length, CRC-32 of the whole image */
    PROTOCOL_STATE_SET = 6,    /* i32 for each neuron */
    PROTOCOL_STATE_GET = 7,    /* i32 for each neuron */
    PROTOCOL_STATE_RESET = 8,  /* every state to zero */
    PROTOCOL_STEP = 9,         /* u16 steps, u8 flags, u8 0; for each u32 elapsed, i32 inputs */
    PROTOCOL_STORE_READ = 10,  /* u32 offset, bytes: of what keeps its content without power */
    PROTOCOL_STORE_WRITE = 11, /* u32 offset, then words: into it */
    PROTOCOL_STOP = 12,        /* u32 milliseconds, 0 for no end: until then, or a byte comes */
    PROTOCOL_WATCH = 13,       /* u32 period in ms, offset; u16 sequences, steps; rule: watch.c */
    PROTOCOL_REPORTS = 14, /* u32 number of the last that the host has; u32 1: those behind again */
    PROTOCOL_REPORT = 126, /* agent only: u32 number, sequence | step << 16, values */
    PROTOCOL_FAULT = 127,  /* agent only: the core stopped; u32 r0-r3 r12 lr pc xpsr */
};

/* What of the board itself does not work, in IDENTIFY. */
enum protocol_defect {
    PROTOCOL_DEFECT_NONE = 0,
    PROTOCOL_DEFECT_CRYSTAL = 1, /* the crystal oscillator does not start */
    PROTOCOL_DEFECT_CLOCK = 2, /* the core's clock is not what it should be: an oscillator or PLL */
};

enum protocol_source {
    PROTOCOL_SOURCE_RAM = 0,   /* what IMAGE_WRITE put into the arena */
    PROTOCOL_SOURCE_FLASH = 1, /* the image slot */
};

/* What a STEP's reply holds for each step, in this order. */
enum protocol_step_flag {
    PROTOCOL_STEP_STATES = 1,     /* every neuron's state after each step */
    PROTOCOL_STEP_LAST_STATE = 2, /* only after the last step */
    PROTOCOL_STEP_OUTPUTS = 4,    /* the outputs of each step */
    PROTOCOL_STEP_CYCLES = 8,     /* u32: what the core's own counter says of ltc_step() */
    PROTOCOL_STEP_BATCH = 16,     /* the marker stays high; then the last step alone is told of */
};

/* How a WATCH reports. */
enum protocol_watch_flag {
    PROTOCOL_WATCH_SAMPLES = 1, /* each sample, without a step */
};

/*
 * The last byte of every reply. Unless it is OK, the four bytes before it are a detail; a refusal
 * of the LTC runtime is given as its enum ltc_error, negated.
 */
enum protocol_status {
    PROTOCOL_OK = 0,
    PROTOCOL_BAD_FRAME = 1,       /* no frame; detail: the seq now expected */
    PROTOCOL_NOT_SYNCED = 2,      /* no SYNC since boot */
    PROTOCOL_BAD_EPOCH = 3,       /* not the present epoch; detail: the present one */
    PROTOCOL_BAD_SEQ = 4,         /* detail: the seq now expected */
    PROTOCOL_UNKNOWN_COMMAND = 5, /* detail: the command */
    PROTOCOL_BAD_LENGTH = 6,      /* detail: the payload's length */
    PROTOCOL_BAD_ARGUMENT = 7,    /* a field outside its range; detail: its value */
    PROTOCOL_IMAGE_RANGE = 8,     /* beyond the arena or slot; detail: bytes there are */
    PROTOCOL_IMAGE_CRC = 9,       /* not the image asked for; detail: the CRC-32 that is there */
    PROTOCOL_IMAGE_REJECTED = 10, /* by ltc_open(); detail: its error */
    PROTOCOL_NO_ROOM = 11,        /* for image and working memory; detail: bytes there are */
    PROTOCOL_NO_NETWORK = 12,     /* no image is open */
    PROTOCOL_STATE_REJECTED = 13, /* by ltc_set_state(); detail: its error */
    PROTOCOL_STEP_REJECTED = 14,  /* by ltc_step(); detail: step in the batch << 8 | its error */
    PROTOCOL_FAULTED = 15,        /* with FAULT only; detail: the exception's number */
    PROTOCOL_STORE_RANGE = 16,    /* beyond the store; detail: bytes there are */
    PROTOCOL_STORE_FAILED = 17,   /* detail: offset of the first word that is not as written */
    PROTOCOL_STOP_RANGE = 18,     /* detail: longest in milliseconds, 0 if nothing would end it */
    PROTOCOL_TICK_RANGE = 19,     /* detail: longest period in milliseconds, 0 without a timer */
    PROTOCOL_NO_WATCH = 20,       /* none has begun since the network was opened */
    PROTOCOL_WATCH_RANGE = 21,    /* the recordings go beyond the slot; detail: bytes it has */
    PROTOCOL_WATCH_ROOM = 22,     /* too little RAM is left for reports; detail: for how many */
};

#endif
