/* For a port that raises no marker. */
#include "port.h"

void port_marker_high(void) {
}

void port_marker_low(void) {
}
