/* UART0 for the link over a UART (uart/uart_link.h): its pins and its baud rate. */
#include "baud.h"
#include "board.h"
#include "core.h"
#include "rp2040.h"

/* 16 samples a bit; the divider in 64ths, rounded. */
#define DIVIDER(clock_hz) (((clock_hz) * 8u / BOARD_UART_BAUD + 1u) / 2u)
_Static_assert(DIVIDER(BOARD_CLOCK_HZ) >= 64u && DIVIDER(BOARD_CLOCK_HZ) <= 0x3FFFC0u &&
                   BAUD_WITHIN(4ull * BOARD_CLOCK_HZ, DIVIDER(BOARD_CLOCK_HZ)),
               "the clock gives no such baud rate");

void rp2040_uart_start(uint32_t clock_hz) {
    const uint32_t divider = DIVIDER(clock_hz);
    UART0_IBRD = divider / 64u;
    UART0_FBRD = divider % 64u;
    UART0_LCR_H = UART0_LCR_H_8_BITS; /* takes the two over */
    UART0_IMSC = UART0_IMSC_RXIM;
    UART0_CR = UART0_CR_UARTEN | UART0_CR_TXE | UART0_CR_RXE;
    PADS_BANK0_GPIO(BOARD_UART_RX_PIN) = PADS_BANK0_PULL_UP;
    IO_BANK0_CTRL(BOARD_UART_RX_PIN) = IO_BANK0_CTRL_UART;
    /* Only now, as the transmitter holds its line at the idle level. */
    IO_BANK0_CTRL(BOARD_UART_TX_PIN) = IO_BANK0_CTRL_UART;
    NVIC_ISER = 1u << RP2040_UART0_IRQ;
}
