/* Runs every kernel of a table twice, and answers the exceptions that they raise. */
#include "microbit.h"

extern void (*const kernels[])(void);
extern volatile uint32_t nest; /* interrupts that TIMER0's handler asks for */
void run_kernel(void (*kernel)(void));

volatile uint32_t nest;

static void busy(void) {
    for (uint32_t i = 0; i < 3; i++) {
        __asm volatile("");
    }
}

void svc_handler(void) {
    busy();
}

void later(void);

void later(void) {
    busy();
}

/* Ends in a jump by a register that is not its return. */
__attribute__((naked)) void pendsv_handler(void) {
    __asm volatile("ldr r3, =later\n bx r3");
}

void timer0_handler(void) {
    NVIC_ISPR = nest;
    nest = 0;
    busy();
}

void timer1_handler(void) {
    busy();
}

uint32_t test_main(void) {
    uint32_t count = 0;

    SHPR3 = 0xC0u << 16; /* PendSV below TIMER0, and TIMER1 above it */
    NVIC_IPR(2) = 0x40u << 8 | 0x80u;
    NVIC_ISER = 1u << TIMER0_IRQ | 1u << TIMER1_IRQ;
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (void (*const *kernel)(void) = kernels; *kernel != 0; kernel++) {
            run_kernel(*kernel);
            count++;
        }
    }
    return count;
}
