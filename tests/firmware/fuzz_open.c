/*
 * Feeds ltc_open() mutated images and steps every network that it accepts,
 * under the sanitizers. Usage: fuzz_open ROUNDS SEED IMAGE...; prints how often
 * each error was returned.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ltc.h"
#include "ltc_image.h"

#define ERRORS 15

static uint64_t random_state;

static uint32_t draw(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void mutate(uint8_t *image, uint32_t bytes) {
    static const uint32_t corners[] = {0,          1,          0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
                                       0x40000000, 0xC0000000, 0xFFFF,     255,        256};

    for (uint32_t n = 1 + draw(3); n > 0; n--) {
        uint32_t at = draw(4) == 0 ? draw(32 < bytes ? 32 : bytes) : draw(bytes);

        switch (draw(4)) {
        case 0:
            image[at] ^= (uint8_t)(1u << draw(8));
            break;
        case 1:
            image[at] = (uint8_t)draw(256);
            break;
        case 2:
            image[at] = (uint8_t)(image[at] + draw(3) - 1);
            break;
        default:
            at &= ~3u;
            if (at + 4 <= bytes) {
                memcpy(image + at, &corners[draw(sizeof corners / sizeof *corners)], 4);
            }
        }
    }
}

static void fix_crc(uint8_t *image, uint32_t bytes) {
    struct ltc_header *header = (void *)image;

    if (bytes >= sizeof *header && header->total_bytes <= bytes && header->total_bytes >= 16) {
        header->crc = ltc_crc32(ltc_crc32(0, image, 12), image + 16, header->total_bytes - 16);
    }
}

static void step_all_corners(struct ltc *net) {
    static const int32_t corners[] = {INT32_MIN, INT32_MAX, LTC_FULL_SCALE, -LTC_FULL_SCALE, 0};
    static const uint32_t times[] = {LTC_ELAPSED_MIN, LTC_ELAPSED_MAX, 1u << LTC_ELAPSED_FRAC};
    int32_t *inputs = malloc(net->inputs * sizeof *inputs + 1); /* to the byte, for the sanitizer */
    int32_t state[LTC_MAX_NEURONS];
    int32_t outputs[LTC_MAX_NEURONS];

    if (inputs == NULL) {
        exit(3);
    }
    for (uint32_t j = 0; j < net->neurons; j++) {
        state[j] = draw(2) ? LTC_FULL_SCALE - 1 : -LTC_FULL_SCALE;
    }
    if (ltc_set_state(net, state, net->neurons) != LTC_OK) {
        abort();
    }
    for (uint32_t turn = 0; turn < 3; turn++) {
        for (uint32_t i = 0; i < net->inputs; i++) {
            inputs[i] = corners[draw(5)];
        }
        int error = ltc_step(net, inputs, times[turn], outputs);

        if (error != LTC_OK &&
            !(error == LTC_ERR_STIFF && (net->solver == LTC_EULER || net->solver == LTC_RK4))) {
            abort();
        }
        if (ltc_get_state(net, state, net->neurons) != LTC_OK) {
            abort();
        }
        for (uint32_t j = 0; j < net->neurons; j++) {
            if (state[j] >= LTC_FULL_SCALE || state[j] < -LTC_FULL_SCALE) {
                abort();
            }
        }
    }
    free(inputs);
}

static uint32_t needed(const struct ltc_header *header) {
    if (header->solver == LTC_CFC) {
        return LTC_CFC_MEMORY_BYTES((uint32_t)header->neurons, (uint32_t)header->channels);
    }
    if (header->solver > LTC_EULER && header->solver <= LTC_EXPONENTIAL) {
        return LTC_STAGED_MEMORY_BYTES((uint32_t)header->neurons, (uint32_t)header->channels);
    }
    return LTC_MEMORY_BYTES((uint32_t)header->neurons, (uint32_t)header->channels);
}

static uint8_t *read_file(const char *path, uint32_t *bytes) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(65536);

    if (file == NULL || data == NULL) {
        exit(2);
    }
    *bytes = (uint32_t)fread(data, 1, 65536, file);
    fclose(file);
    return data;
}

int main(int argc, char **argv) {
    uint64_t count[ERRORS] = {0};
    uint32_t rounds = argc > 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint8_t *seed[16];
    uint32_t size[16];
    uint32_t seeds = 0;

    random_state = argc > 3 ? strtoull(argv[2], NULL, 10) * 2 + 1 : 1;
    for (int i = 3; i < argc && seeds < 16; i++, seeds++) {
        seed[seeds] = read_file(argv[i], &size[seeds]);
    }
    if (seeds == 0) {
        return 2;
    }
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t which = draw(seeds);
        uint32_t bytes = draw(8) == 0 ? draw(size[which] + 1) : size[which];
        uint8_t *image = malloc(bytes + 1);
        uint8_t *memory;
        uint32_t memory_bytes;
        struct ltc net;
        int error;

        if (image == NULL) {
            return 3;
        }
        memcpy(image, seed[which], bytes);
        if (bytes > 0) {
            mutate(image, bytes);
        }
        if (draw(8) != 0) {
            fix_crc(image, bytes); /* else nothing behind the CRC would ever be reached */
        }
        image = realloc(image, bytes > 0 ? bytes : 1);
        memory_bytes = bytes >= sizeof(struct ltc_header) ? needed((void *)image) : 4u;
        memory = malloc(memory_bytes);
        if (memory == NULL) {
            return 3;
        }
        error = ltc_open(&net, image, bytes, memory, memory_bytes);
        if (error > 0 || -error >= ERRORS) {
            abort();
        }
        count[-error]++;
        if (error == LTC_OK) {
            step_all_corners(&net);
        }
        free(image);
        free(memory);
    }
    for (int i = 0; i < ERRORS; i++) {
        printf("%d %llu\n", -i, (unsigned long long)count[i]);
    }
    for (uint32_t i = 0; i < seeds; i++) {
        free(seed[i]);
    }
    return 0;
}
