/* Start-up of the test programs: see microbit.h. */
#include "microbit.h"

extern uint32_t data_start[], data_end[], bss_start[], bss_end[], stack_top[];
extern const uint32_t data_image[];

void uart_send(uint8_t byte) {
    REG(0x4000211C) = 0; /* TXDRDY */
    REG(0x4000251C) = byte;
    while (REG(0x4000211C) == 0) {
    }
}

void start(void);

void start(void) {
    const uint32_t *from = data_image;

    for (uint32_t *to = data_start; to < data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end; to++) {
        *to = 0;
    }
    REG(0x4000250C) = 24; /* pins, 115200 baud, enabled, STARTRX, STARTTX */
    REG(0x40002514) = 25;
    REG(0x40002524) = 0x01D7E000;
    REG(0x40002500) = 4;
    REG(0x40002000) = 1;
    REG(0x40002008) = 1;
    const uint32_t result = test_main();
    for (uint32_t shift = 0; shift < 32; shift += 8) {
        uart_send((uint8_t)(result >> shift));
    }
    for (;;) {
        __asm volatile("wfi");
    }
}

static void stop(void) {
    for (;;) {
    }
}

void hard_fault_handler(void) __attribute__((weak, alias("stop")));
void svc_handler(void) __attribute__((weak, alias("stop")));
void pendsv_handler(void) __attribute__((weak, alias("stop")));
void uart_handler(void) __attribute__((weak, alias("stop")));
void timer0_handler(void) __attribute__((weak, alias("stop")));
void timer1_handler(void) __attribute__((weak, alias("stop")));

__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 32])(void) = {
    [0] = (void (*)(void))stack_top,
    [1] = start,
    [2] = stop,
    [3] = hard_fault_handler,
    [11] = svc_handler,
    [14] = pendsv_handler,
    [16 + UART_RX_IRQ] = uart_handler,
    [16 + TIMER0_IRQ] = timer0_handler,
    [16 + TIMER1_IRQ] = timer1_handler,
};
