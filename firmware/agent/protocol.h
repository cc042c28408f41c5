/*
 * The link protocol's numbers (docs/protocol.md). hil/frame.py holds the same lists;
 * tests/unit/test_protocol.py compares the two, so names and messages live on the host alone.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_VERSION 1u

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
    PROTOCOL_NOTICE = 0,      /* agent only: what was just received was no frame */
    PROTOCOL_SYNC = 1,        /* start an epoch */
    PROTOCOL_IDENTIFY = 2,    /* who and what this is */
    PROTOCOL_ECHO = 3,        /* the payload back */
    PROTOCOL_IMAGE_WRITE = 4, /* u32 offset, bytes into the RAM arena */
    PROTOCOL_IMAGE_OPEN = 5,  /* u32 source, u32 length, u32 CRC-32 of the whole image */
    PROTOCOL_STATE_SET = 6,   /* i32 for each neuron */
    PROTOCOL_STATE_GET = 7,   /* i32 for each neuron */
    PROTOCOL_STATE_RESET = 8, /* every state to zero */
    PROTOCOL_STEP = 9, /* u16 steps, u8 flags, u8 0, then for each step u32 elapsed, i32 inputs */
    PROTOCOL_FAULT =
        0x7F, /* agent only: the core stopped in a fault; u32 r0 r1 r2 r3 r12 lr pc xpsr */
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
};

/* The last byte of every reply. Unless it is OK, the four bytes before it are a detail. */
enum protocol_status {
    PROTOCOL_OK = 0,
    PROTOCOL_BAD_FRAME = 1,  /* no frame; detail: the seq now expected */
    PROTOCOL_NOT_SYNCED = 2, /* no SYNC since boot */
    PROTOCOL_BAD_EPOCH = 3,  /* an epoch that is not the present one; detail: the present one */
    PROTOCOL_BAD_SEQ = 4,    /* detail: the seq now expected */
    PROTOCOL_UNKNOWN_COMMAND = 5, /* detail: the command */
    PROTOCOL_BAD_LENGTH = 6,      /* payload of a wrong length; detail: its length */
    PROTOCOL_BAD_ARGUMENT = 7,    /* a field outside its range; detail: its value */
    PROTOCOL_IMAGE_RANGE = 8,     /* image beyond the arena or slot; detail: bytes there are */
    PROTOCOL_IMAGE_CRC = 9,       /* image differs from the one asked for; detail: its CRC-32 */
    PROTOCOL_IMAGE_REJECTED = 10, /* ltc_open() refused; detail: enum ltc_error, negated */
    PROTOCOL_NO_ROOM =
        11, /* image and working memory do not fit together; detail: bytes there are */
    PROTOCOL_NO_NETWORK = 12,     /* no image is open */
    PROTOCOL_STATE_REJECTED = 13, /* ltc_set_state() refused; detail: enum ltc_error, negated */
    PROTOCOL_STEP_REJECTED =
        14,                /* ltc_step() refused; detail: step << 8 | enum ltc_error, negated */
    PROTOCOL_FAULTED = 15, /* with FAULT only; detail: the exception's number */
};

#endif
