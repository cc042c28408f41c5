/*
 * Liquid Time-constant networks (arXiv 2006.04439), and their closed form (CfC, arXiv 2106.13898),
 * in integer arithmetic, for cores without an FPU or a divider.
 *
 * Copy this folder into a project, add its .c and .S files to the build and:
 *
 *     static LTC_MEMORY(memory, 14, 6);
 *     struct ltc net;
 *     if (ltc_open(&net, image, sizeof image, memory, sizeof memory) != LTC_OK) { ... }
 *     for (;;) { ltc_step(&net, inputs, elapsed, outputs); }
 *
 * With LTC_FUSED_ONLY defined the other solvers, and CfC, are left out. No heap, no recursion, no
 * floating point, no state but the caller's. The image comes from `hil convert` and is read in
 * place, so it must stay where it is. Every result is the same bit for bit on every core: the exact
 * integer models in Python (hil/golden/integer.py and integer_cfc.py) are held against these files.
 * The arithmetic is described in docs/numbers.md.
 */
#ifndef LTC_H
#define LTC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LTC_VERSION       0x00030000u /* of this library: major 16, minor 8, patch 8 bits */
#define LTC_IMAGE_VERSION 3u          /* of the image format */

/* Working memory for a network in bytes, exactly what ltc_open() asks for, and an array of it. The
 * solvers rk4, adaptive and exponential need what is STAGED. `hil convert` prints which of the two
 * it is, and the number of channels; that is at least the number of inputs in use. */
#define LTC_MEMORY_BYTES(neurons, channels) (24u * (neurons) + 2u * (channels) + 8u)
#define LTC_STAGED_MEMORY_BYTES(neurons, channels)                                                 \
    (((LTC_MEMORY_BYTES(neurons, channels) + 3u) & ~3u) + 16u * (neurons))
#define LTC_MEMORY(name, neurons, channels)                                                        \
    uint32_t name[(LTC_MEMORY_BYTES(neurons, channels) + 3u) / 4u]
#define LTC_STAGED_MEMORY(name, neurons, channels)                                                 \
    uint32_t name[LTC_STAGED_MEMORY_BYTES(neurons, channels) / 4u]

/* The same for a CfC; `hil convert` prints the number of sources. */
#define LTC_CFC_MEMORY_BYTES(neurons, sources) (4u * (neurons) + 2u * (sources))
#define LTC_CFC_MEMORY(name, neurons, sources)                                                     \
    uint32_t name[(LTC_CFC_MEMORY_BYTES(neurons, sources) + 3u) / 4u]

/* Elapsed time of a step: unsigned Q10.22, in units of the network's own second. */
#define LTC_ELAPSED_FRAC 22
#define LTC_ELAPSED_MIN  4194u       /* 1e-3 */
#define LTC_ELAPSED_MAX  4194304000u /* 1e3 */

/* States, and inputs after saturation, lie from -LTC_FULL_SCALE to LTC_FULL_SCALE - 1. */
#define LTC_FULL_SCALE (1 << 30)

enum ltc_error {
    LTC_OK = 0,
    LTC_ERR_ALIGN = -1,    /* image or memory is not aligned to 4 bytes */
    LTC_ERR_SHORT = -2,    /* fewer bytes than the image says it has */
    LTC_ERR_MAGIC = -3,    /* not an LTC image */
    LTC_ERR_VERSION = -4,  /* an image of another format version */
    LTC_ERR_CRC = -5,      /* damaged image */
    LTC_ERR_LAYOUT = -6,   /* counts and length of the image do not fit together */
    LTC_ERR_INDEX = -7,    /* a synapse or a channel names a source that does not exist */
    LTC_ERR_RANGE = -8,    /* a parameter outside its range, or one that could overflow */
    LTC_ERR_MEMORY = -9,   /* less working memory than ltc_memory_bytes() */
    LTC_ERR_ELAPSED = -10, /* elapsed outside LTC_ELAPSED_MIN..LTC_ELAPSED_MAX */
    LTC_ERR_COUNT = -11,   /* a state array whose length is not the number of neurons */
    LTC_ERR_STATE = -12,   /* a state beyond LTC_FULL_SCALE */
    LTC_ERR_SOLVER = -13,  /* a solver that this library does not have, or was built without */
    LTC_ERR_STIFF = -14,   /* elapsed so long that an explicit solver could leave the scale */
};

