#include "marker.h"

#include "board.h"
#include "port.h"

#ifdef BOARD_MARKER_PIN

#include "marker_port.h"

void marker_start(void) {
    marker_port_start();
}

void port_marker_high(void) {
    MARKER_PORT_SET = 1u << BOARD_MARKER_PIN;
}

void port_marker_low(void) {
    MARKER_PORT_CLEAR = 1u << BOARD_MARKER_PIN;
}

#else

void marker_start(void) {
}

void port_marker_high(void) {
}

void port_marker_low(void) {
}

#endif
