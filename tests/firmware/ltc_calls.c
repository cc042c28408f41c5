/* Every refusal of the runtime's functions, at its limits. Usage: ltc_calls
 * IMAGE; prints the line of the first call that answers otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ltc.h"
#include "ltc_image.h"

#define EXPECT(result, call)                                                                       \
    do {                                                                                           \
        int got = (call);                                                                          \
        if (got != (result)) {                                                                     \
            fprintf(stderr, "line %d: %d, not %d\n", __LINE__, got, (int)(result));                \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define IMAGE_LIMIT 4096u

static _Alignas(8) uint8_t file[IMAGE_LIMIT];
static _Alignas(8) uint8_t moved[IMAGE_LIMIT + 8u];
static _Alignas(8) uint8_t memory[IMAGE_LIMIT];
static LTC_MEMORY(exact, 2, 2);

static void check_open(uint32_t bytes, uint32_t room) {
    struct ltc net;
    const uint32_t header = sizeof(struct ltc_header);

    for (uint32_t by = 1; by < 4; by++) {
        memcpy(moved + by, file, bytes);
        EXPECT(LTC_ERR_ALIGN, ltc_open(&net, moved + by, bytes, memory, room));
    }
    for (uint32_t by = 1; by < 4; by++) {
        EXPECT(LTC_ERR_ALIGN, ltc_open(&net, file, bytes, memory + by, room));
    }
    EXPECT(LTC_OK, ltc_open(&net, file, bytes, memory + 4, room));
    EXPECT(LTC_ERR_MEMORY, ltc_open(&net, file, bytes, memory, room - 1u));
    EXPECT(LTC_OK, ltc_open(&net, file, bytes, memory, room));
    EXPECT(LTC_OK, ltc_open(&net, file, bytes, exact, sizeof exact));
    EXPECT(LTC_ERR_SHORT, ltc_open(&net, file, 0, memory, room));
    EXPECT(LTC_ERR_SHORT, ltc_open(&net, file, header - 1u, memory, room));
    EXPECT(LTC_ERR_SHORT, ltc_open(&net, file, bytes - 1u, memory, room));
    memcpy(moved, file, bytes);
    moved[0] ^= 1u;
    EXPECT(LTC_ERR_MAGIC, ltc_open(&net, moved, header, memory, room));
    memcpy(moved, file, bytes);
    moved[4] ^= 1u;
    EXPECT(LTC_ERR_VERSION, ltc_open(&net, moved, bytes, memory, room));
    memcpy(moved, file, bytes);
    moved[bytes - 1u] ^= 1u; /* a byte of padding, which nothing else looks at */
    EXPECT(LTC_ERR_CRC, ltc_open(&net, moved, bytes, memory, room));
}

/* A beginning of the image that ends where its memory does, for the sanitizer.
 */
static void check_beginning(uint32_t bytes) {
    uint8_t *beginning = malloc(bytes);
    struct ltc net;

    if (beginning == NULL) {
        exit(3);
    }
    memcpy(beginning, file, bytes);
    EXPECT(LTC_ERR_SHORT, ltc_open(&net, beginning, bytes, memory, sizeof memory));
    free(beginning);
}

static void check_step(struct ltc *net, int32_t *values) {
    EXPECT(LTC_ERR_ELAPSED, ltc_step(net, values, 0, values));
    EXPECT(LTC_ERR_ELAPSED, ltc_step(net, values, LTC_ELAPSED_MIN - 1u, values));
    EXPECT(LTC_OK, ltc_step(net, values, LTC_ELAPSED_MIN, values));
    EXPECT(LTC_OK, ltc_step(net, values, LTC_ELAPSED_MAX, values));
    EXPECT(LTC_ERR_ELAPSED, ltc_step(net, values, LTC_ELAPSED_MAX + 1u, values));
}

static void check_state(struct ltc *net, int32_t *values) {
    uint32_t neurons = net->neurons;

    EXPECT(LTC_ERR_COUNT, ltc_get_state(net, values, neurons - 1u));
    EXPECT(LTC_ERR_COUNT, ltc_get_state(net, values, neurons + 1u));
    memset(values, 0, neurons * sizeof *values);
    EXPECT(LTC_ERR_COUNT, ltc_set_state(net, values, neurons - 1u));
    EXPECT(LTC_ERR_COUNT, ltc_set_state(net, values, neurons + 1u));
    for (uint32_t j = 0; j < neurons; j++) {
        values[j] = -LTC_FULL_SCALE;
        EXPECT(LTC_OK, ltc_set_state(net, values, neurons));
        values[j] = LTC_FULL_SCALE - 1;
        EXPECT(LTC_OK, ltc_set_state(net, values, neurons));
        values[j] = LTC_FULL_SCALE;
        EXPECT(LTC_ERR_STATE, ltc_set_state(net, values, neurons));
        values[j] = -LTC_FULL_SCALE - 1;
        EXPECT(LTC_ERR_STATE, ltc_set_state(net, values, neurons));
        EXPECT(LTC_OK, ltc_get_state(net, values, neurons));
        EXPECT(LTC_FULL_SCALE - 1, values[j]); /* what is refused changes nothing */
        values[j] = 0;
    }
}

int main(int argc, char **argv) {
    FILE *stream = argc == 2 ? fopen(argv[1], "rb") : NULL;
    int32_t values[256] = {0};
    struct ltc net;
    uint32_t bytes;

    if (stream == NULL) {
        return 2;
    }
    bytes = (uint32_t)fread(file, 1, sizeof file, stream);
    fclose(stream);
    EXPECT(LTC_VERSION, (int)ltc_version());
    EXPECT(LTC_OK, ltc_open(&net, file, bytes, memory, sizeof memory));
    check_open(bytes, LTC_MEMORY_BYTES((uint32_t)net.neurons, (uint32_t)net.channels));
    check_beginning(4);
    check_beginning(sizeof(struct ltc_header) - 1u);
    EXPECT(2, net.neurons);
    EXPECT(2, net.inputs);
    EXPECT(2, net.outputs);
    EXPECT(2, net.channels);
    EXPECT(1, net.unfolds);
    check_step(&net, values);
    check_state(&net, values);
    return 0;
}
