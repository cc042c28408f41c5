/*
 * Runs networks for the tests: reads cases from standard input, writes results
 * to standard output, until end of input. A case: u32 image bytes, sequences,
 * steps, inputs, neurons, outputs, then the image, state0[neurons], and
 * sequences * steps times { elapsed, inputs[] }, all 32-bit words. A result:
 * i32 error of ltc_open; if that is 0, sequences * steps times {
 * state[neurons], outputs[]
 * }.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ltc.h"
#include "ltc_image.h"

static void take(void *to, size_t bytes) {
    if (fread(to, 1, bytes, stdin) != bytes) {
        exit(2);
    }
}

static void *allocate(size_t bytes) {
    void *memory = malloc(bytes);

    if (memory == NULL) {
        exit(3);
    }
    return memory;
}

/* A start from zero is left to ltc_open(), then to ltc_reset(), as most
 * programs leave it. */
static void begin(struct ltc *net, const int32_t *state0, uint32_t neurons, uint32_t sequence) {
    int zero = 1;

    for (uint32_t j = 0; j < neurons; j++) {
        zero &= state0[j] == 0;
    }
    if (!zero) {
        if (ltc_set_state(net, state0, neurons) != LTC_OK) {
            exit(4);
        }
    } else if (sequence > 0) {
        ltc_reset(net);
    }
}

static void run(struct ltc *net, const uint32_t *size, const int32_t *state0) {
    uint32_t words = 1 + size[3];
    int32_t *step = allocate(words * sizeof *step);
    int32_t *result = allocate((size[4] + size[5]) * sizeof *result);

    for (uint32_t s = 0; s < size[1]; s++) {
        begin(net, state0, size[4], s);
        for (uint32_t t = 0; t < size[2]; t++) {
            take(step, words * sizeof *step);
            int error = ltc_step(net, step + 1, (uint32_t)step[0], result + size[4]);

            if ((error != LTC_OK && error != LTC_ERR_STIFF) ||
                ltc_get_state(net, result, size[4]) != LTC_OK) {
                exit(5);
            }
            for (uint32_t k = 0; error == LTC_ERR_STIFF && k < size[4] + size[5]; k++) {
                result[k] = INT32_MIN; /* which no state can be */
            }
            fwrite(result, sizeof *result, size[4] + size[5], stdout);
        }
    }
    free(step);
    free(result);
}

int main(void) {
    uint32_t size[6];

    while (fread(size, 1, sizeof size, stdin) == sizeof size) {
        struct ltc net;
        void *image = allocate(size[0]); /* to the byte, so that the sanitizer sees
                                            one read too many */
        int32_t *state0 = allocate(size[4] * sizeof *state0);
        uint32_t channels = 0;
        uint8_t solver = LTC_FUSED;
        uint32_t bytes;
        void *memory;
        int32_t error;

        take(image, size[0]);
        take(state0, size[4] * sizeof *state0);
        if (size[0] >= sizeof(struct ltc_header)) {
            channels = ((const struct ltc_header *)image)->channels;
            solver = ((const struct ltc_header *)image)->solver;
        }
        bytes = solver == LTC_CFC ? LTC_CFC_MEMORY_BYTES(size[4], channels)
                                  : LTC_MEMORY_BYTES(size[4], channels);
        if (solver == LTC_RK4 || solver == LTC_ADAPTIVE || solver == LTC_EXPONENTIAL) {
            bytes = LTC_STAGED_MEMORY_BYTES(size[4], channels);
        }
        memory = allocate(bytes);
        memset(memory, 0xA5, bytes); /* RAM after power on holds anything */
        error = ltc_open(&net, image, size[0], memory, bytes);
        fwrite(&error, sizeof error, 1, stdout);
        if (error == LTC_OK) {
            run(&net, size, state0);
        }
        fflush(stdout);
        free(image);
        free(memory);
        free(state0);
    }
    return 0;
}
