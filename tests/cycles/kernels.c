/* Runs every kernel of a table twice, and answers an SVC. */
#include "microbit.h"

extern void (*const kernels[])(void);
void run_kernel(void (*kernel)(void));

void svc_handler(void) {
    __asm volatile("nop; nop; nop");
}

uint32_t test_main(void) {
    uint32_t count = 0;

    for (uint32_t turn = 0; turn < 2; turn++) {
        for (void (*const *kernel)(void) = kernels; *kernel != 0; kernel++) {
            run_kernel(*kernel);
            count++;
        }
    }
    return count;
}