struct ltc_cell;
struct ltc_layer;
struct ltc_map;
struct ltc_neuron;
struct ltc_stage;
struct ltc_synapse;

/* A positive number, mantissa * 2^exponent. */
struct ltc_rate {
    uint32_t mantissa;
    int32_t exponent;
};

/* An open network. Public to be placed on a stack; the counts may be read, the rest is private. */
struct ltc {
    uint16_t neurons;
    uint16_t inputs;
    uint16_t outputs;  /* maps of the first `outputs` neurons; of a CfC its last layer */
    uint8_t unfolds;   /* solver sub-steps a step; of the adaptive solver at most */
    uint8_t solver;    /* enum ltc_solver in ltc_image.h */
    uint16_t channels; /* what sensory synapses read; several an input where its slopes differ. Of a
                          CfC: everything that its rows read */
    const struct ltc_neuron *neuron;
    const struct ltc_map *channel;
    const struct ltc_synapse *sensory; /* sorted by target neuron */
    const struct ltc_synapse *synapse; /* sorted by target neuron */
    const struct ltc_map *output;
    const struct ltc_layer *layer; /* the first one of a CfC */
    struct ltc_cell *cell;
    struct ltc_stage *stage; /* of every neuron, for a solver that asks for it */
    int16_t *before;         /* every neuron's state before the next unfold, in 16 bits */
    int16_t *after;          /* and after it */
    int16_t *reading;        /* of every channel */
    uint32_t elapsed;        /* what the cells are set to, 0: nothing yet */
    struct ltc_rate rate;    /* unfolds over it */
    uint32_t error_bound;    /* of the adaptive solver, in units of a state */
};

/* Version of this library, LTC_VERSION. */
uint32_t ltc_version(void);

/*
 * Check a whole image, bind the caller's memory and set the state to zero.
 * Nothing of the image is used before all of it was checked: lengths, CRC-32, every index, and for
 * each neuron the sum of everything that its synapses could ever add up to, so that no input and no
 * state can overflow afterwards. LTC_OK, or what is wrong; the memory is untouched then.
 */
int ltc_open(struct ltc *net, const void *image, uint32_t image_bytes, void *memory,
             uint32_t memory_bytes);

/* Working memory that this network has taken. */
uint32_t ltc_memory_bytes(const struct ltc *net);

/* Set every state to zero. */
void ltc_reset(struct ltc *net);

/*
 * One input sample. `inputs`: net->inputs values, each in its own Q-format (image, written by the
 * converter), any value is allowed and saturates at the ends of LTC_FULL_SCALE. `elapsed`: time
 * since the last sample. `outputs`: net->outputs values. The first step after a state was set, and
 * one with another elapsed time than the step before, takes longer; apart from that its time
 * depends on values by some tens of cycles a neuron and unfold, with the adaptive
 * solver by how many unfolds they need. LTC_OK; or LTC_ERR_ELAPSED, or LTC_ERR_STIFF of an explicit
 * solver: then states and outputs are what they were.
 */
int ltc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs);

/* Read or replace the state of every neuron; `count` must be net->neurons, else LTC_ERR_COUNT.
 * LTC_ERR_STATE: one is beyond LTC_FULL_SCALE, and none was replaced. Bit-exact resume is set after
 * get. */
int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count);
int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count);

/* CRC-32 as zlib computes it, and an image holds it: start with 0, feed the result back in to
 * continue. Public, as whatever brings an image to a device needs one too. */
uint32_t ltc_crc32(uint32_t crc, const void *data, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
