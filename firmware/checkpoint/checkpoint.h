/*
 * The states of a network in memory that keeps its content without power, so that a program goes on
 * where the power went, bit for bit. Copy this folder and firmware/ltc into a project and:
 *
 *     static const struct checkpoint_store store = {my_read, my_write, 0, 1024};
 *     static uint32_t words[CHECKPOINT_WORDS(14)];
 *     struct checkpoint last;
 *     uint32_t steps = 0;
 *     if (checkpoint_open(&last, &store, &net, image_crc, words, sizeof words / 4u) != 0) { ... }
 *     checkpoint_load(&last, &net, &steps);
 *     for (;;) { ltc_step(...); steps++; checkpoint_save(&last, &net, steps); }
 *
 * There are two slots, one behind the other, written in turn:
 *
 *     the state of each neuron | number of steps | CRC-32 of the network, the states and the number
 *
 * The number of steps is what says which of two whole slots is newer. The CRC-32, over all that is
 * in front of it and written last, is what says that a slot is whole: a write that the power ended
 * leaves one that is not, and the other slot as it was. One word that is wrong is always noticed, a
 * slot with several of both contents is taken for whole once in 2^32. Checkpoints of another
 * network are none.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <stdint.h>

#include "ltc.h"

/* Words of a slot, and of the caller's memory that is worked in. The store needs two slots. */
#define CHECKPOINT_WORDS(neurons) ((neurons) + 2u)
#define CHECKPOINT_SLOTS          2u

enum checkpoint_error {
    CHECKPOINT_OK = 0,
    CHECKPOINT_NONE = 1,       /* no slot holds a checkpoint of this network: nothing was changed */
    CHECKPOINT_ERR_ROOM = -1,  /* the store has no room for two slots, or the memory none for one */
    CHECKPOINT_ERR_ORDER = -2, /* the number of steps is not above that of the last checkpoint */
    CHECKPOINT_ERR_WRITE =
        -3, /* the store did not take a word: the last checkpoint is still there */
    CHECKPOINT_ERR_STATE = -4, /* a whole checkpoint whose states the runtime refuses */
};

/*
 * The memory, as firmware/port/port.h has it. Offsets in bytes, a multiple of 4. `write` writes
 * word after word, ascending, leaves those alone that are as they should be (each write wears the
 * memory out), and returns how many are right, beginning with the first. If the power goes, the
 * word at work may be anything, those before it are new, those behind it old.
 */
struct checkpoint_store {
    void (*read)(uint32_t offset, uint32_t *words, uint32_t count);
    uint32_t (*write)(uint32_t offset, const uint32_t *words, uint32_t count);
    uint32_t offset; /* where the first slot begins */
    uint32_t bytes;  /* from there on */
};

/* Public to be placed anywhere; private. */
struct checkpoint {
    const struct checkpoint_store *store;
    uint32_t *words;   /* the caller's: one slot's content */
    uint32_t count;    /* of them */
    uint32_t network;  /* CRC-32 of the image */
    uint32_t slot;     /* that is written next */
    uint32_t steps;    /* of the last checkpoint */
    uint32_t is_there; /* whether there is one */
};

/*
 * Bind a store, look for the last checkpoint of a network, and decide which slot is written next.
 * `network` is what tells one network from another: the CRC-32 of its image, or whatever changes
 * with it. `words`, at least CHECKPOINT_WORDS(net->neurons), stays in use. CHECKPOINT_OK or
 * CHECKPOINT_ERR_ROOM.
 */
int checkpoint_open(struct checkpoint *checkpoint, const struct checkpoint_store *store,
                    const struct ltc *net, uint32_t network, uint32_t *words, uint32_t word_count);

/* Set the network's states to those of the last checkpoint, and `steps` to its number;
 * CHECKPOINT_OK, CHECKPOINT_NONE or CHECKPOINT_ERR_STATE. */
int checkpoint_load(struct checkpoint *checkpoint, struct ltc *net, uint32_t *steps);

/* Write the network's states, after so many steps: more than at the last checkpoint, by up to 2^31
 * (the number may wrap). CHECKPOINT_OK, CHECKPOINT_ERR_ORDER or CHECKPOINT_ERR_WRITE. */
int checkpoint_save(struct checkpoint *checkpoint, const struct ltc *net, uint32_t steps);

#endif
