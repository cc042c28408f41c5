/*
 * firmware/checkpoint with a store in RAM that may lose its power at any word. Requests and answers
 * are words: see tests/firmware/checkpoint_driver.py.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "checkpoint.h"

#define STORE_WORDS 512u
#define NEURONS     255u
#define CUT         99

enum request { OPEN = 1, LOAD = 2, SAVE = 3, PEEK = 4, POKE = 5 };

static uint32_t memory[STORE_WORDS];
static uint32_t changed, cut_at, torn,
    stuck; /* words; which one is the last, and what it becomes */
static jmp_buf power_cut;
static int32_t states[NEURONS];

/* The runtime, as far as checkpoints go. */
int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        state[i] = states[i];
    }
    return count == net->neurons ? LTC_OK : LTC_ERR_COUNT;
}

int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (state[i] < -LTC_FULL_SCALE || state[i] >= LTC_FULL_SCALE) {
            return LTC_ERR_STATE;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        states[i] = state[i];
    }
    return count == net->neurons ? LTC_OK : LTC_ERR_COUNT;
}

static void read_words(uint32_t offset, uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        words[i] = memory[offset / 4u + i];
    }
}

static uint32_t write_words(uint32_t offset, const uint32_t *words, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *word = &memory[offset / 4u + i];
        if (*word == words[i]) {
            continue;
        }
        if (changed++ == cut_at) {
            *word = torn;
            longjmp(power_cut, 1);
        }
        if (offset / 4u + i == stuck) {
            return i;
        }
        *word = words[i];
    }
    return count;
}

static void take(void *data, uint32_t words) {
    if (fread(data, 4, words, stdin) != words) {
        exit(0);
    }
}

static void give(const void *data, uint32_t words) {
    if (fwrite(data, 4, words, stdout) != words) {
        exit(1);
    }
}

/* RAM of exactly the size that is said, for the sanitizer. */
static uint32_t *words;

static int open_it(struct checkpoint *checkpoint, struct checkpoint_store *store, struct ltc *net) {
    uint32_t how[5]; /* network, neurons, first byte, bytes, words of memory */
    take(how, 5);
    *net = (struct ltc){.neurons = (uint16_t)how[1]};
    *store = (struct checkpoint_store){read_words, write_words, how[2], how[3]};
    free(words);
    words = malloc(4u * how[4] + 1u);
    return checkpoint_open(checkpoint, store, net, how[0], words, how[4]);
}

static int save(struct checkpoint *checkpoint, const struct ltc *net) {
    uint32_t how[4]; /* steps, words until the cut, what is left there, a word that takes nothing */
    take(how, 4);
    take(states, net->neurons);
    changed = 0;
    cut_at = how[1];
    torn = how[2];
    stuck = how[3];
    if (setjmp(power_cut) != 0) {
        return CUT;
    }
    return checkpoint_save(checkpoint, net, how[0]);
}

int main(void) {
    static struct checkpoint checkpoint;
    static struct checkpoint_store store;
    static struct ltc net;
    for (;;) {
        uint32_t request, word[2];
        int32_t answer = 0;
        take(&request, 1);
        if (request == OPEN) {
            answer = open_it(&checkpoint, &store, &net);
            give(&answer, 1);
        } else if (request == LOAD) {
            uint32_t steps = 0;
            answer = checkpoint_load(&checkpoint, &net, &steps);
            give(&answer, 1);
            give(&steps, 1);
            give(states, net.neurons);
        } else if (request == SAVE) {
            answer = save(&checkpoint, &net);
            give(&answer, 1);
            give(&changed, 1);
        } else if (request == PEEK) {
            give(memory, STORE_WORDS);
        } else if (request == POKE) {
            take(word, 2);
            memory[word[0]] = word[1];
        }
        fflush(stdout);
    }
}
