/*
 * Frames on a byte stream: COBS between zero bytes, with a CRC-32 at the end (docs/protocol.md).
 *
 * Both directions are incremental and bounded. The decoder works in the caller's buffer; the
 * encoder streams, so a reply needs no buffer as long as itself. No I/O and no dependency: the
 * same code runs on the host.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stdint.h>

#define FRAME_CRC_BYTES 4u

enum frame_event {
    FRAME_NONE = 0, /* no frame ended with this byte */
    FRAME_READY, /* a whole frame: `data`, `length` (without its CRC), until the next byte is fed */
    FRAME_DAMAGED, /* something ended here that is no frame: cut, too long, or with a wrong CRC */
};

struct frame_decoder {
    uint8_t *data;
    uint32_t capacity; /* longest content, CRC included */
    uint32_t length;
    uint8_t left;     /* bytes until the next code byte */
    uint8_t code;     /* the block's code byte; 0 before the first */
    uint8_t overlong; /* content beyond the capacity was dropped */
    uint8_t finished; /* the last byte ended a frame */
};

/* Bind `capacity` bytes of `buffer`: the longest content to accept plus FRAME_CRC_BYTES. */
void frame_decoder_init(struct frame_decoder *decoder, void *buffer, uint32_t capacity);

/* Take one byte from the wire. Empty frames (zeros in a row) are silently skipped. */
enum frame_event frame_decode(struct frame_decoder *decoder, uint8_t byte);

typedef void (*frame_write)(const uint8_t *data, uint32_t count);

struct frame_encoder {
    frame_write write;
    uint32_t crc;
    uint8_t used; /* bytes of `block` in use, its code byte included */
    uint8_t full; /* the last block was a full one, after which no zero is implied */
    uint8_t block[255];
};

/* Start a frame, add something to it, end it. Nothing reaches `write` but whole COBS blocks. */
void frame_begin(struct frame_encoder *encoder, frame_write write);
void frame_put(struct frame_encoder *encoder, const void *data, uint32_t count);
void frame_end(struct frame_encoder *encoder);

#endif
