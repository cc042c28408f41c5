/*
 * The marker: a pin of its own, one store each way; port_marker_high() and port_marker_low().
 *
 * A family has a marker_port.h with two registers, in which a one sets the pin or clears it,
 * MARKER_PORT_SET and MARKER_PORT_CLEAR, and marker_port_start(): the pin becomes an output, low.
 * It is asked for where the board has a marker alone.
 */
#ifndef MARKER_H
#define MARKER_H

/* The pin and what it needs of clocks. Nothing without a marker. */
void marker_start(void);

#endif
