/*
 * The link over a UART, received and sent by interrupt through a ring each, so that the core
 * computes the next step while the last one is on the wire: the same for every family.
 *
 * A family has a uart_port.h with the five functions that uart_link.c names. Of port.h this has
 * port_memory(), port_read(), port_write() and port_write_pending(), and startup_poll() of
 * startup.h; idle.c has port_idle() for families whose core never stops.
 */
#ifndef UART_LINK_H
#define UART_LINK_H

#include <stdbool.h>

/* The vector of the UART's interrupt, which comes whenever a byte has been received. */
void uart_link_handler(void);

/* With interrupts masked: whether there is nothing to read. */
bool uart_link_idle(void);

#endif
