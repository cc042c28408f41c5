#include "ltc.h"

#define POLYNOMIAL 0xEDB88320u /* of zlib, reflected */

/* Bit by bit: a table would be faster, and a third as large as the kernel. */
uint32_t ltc_crc32(uint32_t crc, const void *data, uint32_t count) {
    const uint8_t *bytes = data;

    crc = ~crc;
    for (uint32_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (uint32_t bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (POLYNOMIAL & (0u - (crc & 1u)));
        }
    }
    return ~crc;
}
