/* Between the start-up code of the core and the MCU family's folder. */
#ifndef STARTUP_H
#define STARTUP_H

#include <stdint.h>

#include "port.h"

/* What the core reads at reset and at every exception (DDI 0419, B1.5.3). */
struct startup_vectors {
    uint32_t *stack;
    void (*exception[15])(void);
    void (*interrupt[32])(void);
};

/* Vector 1; and the vector of every exception that nobody handles, which the fault report names. */
void startup_reset(void);
void startup_fault(void);

/* One received byte without interrupts, for the fault handler; returns how many, 0 or 1. */
uint32_t startup_poll(uint8_t *byte);

/* What port_memory() answers, for a link that can hold so many bytes. */
struct port_memory startup_memory(uint32_t window_bytes);

/* Ends of the stack, the top being vector 0 (sections.ld). */
extern uint32_t stack_bottom[], stack_top[];

#endif
