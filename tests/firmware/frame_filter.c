/*
 * Decodes frames from stdin and says on stdout what it saw, for comparison with
 * hil/frame.py: 'D' for something damaged; 'R', u32 length, content, u32
 * length, the content encoded again for a frame.
 */
#include <stdio.h>

#include "frame.h"

static uint8_t encoded[1 << 17];
static uint32_t encoded_bytes;

static void collect(const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        encoded[encoded_bytes++] = data[i];
    }
}

static void put(const uint8_t *data, uint32_t count) {
    fwrite(&count, sizeof count, 1, stdout);
    fwrite(data, 1, count, stdout);
}

int main(void) {
    static uint8_t buffer[1 << 16];
    struct frame_decoder decoder;
    int byte;
    frame_decoder_init(&decoder, buffer, sizeof buffer);
    while ((byte = getchar()) != EOF) {
        struct frame_encoder encoder;
        switch (frame_decode(&decoder, (uint8_t)byte)) {
        case FRAME_READY:
            putchar('R');
            put(decoder.data, decoder.length);
            encoded_bytes = 0;
            frame_begin(&encoder, collect);
            frame_put(&encoder, decoder.data, decoder.length);
            frame_end(&encoder);
            put(encoded, encoded_bytes);
            break;
        case FRAME_DAMAGED:
            putchar('D');
            break;
        case FRAME_NONE:
            break;
        }
    }
    return 0;
}
