/* The marker's pin; marker.h says what each is for. */
#ifndef MARKER_PORT_H
#define MARKER_PORT_H

#include "lpc8xx.h"

#define MARKER_PORT_SET   GPIO_SET0
#define MARKER_PORT_CLEAR GPIO_CLR0

static inline void marker_port_start(void) {
    SYSCON_SYSAHBCLKCTRL0 |= SYSCON_SYSAHBCLKCTRL0_GPIO0;
    GPIO_CLR0 = 1u << BOARD_MARKER_PIN;
    GPIO_DIRSET0 = 1u << BOARD_MARKER_PIN;
}

#endif
