/* One step of a network, and access to its state. */
#include "ltc.h"

#include "ltc_internal.h"
#include "ltc_math.h"

#define DIVISOR_BITS 30 /* of the normalised denominator */
#define STATE_BITS   30 /* LTC_FULL_SCALE is 2^STATE_BITS */

uint32_t ltc_version(void) {
    return LTC_VERSION;
}

struct ltc_sums ltc_leak(const struct ltc_neuron *neuron) {
    return (struct ltc_sums){(int64_t)((uint64_t)neuron->num_hi << 32 | neuron->num_lo),
                             (int64_t)((uint64_t)neuron->den_hi << 32 | neuron->den_lo)};
}

static int32_t saturate(int32_t value) {
    if (value > LTC_FULL_SCALE) {
        return LTC_FULL_SCALE;
    }
    return value < -LTC_FULL_SCALE ? -LTC_FULL_SCALE : value;
}

/* Right shift, or a left shift that saturates. */
static int32_t to_q16(int32_t argument, int32_t shift) {
    int32_t limit;

    if (shift >= 0) {
        return argument >> shift;
    }
    limit = INT32_MAX >> -shift;
    if (argument > limit) {
        argument = limit;
    }
    if (argument < -limit) {
        argument = -limit;
    }
    return argument * (1 << -shift);
}

/* Add what `count` synapses contribute: w * sigmoid to the denominator, w * erev * sigmoid to the
 * numerator. */
static void add_synapses(struct ltc_sums *sums, const struct ltc_synapse *synapse, uint32_t count,
                         const int32_t *source) {
    int64_t num = sums->num;
    int64_t den = sums->den;

    for (; count > 0; count--, synapse++) {
        int32_t value = saturate(source[synapse->slope_source & 0xFF]);
        int32_t argument = ltc_multiply(value, synapse->slope_source >> 8) + synapse->offset;
        struct ltc_sigmoid open = ltc_sigmoid(to_q16(argument, synapse->shift));
        int32_t shift = synapse->weight_shift - (int32_t)open.exponent;

        den += (int64_t)ltc_scale(synapse->weight * open.mantissa, shift);
        if (synapse->reversal >= 0) {
            num += (int64_t)ltc_scale((uint32_t)synapse->reversal * open.mantissa, shift);
        } else {
            num -= (int64_t)ltc_scale((0u - (uint32_t)synapse->reversal) * open.mantissa, shift);
        }
    }
    sums->num = num;
    sums->den = den;
}

/* Right shift that brings a positive number below 2^62 into [2^29, 2^30); negative: left shift. */
static int32_t normalising_shift(int64_t value) {
    uint32_t high = (uint32_t)(value >> 32);
    int32_t top = high != 0 ? 63 - (int32_t)ltc_leading_zeros(high)
                            : 31 - (int32_t)ltc_leading_zeros((uint32_t)value);

    return top - (DIVISOR_BITS - 1);
}

static int32_t shifted(int64_t value, int32_t right) {
    return right >= 0 ? (int32_t)(value >> right) : (int32_t)((uint64_t)value << -right);
}

/* conductance * state / 2^STATE_BITS, rounded down; 0 <= conductance < 2^DIVISOR_BITS. By halves of
 * 15 bits, as a multiplication of the core gives 32 bits; `middle` stays below 2^31. */
static int32_t share(int32_t conductance, int32_t state) {
    int32_t upper = conductance >> 15;
    int32_t lower = conductance & 0x7FFF;
    int32_t middle = upper * (state & 0x7FFF) + lower * (state >> 15);

    return upper * (state >> 15) + ((middle + ((lower * (state & 0x7FFF)) >> 15)) >> 15);
}

/*
 * The fused semi-implicit update, v + (num - den * v) / (den + capacitance): equal to
 * (capacitance * v + num) / (capacitance + den), but a small change keeps its precision beside a
 * large capacitance.
 */
