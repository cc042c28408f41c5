/* SysTick as the counter of core clock cycles: port_counter() and port_counter_bits(). */
#ifndef SYSTICK_H
#define SYSTICK_H

/* Count, from now on. */
void systick_start(void);

#endif
