/*
 * Neurons whose total conductance may be too small a part of its largest for the kernel's sums: no
 * or little capacitance and leak, so that the tails of sigmoids, or epsilon, decide. The same
 * records, with sums of 64 bits and a sigmoid that keeps its precision in its tail.
 */
#ifndef LTC_WIDE_H
#define LTC_WIDE_H

#include "ltc_internal.h"
#include "ltc_kernel.h"

/* Set a cell's sums from its record and its sensory synapses. */
void ltc_wide_gather(struct ltc_cell *cell, const struct ltc_neuron *neuron,
                     const struct ltc_synapse *synapse, const int16_t *source);

/* Set a cell that such a gathering has set to what the kernel needs for its update, once the
 * neuron's synapses are added up. */
const struct ltc_synapse *ltc_wide_sums(struct ltc_cell *cell, const struct ltc_neuron *neuron,
                                        const struct ltc_synapse *synapse, const int16_t *source,
                                        const struct ltc_rate *rate);

#endif
