/* Vector table of a Cortex-M: stack, reset. */
#include <stdint.h>

int main(void);

extern uint32_t stack_top;

static void reset(void) {
    main();
}

__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {&stack_top,
                                                                                  (void *)reset};
