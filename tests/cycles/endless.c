/* Work that a debugger may stop at any place: the same short call for ever, within one that never
 * returns. */
#include "microbit.h"

void turn(void);
void endless(void);

__attribute__((naked, noinline)) void turn(void) {
    __asm volatile(".syntax unified\n movs r0, #10\n 1: subs r0, #1\n bne 1b\n bx lr");
}

__attribute__((noinline)) void endless(void) {
    for (;;) {
        turn();
    }
}

uint32_t test_main(void) {
    endless();
    return 0;
}
