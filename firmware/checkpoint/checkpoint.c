#include "checkpoint.h"

#include <stdbool.h>

static uint32_t crc_of(const struct checkpoint *checkpoint) {
    const uint32_t crc = ltc_crc32(0, &checkpoint->network, sizeof checkpoint->network);
    return ltc_crc32(crc, checkpoint->words, 4u * (checkpoint->count - 1u));
}

static uint32_t place(const struct checkpoint *checkpoint, uint32_t slot) {
    return checkpoint->store->offset + 4u * checkpoint->count * slot;
}

/* Read a slot once, so that what was checked is what is used; whether it is whole. */
static bool read_slot(const struct checkpoint *checkpoint, uint32_t slot) {
    const uint32_t at = place(checkpoint, slot);
    const uint32_t count = checkpoint->count;
    checkpoint->store->read(at, checkpoint->words, count); /* calls: port_store_read */
    return checkpoint->words[count - 1u] == crc_of(checkpoint);
}

static bool write_slot(const struct checkpoint *checkpoint, uint32_t slot) {
    const uint32_t at = place(checkpoint, slot);
    const uint32_t count = checkpoint->count;
    const uint32_t *words = checkpoint->words;
    const uint32_t done = checkpoint->store->write(at, words, count); /* calls: port_store_write */
    return done == count;
}

/* The number of steps wraps. */
static bool is_newer(uint32_t steps, uint32_t than) {
    return steps != than && steps - than < 0x80000000u;
}

int checkpoint_open(struct checkpoint *checkpoint, const struct checkpoint_store *store,
                    const struct ltc *net, uint32_t network, uint32_t *words, uint32_t word_count) {
    const uint32_t count = CHECKPOINT_WORDS(net->neurons);
    if (word_count < count || store->bytes / 4u / CHECKPOINT_SLOTS < count) {
        return CHECKPOINT_ERR_ROOM;
    }
    *checkpoint =
        (struct checkpoint){.store = store, .words = words, .count = count, .network = network};
    for (uint32_t slot = 0; slot < CHECKPOINT_SLOTS; slot++) {
        if (!read_slot(checkpoint, slot)) {
            continue;
        }
        const uint32_t steps = words[count - 2u];
        if (checkpoint->is_there == 0 || is_newer(steps, checkpoint->steps)) {
            checkpoint->is_there = 1;
            checkpoint->steps = steps;
            checkpoint->slot = slot ^ 1u;
        }
    }
    return CHECKPOINT_OK;
}

int checkpoint_load(struct checkpoint *checkpoint, struct ltc *net, uint32_t *steps) {
    if (checkpoint->is_there == 0 || !read_slot(checkpoint, checkpoint->slot ^ 1u)) {
        return CHECKPOINT_NONE;
    }
    if (ltc_set_state(net, (const int32_t *)(const void *)checkpoint->words, net->neurons) !=
        LTC_OK) {
        return CHECKPOINT_ERR_STATE;
    }
    *steps = checkpoint->words[checkpoint->count - 2u];
    return CHECKPOINT_OK;
}

int checkpoint_save(struct checkpoint *checkpoint, const struct ltc *net, uint32_t steps) {
    if (checkpoint->is_there != 0 && !is_newer(steps, checkpoint->steps)) {
        return CHECKPOINT_ERR_ORDER;
    }
    /* The count is the network's own, which is the one thing it could object to. */
    (void)ltc_get_state(net, (int32_t *)(void *)checkpoint->words, net->neurons);
    checkpoint->words[checkpoint->count - 2u] = steps;
    checkpoint->words[checkpoint->count - 1u] = crc_of(checkpoint);
    if (!write_slot(checkpoint, checkpoint->slot)) {
        return CHECKPOINT_ERR_WRITE;
    }
    checkpoint->is_there = 1;
    checkpoint->steps = steps;
    checkpoint->slot ^= 1u;
    return CHECKPOINT_OK;
}
