/* Code in RAM that is replaced by other code of the same length at the same place. */
#include "microbit.h"

#define HALFWORDS 3u

static uint16_t place[HALFWORDS] __attribute__((aligned(4)));

void first(void (*code)(void));
void second(void (*code)(void));

/* Two functions, so that their calls can be told apart. */
__attribute__((naked, noinline)) void first(void (*code)(void)) {
    (void)code;
    __asm volatile("push {lr}\n blx r0\n pop {pc}");
}

__attribute__((naked, noinline)) void second(void (*code)(void)) {
    (void)code;
    __asm volatile("push {lr}\n blx r0\n pop {pc}");
}

static void (*put(uint16_t instruction))(void) {
    volatile uint16_t *to = place;

    to[0] = instruction;
    to[1] = instruction;
    to[2] = 0x4770; /* BX LR */
    return (void (*)(void))((uintptr_t)place | 1u);
}

uint32_t test_main(void) {
    first(put(0x46C0));  /* NOP, that is MOV R8, R8 */
    second(put(0x9900)); /* LDR R1, [SP] */
    return 1;
}
