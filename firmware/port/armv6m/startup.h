/* Between the start-up code of the core and the MCU family's folder. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

/* Vectors 1 and 3, and every exception that nobody handles. */
_Noreturn void startup_reset(void);
void startup_fault(void);

/* One received byte without interrupts, for the fault handler; returns how many, 0 or 1. */
uint32_t startup_poll(uint8_t *byte);

/* Top of the stack, vector 0 (sections.ld). */
extern uint32_t stack_top[];

#endif
