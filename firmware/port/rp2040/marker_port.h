/* The marker's pin; marker.h says what each is for. */
#ifndef MARKER_PORT_H
#define MARKER_PORT_H

#include "rp2040.h"

#define MARKER_PORT_SET   SIO_GPIO_OUT_SET
#define MARKER_PORT_CLEAR SIO_GPIO_OUT_CLR

static inline void marker_port_start(void) {
    SIO_GPIO_OUT_CLR = 1u << BOARD_MARKER_PIN;
    SIO_GPIO_OE_SET = 1u << BOARD_MARKER_PIN;
    IO_BANK0_CTRL(BOARD_MARKER_PIN) = IO_BANK0_CTRL_SIO;
}

#endif
