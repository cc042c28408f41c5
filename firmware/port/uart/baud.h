/* The arithmetic of baud rates, for UARTs that divide a clock. `step`: what a divider of 1 divides
 * the clock by, in general the samples of a bit. BOARD_UART_BAUD is board.h's. */
#ifndef BAUD_H
#define BAUD_H

/* Rounded. */
#define BAUD_DIVIDER(clock_hz, step)                                                               \
    (((clock_hz) + (step) * BOARD_UART_BAUD / 2u) / ((step) * BOARD_UART_BAUD))

/* Whether the clock over `periods` is BOARD_UART_BAUD within 1.5 %: of what a receiver bears, some
 * 4 %, the oscillators need their share. */
#define BAUD_WITHIN(clock_hz, periods)                                                             \
    (1000ull * (clock_hz) <= 1015ull * (periods) * BOARD_UART_BAUD &&                              \
     1000ull * (clock_hz) >= 985ull * (periods) * BOARD_UART_BAUD)

/* That, with a divider that the UART can have. */
#define BAUD_FITS(clock_hz, step, least, most)                                                     \
    (BAUD_DIVIDER(clock_hz, step) >= (least) && BAUD_DIVIDER(clock_hz, step) <= (most) &&          \
     BAUD_WITHIN(clock_hz, (step) * BAUD_DIVIDER(clock_hz, step)))

#endif
