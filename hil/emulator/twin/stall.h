/* Memory that makes the core wait. Beside engine.h: what a busy flash needs. */
#ifndef STALL_H
#define STALL_H

#include "engine.h"

/* While a memory of code is barred, execution stops before any of its code, with ENGINE_BREAKPOINT.
 * `address` is the memory's first. */
void engine_bar(struct engine *engine, uint32_t address, bool barred);

/* From within Unicorn's hook on a load: it takes place at a cycle, if that is not over. */
void engine_load_waits(struct engine *engine, uint64_t cycle);

/* From now on each aligned word of code in the memory at an address adds so many cycles when it is
 * fetched, by a jump or in sequence, and so does each load from it. */
void engine_wait_states(struct engine *engine, uint32_t address, uint32_t cycles);

#endif
