/* What a port's start-up code calls. */
#ifndef MAIN_H
#define MAIN_H

#include <stdint.h>

/* The agent, for ever. */
_Noreturn void main_loop(void);

/* From a fault handler: tell the host where the core stopped. */
void main_report_fault(uint32_t exception, const uint32_t stacked[8]);

#endif
