/*
 * Measured calls that cannot be counted, one of each kind, and sound ones between them.
 * The HardFault handler steps over what faulted; a reset in the middle of a call starts over.
 */
#include "microbit.h"

#define AIRCR       REG(0xE000ED0Cu)
#define SYSRESETREQ 0x05FA0004u
#define NOWHERE     0x60000000u /* no memory there */

#define CODE(name, ...)                                                                            \
    __attribute__((naked, noinline)) void name(void);                                              \
    void name(void) {                                                                              \
        __asm volatile(__VA_ARGS__ "\n bx lr");                                                    \
    }

/* Survives a reset: start-up clears only .bss, which ends before. */
static volatile uint32_t *const resets = (volatile uint32_t *)0x20002000u;

CODE(sound, "nop")
CODE(breakpoint, "bkpt #0")
CODE(undefined, ".short 0xde01")
CODE(not_armv6m, ".short 0xea4f, 0x0000")    /* MOV.W R0, R0 */
CODE(let_pass, "mov r0, #1\n .short 0xb100") /* CBZ R0: QEMU's Cortex-M0 executes it */
CODE(undecided, ".short 0xd0ff")             /* BEQ to the next instruction */
CODE(bad_load, "ldr r0, =0x60000000\n ldr r0, [r0]\n nop\n nop")
CODE(resets_core, "ldr r0, =0xE000ED0C\n ldr r1, =0x05FA0004\n str r1, [r0]\n isb\n b .")

/* Steps over the 16-bit instruction that faulted. */
__attribute__((naked)) void hard_fault_handler(void) {
    __asm volatile("ldr r0, [sp, #24]\n add r0, #2\n str r0, [sp, #24]\n bx lr");
}

uint32_t test_main(void) {
    if (*resets != 0xC0FFEEu) {
        *resets = 0xC0FFEEu;
        sound();
        breakpoint();
        sound();
        undefined();
        sound();
        not_armv6m();
        sound();
        let_pass();
        sound();
        undecided();
        sound();
        bad_load();
        sound();
        resets_core();
    }
    sound();
    return 1;
}
