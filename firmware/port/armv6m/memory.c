/* The two functions that GCC may call although nobody wrote a call (-nostdlib has no C library). */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    uint8_t *out = to;
    const uint8_t *in = from;
    while (count-- != 0) {
        *out++ = *in++;
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    uint8_t *out = to;
    while (count-- != 0) {
        *out++ = (uint8_t)value;
    }
    return to;
}
