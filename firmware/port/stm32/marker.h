/* The marker of an STM32: a pin of its own, one store each way. */
#ifndef MARKER_H
#define MARKER_H

/* Its pin becomes an output, low; the clock of its port is switched on. Nothing without a marker.
 */
void marker_start(void);

#endif
