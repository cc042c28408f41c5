/*
 * Start and fault of every Cortex-M0/M0+: set up memory, run the agent, report where the core
 * stopped.
 *
 * The stack lies at the very bottom of RAM: an overflow runs into unmapped addresses and stops the
 * core, instead of silently changing the agent's data.
 */
#include "startup.h"

#include <stdint.h>

#include "board.h"
#include "main.h"
#include "port.h"

/* From sections.ld. */
extern uint32_t data_start[], data_end[], bss_start[], bss_end[], ram_end[];
extern const uint32_t data_image[];
extern uint8_t arena_start[], arena_end[];

/* Without a suffix, as assembly takes its text. */
#define STACK_PAINT     0x5AC5A5CA
#define TEXT(words)     #words
#define TEXT_OF(define) TEXT(define)
#define PAINT_LINE      TEXT_OF(STACK_PAINT) "\n"

/* Named by startup_reset() alone, once the stack is painted. */
_Noreturn void startup_run(void);

/* Paints the whole stack, so nothing may lie on it yet: no compiled prologue. GCC has only basic
 * assembly, without operands, in a function that has none. */
__attribute__((naked)) void startup_reset(void) {
    __asm volatile("ldr r0, =stack_bottom\n"
                   "ldr r1, =stack_top\n"
                   "ldr r2, =" PAINT_LINE /* ends it */
                   "1: stm r0!, {r2}\n"
                   "cmp r0, r1\n"
                   "blo 1b\n"
                   "bl startup_run\n");
}

_Noreturn void startup_run(void) {
    const uint32_t *from = data_image;
    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    main_loop();
}

uint32_t port_stack_unused(void) {
    const uint32_t *word = stack_bottom;
    while (word < stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)(word - stack_bottom) * 4u;
}

struct port_memory startup_memory(uint32_t window_bytes) {
    return (struct port_memory){
        .arena = arena_start,
        .arena_bytes = (uint32_t)(arena_end - arena_start),
        .slot = (const uint8_t *)BOARD_SLOT_ORIGIN,
        .slot_bytes = BOARD_SLOT_BYTES,
        .window_bytes = window_bytes,
    };
}

void port_interrupts_off(void) {
    __asm volatile("cpsid i" ::: "memory");
}

void port_interrupts_on(void) {
    __asm volatile("cpsie i" ::: "memory");
}

/*
 * Runs on a fresh stack, as the old one may be what broke. `stacked` points to what the core pushed
 * on entry. Named by the assembly below alone.
 */
_Noreturn void startup_fault_report(const uint32_t *stacked, uint32_t exception);

_Noreturn void startup_fault_report(const uint32_t *stacked, uint32_t exception) {
    uint32_t registers[8] = {0};
    const uintptr_t first = (uintptr_t)stacked;
    if (first >= (uintptr_t)stack_bottom && first <= (uintptr_t)ram_end - sizeof registers) {
        for (uint32_t i = 0; i < 8; i++) {
            registers[i] = stacked[i];
        }
    }
    /* Parked: the harness sees one report now and one more for each frame it sends, until it resets
     * the board. */
    for (;;) {
        main_report_fault(exception, registers);
        uint8_t byte = 1;
        while (byte != 0) {
            if (startup_poll(&byte) == 0) {
                byte = 1;
            }
        }
    }
}

__attribute__((naked)) void startup_fault(void) {
    __asm volatile("cpsid i\n"
                   "mrs r0, msp\n"
                   "mrs r1, ipsr\n"
                   "ldr r2, =stack_top\n"
                   "mov sp, r2\n"
                   "bl startup_fault_report\n");
}