static int32_t updated(int32_t state, const struct ltc_sums *sums, uint64_t capacitance) {
    int64_t whole = sums->den + (int64_t)capacitance;
    int32_t right = normalising_shift(whole);
    uint32_t divisor = (uint32_t)shifted(whole, right);
    int32_t drive = shifted(sums->num, right) - share(shifted(sums->den, right), state);
    uint32_t size = drive < 0 ? 0u - (uint32_t)drive : (uint32_t)drive;
    /* Half a divisor rounds. No carry: above it, the low word has two bits of `size` alone. */
    uint32_t change =
        ltc_divide(size >> (32 - STATE_BITS), (size << STATE_BITS) + (divisor >> 1), divisor);
    uint32_t room; /* to the end of the scale: rounding must not push a state over it */

    if (drive < 0) {
        room = (uint32_t)state + (uint32_t)LTC_FULL_SCALE;
        return change > room ? -LTC_FULL_SCALE : (int32_t)((uint32_t)state - change);
    }
    room = (uint32_t)LTC_FULL_SCALE - (uint32_t)state;
    return change > room ? LTC_FULL_SCALE : (int32_t)((uint32_t)state + change);
}

static void gather_sensory(struct ltc *net, const int32_t *inputs) {
    const struct ltc_synapse *sensory = net->sensory;

    for (uint32_t j = 0; j < net->neurons; j++) {
        uint32_t count = net->neuron[j].sensory;

        net->base[j] = ltc_leak(&net->neuron[j]);
        add_synapses(&net->base[j], sensory, count, inputs);
        sensory += count;
    }
}

static void unfold(struct ltc *net, const struct ltc_rate *rate) {
    const struct ltc_synapse *synapse = net->synapse;
    int32_t *swap = net->state;

    for (uint32_t j = 0; j < net->neurons; j++) {
        const struct ltc_neuron *neuron = &net->neuron[j];
        const struct ltc_sums *base = &net->base[j];
        struct ltc_sums sums = {base->num, base->den}; /* GCC calls memcpy() for a whole one */

        add_synapses(&sums, synapse, neuron->synapses, net->state);
        net->next[j] =
            updated(net->state[j], &sums, ltc_capacitance(neuron->cm, neuron->cm_shift, rate));
        synapse += neuron->synapses;
    }
    net->state = net->next;
    net->next = swap;
}

int ltc_step(struct ltc *net, const int32_t *inputs, uint32_t elapsed, int32_t *outputs) {
    struct ltc_rate rate;

    if (elapsed < LTC_ELAPSED_MIN || elapsed > LTC_ELAPSED_MAX) {
        return LTC_ERR_ELAPSED;
    }
    rate = ltc_rate(net->unfolds, elapsed);
    gather_sensory(net, inputs);
    for (uint32_t turn = 0; turn < net->unfolds; turn++) {
        unfold(net, &rate);
    }
    for (uint32_t k = 0; k < net->outputs; k++) {
        const struct ltc_output *output = &net->output[k];
        int32_t scaled = ltc_multiply(net->state[k], output->gain);
        int32_t half = output->shift > 0 ? 1 << (output->shift - 1) : 0;

        outputs[k] = ((scaled + half) >> output->shift) + output->offset;
    }
    return LTC_OK;
}

void ltc_reset(struct ltc *net) {
    for (uint32_t j = 0; j < net->neurons; j++) {
        net->state[j] = 0;
    }
}

int ltc_get_state(const struct ltc *net, int32_t *state, uint32_t count) {
    if (count != net->neurons) {
        return LTC_ERR_COUNT;
    }
    for (uint32_t j = 0; j < count; j++) {
        state[j] = net->state[j];
    }
    return LTC_OK;
}

int ltc_set_state(struct ltc *net, const int32_t *state, uint32_t count) {
    if (count != net->neurons) {
        return LTC_ERR_COUNT;
    }
    for (uint32_t j = 0; j < count; j++) {
        if (state[j] > LTC_FULL_SCALE || state[j] < -LTC_FULL_SCALE) {
            return LTC_ERR_STATE;
        }
    }
    for (uint32_t j = 0; j < count; j++) {
        net->state[j] = state[j];
    }
    return LTC_OK;
}
