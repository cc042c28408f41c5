/*
 * Feeds the frame decoder mutated frames, under the sanitizers, in a buffer of
 * exactly the size it was told. Usage: fuzz_frame ROUNDS SEED; prints how many
 * inputs were sound, damaged or silently skipped. A damaged frame that is taken
 * for another one, or a sound one that is not taken afterwards, ends it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

#define LONGEST 600u

static uint64_t random_state;
static uint8_t wire[4096];
static uint32_t wire_bytes;

static uint32_t draw(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void to_wire(const uint8_t *data, uint32_t count) {
    memcpy(wire + wire_bytes, data, count);
    wire_bytes += count;
}

static void encode(const uint8_t *content, uint32_t count) {
    struct frame_encoder encoder;
    const uint32_t half = count / 2;
    wire_bytes = 0;
    frame_begin(&encoder, to_wire);
    frame_put(&encoder, content, half);
    frame_put(&encoder, content + half, count - half);
    frame_end(&encoder);
}

/* Few distinct bytes, so that zeros, full COBS blocks and their neighbours are
 * common. */
static uint32_t make_content(uint8_t *content) {
    static const uint32_t lengths[] = {0, 1, 8, 249, 250, 251, 253, 254, 255, 504, 508, 509};
    const uint32_t count =
        draw(3) == 0 ? lengths[draw(sizeof lengths / sizeof *lengths)] : draw(LONGEST);
    const uint32_t zeros = draw(4);
    for (uint32_t i = 0; i < count; i++) {
        content[i] = zeros == 0 ? (uint8_t)(1 + draw(255)) : (uint8_t)draw(zeros == 1 ? 2 : 256);
    }
    return count;
}

static void mutate(void) {
    for (uint32_t n = draw(4); n > 0 && wire_bytes > 0; n--) {
        const uint32_t at = draw(wire_bytes);
        switch (draw(6)) {
        case 0:
            wire[at] ^= (uint8_t)(1u << draw(8));
            break;
        case 1:
            wire[at] = (uint8_t)draw(256);
            break;
        case 2:
            wire[at] = draw(2) ? 0 : 0xFF;
            break;
        case 3:
            wire_bytes--;
            memmove(wire + at, wire + at + 1, wire_bytes - at);
            break;
        case 4:
            memmove(wire + at + 1, wire + at, wire_bytes - at);
            wire[at] = (uint8_t)draw(256);
            wire_bytes++;
            break;
        default:
            wire_bytes = at;
        }
    }
}

static void fail(const char *what, uint32_t round) {
    fprintf(stderr, "round %u: %s\n", round, what);
    exit(EXIT_FAILURE);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        return 2;
    }
    const uint32_t rounds = (uint32_t)strtoul(argv[1], NULL, 10);
    uint32_t counts[3] = {0};
    random_state = strtoull(argv[2], NULL, 10) * 2u + 1u;
    for (uint32_t round = 0; round < rounds; round++) {
        uint8_t content[LONGEST];
        const uint32_t count = make_content(content);
        const uint32_t capacity = draw(8) == 0 ? draw(LONGEST) : LONGEST + FRAME_CRC_BYTES;
        uint8_t *buffer = malloc(capacity != 0 ? capacity : 1);
        struct frame_decoder decoder;
        if (buffer == NULL) {
            return 2;
        }
        frame_decoder_init(&decoder, buffer, capacity);
        encode(content, count);
        mutate();
        enum frame_event worst = FRAME_NONE;
        for (uint32_t i = 0; i < wire_bytes; i++) {
            const enum frame_event event = frame_decode(&decoder, wire[i]);
            if (event == FRAME_READY &&
                (decoder.length != count || memcmp(buffer, content, count) != 0)) {
                fail("a damaged frame was taken for another one", round);
            }
            worst = event > worst ? event : worst;
        }
        counts[worst]++;
        /* Whatever came before: after one zero, a sound frame is taken. */
        frame_decode(&decoder, 0);
        encode(content, count);
        enum frame_event last = FRAME_NONE;
        for (uint32_t i = 0; i < wire_bytes; i++) {
            last = frame_decode(&decoder, wire[i]);
        }
        const int fits = count > 0 && count + FRAME_CRC_BYTES <= capacity;
        if (last != (fits ? FRAME_READY : FRAME_DAMAGED)) {
            fail("a sound frame was not taken, or one that is empty or too long was", round);
        }
        free(buffer);
    }
    printf("%u %u %u\n", counts[FRAME_READY], counts[FRAME_DAMAGED], counts[FRAME_NONE]);
    return 0;
}
