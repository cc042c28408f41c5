#include "frame.h"

/* CRC-32 of zlib, four bits at a time: each byte of the link passes here, and the runtime's own,
 * bit by bit, would take longer for a step's bytes than some networks for the step. */
static uint32_t crc32(uint32_t crc, const uint8_t *data, uint32_t count) {
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };

    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= data[i];
        crc = crc >> 4 ^ table[crc & 15u];
        crc = crc >> 4 ^ table[crc & 15u];
    }
    return ~crc;
}

static void start_content(struct frame_decoder *decoder) {
    decoder->length = 0;
    decoder->left = 0;
    decoder->code = 0;
    decoder->overlong = 0;
    decoder->finished = 0;
}

void frame_decoder_init(struct frame_decoder *decoder, void *buffer, uint32_t capacity) {
    decoder->data = buffer;
    decoder->capacity = capacity;
    start_content(decoder);
}

static void store(struct frame_decoder *decoder, uint8_t byte) {
    if (decoder->length < decoder->capacity) {
        decoder->data[decoder->length++] = byte;
    } else {
        decoder->overlong = 1;
    }
}

static enum frame_event finish(struct frame_decoder *decoder) {
    if (decoder->code == 0) {
        return FRAME_NONE;
    }
    decoder->finished = 1;
    /* The CRC of nothing is zero, so four zero bytes would pass for a frame: there must be some
     * content. */
    if (decoder->left != 0 || decoder->overlong || decoder->length <= FRAME_CRC_BYTES) {
        return FRAME_DAMAGED;
    }
    decoder->length -= FRAME_CRC_BYTES;
    const uint8_t *tail = &decoder->data[decoder->length];
    const uint32_t sent = (uint32_t)tail[0] | (uint32_t)tail[1] << 8 | (uint32_t)tail[2] << 16 |
                          (uint32_t)tail[3] << 24;
    return crc32(0, decoder->data, decoder->length) == sent ? FRAME_READY : FRAME_DAMAGED;
}

enum frame_event frame_decode(struct frame_decoder *decoder, uint8_t byte) {
    if (decoder->finished) {
        start_content(decoder);
    }
    if (byte == 0) {
        return finish(decoder);
    }
    if (decoder->left != 0) {
        decoder->left--;
        store(decoder, byte);
        return FRAME_NONE;
    }
    /* A code byte. The block before it ended in a zero, unless it was a full one. */
    if (decoder->code != 0 && decoder->code != 0xFFu) {
        store(decoder, 0);
    }
    decoder->code = byte;
    decoder->left = (uint8_t)(byte - 1u);
    return FRAME_NONE;
}

static void flush_block(struct frame_encoder *encoder) {
    encoder->block[0] = encoder->used;
    encoder->full = encoder->used == 0xFFu;
    encoder->write(encoder->block, encoder->used); /* calls: port_write */
    encoder->used = 1;
}

static void put_raw(struct frame_encoder *encoder, const uint8_t *data, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (data[i] == 0) {
            flush_block(encoder);
            encoder->full =
                0; /* this zero is implied by the block's end, or needs the next block's */
            continue;
        }
        encoder->block[encoder->used++] = data[i];
        if (encoder->used == 0xFFu) {
            flush_block(encoder);
        }
    }
}

void frame_begin(struct frame_encoder *encoder, frame_write write) {
    encoder->write = write;
    encoder->crc = 0;
    encoder->used = 1;
    encoder->full = 0;
}

void frame_put(struct frame_encoder *encoder, const void *data, uint32_t count) {
    encoder->crc = crc32(encoder->crc, data, count);
    put_raw(encoder, data, count);
}

void frame_end(struct frame_encoder *encoder) {
    static const uint8_t delimiter = 0;
    const uint32_t crc = encoder->crc;
    const uint8_t tail[FRAME_CRC_BYTES] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                                           (uint8_t)(crc >> 24)};
    put_raw(encoder, tail, sizeof tail);
    if (!(encoder->full && encoder->used == 1)) {
        flush_block(encoder);
    }
    encoder->write(&delimiter, 1); /* calls: port_write */
}
