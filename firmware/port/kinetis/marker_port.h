/* The marker's pin; marker.h says what each is for. */
#ifndef MARKER_PORT_H
#define MARKER_PORT_H

#include "kinetis.h"

#define MARKER_PORT_SET   FGPIO_PSOR(BOARD_MARKER_PORT)
#define MARKER_PORT_CLEAR FGPIO_PCOR(BOARD_MARKER_PORT)

static inline void marker_port_start(void) {
    SIM_SCGC5 |= SIM_SCGC5_PORT(BOARD_MARKER_PORT);
    PORT_PCR(BOARD_MARKER_PORT, BOARD_MARKER_PIN) = PORT_PCR_MUX(1u);
    FGPIO_PDDR(BOARD_MARKER_PORT) |= 1u << BOARD_MARKER_PIN;
}

#endif
