/*
 * tests/firmware/ltc_driver.c without an operating system: reads cases.bin
 * through semihosting and writes results.bin, in that driver's formats.
 */
#include <stddef.h>
#include <stdint.h>

#include "ltc.h"
#include "ltc_image.h"

#define BUFFER_WORDS 65536u

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { READ_BINARY = 1, WRITE_BINARY = 5, APPLICATION_EXIT = 0x20026 };

static uint32_t cases[BUFFER_WORDS];
static uint32_t memory[BUFFER_WORDS];
static int32_t result[2 * LTC_MAX_NEURONS];

/* Arm's "Semihosting for AArch32 and AArch64", which RISC-V took over with a
 * sequence of its own. */
static int32_t semihost(uint32_t operation, uintptr_t parameter) {
#if defined(__riscv)
    register uintptr_t a0 __asm__("a0") = operation;
    register uintptr_t a1 __asm__("a1") = parameter;

    __asm__ volatile(".balign 16\n.option push\n.option norvc\nslli zero, zero, 0x1f\nebreak\n"
                     "srai zero, zero, 7\n.option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return (int32_t)a0;
#else
    register uintptr_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = parameter;

    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return (int32_t)r0;
#endif
}

static void finish(uintptr_t reason) {
    semihost(SYS_EXIT, reason);
    for (;;) {
    }
}

/* GCC asks for it where structures are copied, and there is no C library here.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    for (size_t i = 0; i < count; i++) {
        ((volatile uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

static uintptr_t open_file(const char *name, uintptr_t length, uintptr_t mode) {
    uintptr_t block[3] = {(uintptr_t)name, mode, length};
    int32_t handle = semihost(SYS_OPEN, (uintptr_t)block);

    if (handle < 0) {
        finish(0);
    }
    return (uintptr_t)handle;
}

static void write_words(uintptr_t file, const int32_t *words, uint32_t count) {
    uintptr_t block[3] = {file, (uintptr_t)words, 4u * count};

    if (semihost(SYS_WRITE, (uintptr_t)block) != 0) {
        finish(0);
    }
}

/* Returns what follows the case. */
static const uint32_t *run_case(const uint32_t *at, uintptr_t results) {
    const uint32_t *size = at; /* image bytes, sequences, steps, inputs, neurons, outputs */
    const uint32_t *image = size + 6;
    const int32_t *state0 = (const int32_t *)(image + size[0] / 4);
    const uint32_t *step = (const uint32_t *)state0 + size[4];
    struct ltc net;
    int32_t error = ltc_open(&net, image, size[0], memory, sizeof memory);

    write_words(results, &error, 1);
    if (error != LTC_OK) {
        finish(0); /* the test sees results that end here */
    }
    for (uint32_t s = 0; s < size[1]; s++) {
        if (ltc_set_state(&net, state0, size[4]) != LTC_OK) {
            finish(0);
        }
        for (uint32_t t = 0; t < size[2]; t++, step += 1 + size[3]) {
            if (ltc_step(&net, (const int32_t *)step + 1, step[0], result + size[4]) != LTC_OK ||
                ltc_get_state(&net, result, size[4]) != LTC_OK) {
                finish(0);
            }
            write_words(results, result, size[4] + size[5]);
        }
    }
    return step;
}

int main(void) {
    uintptr_t file = open_file("cases.bin", 9, READ_BINARY);
    uintptr_t results = open_file("results.bin", 11, WRITE_BINARY);
    uintptr_t block[3] = {file, (uintptr_t)cases, sizeof cases};
    uint32_t left = (uint32_t)semihost(SYS_READ, (uintptr_t)block);
    const uint32_t *end = cases + (sizeof cases - left) / 4;

    for (const uint32_t *at = cases; at < end;) {
        at = run_case(at, results);
    }
    semihost(SYS_CLOSE, (uintptr_t)&results);
    finish(APPLICATION_EXIT);
    return 0;
}
