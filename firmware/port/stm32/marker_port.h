/* The marker's pin; marker.h says what each is for. */
#ifndef MARKER_PORT_H
#define MARKER_PORT_H

#include "board.h"
#include "gpio.h"

#define MARKER_PORT_SET   GPIO_BSRR(BOARD_MARKER_PORT)
#define MARKER_PORT_CLEAR GPIO_BRR(BOARD_MARKER_PORT)

static inline void marker_port_start(void) {
    stm32_gpio_clock(BOARD_MARKER_PORT);
    GPIO_MODER(BOARD_MARKER_PORT) =
        (GPIO_MODER(BOARD_MARKER_PORT) & ~GPIO_MODER_MASK(BOARD_MARKER_PIN)) |
        GPIO_MODER_OUTPUT(BOARD_MARKER_PIN);
}

#endif
