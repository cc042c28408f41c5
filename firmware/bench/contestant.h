/*
 * What `hil bench` compares ltc/ with: programs for one network, which is compiled into them
 * (network.h, written by hil/bench/network_header.py). contestant.c gives each of them the
 * functions of ltc/ltc.h, so that the agent runs it, and an emulator counts it, as it does the
 * runtime.
 */
#ifndef CONTESTANT_H
#define CONTESTANT_H

#include <stdint.h>

/* One step; inputs, elapsed and outputs in real units, or as integers where CONTESTANT_FIXED is
 * defined: inputs and outputs in Q16.16, elapsed in Q10.22. */
#ifdef CONTESTANT_FIXED
typedef int32_t contestant_value;
typedef uint32_t contestant_time;
#else
typedef float contestant_value;
typedef float contestant_time;
#endif

void contestant_step(const contestant_value *inputs, contestant_time elapsed,
                     contestant_value *outputs);

/* A neuron's state in real units: not counted. */
float contestant_state(uint32_t neuron);
void contestant_set_state(uint32_t neuron, float state);

#endif
