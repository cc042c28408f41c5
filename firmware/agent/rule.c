#include "rule.h"

/* Whether a * 2^a_shift > b * 2^b_shift; exact, without numbers of 64 bits. */
static bool exceeds(int32_t a, uint32_t a_shift, int32_t b, uint32_t b_shift) {
    if (a_shift >= b_shift) {
        return a > b >> (a_shift - b_shift);
    }
    const uint32_t down = b_shift - a_shift;
    const int32_t whole = a >> down;
    const bool more = ((uint32_t)a & ((1u << down) - 1u)) != 0;
    return whole > b || (whole == b && more);
}

static bool is_largest(const struct rule *rule, const int32_t *outputs, uint32_t count) {
    const uint32_t *shifts = rule->shifts;
    const uint32_t own = rule->output;
    for (uint32_t i = 0; i < count; i++) {
        const bool larger = i < own ? !exceeds(outputs[own], shifts[own], outputs[i], shifts[i])
                                    : exceeds(outputs[i], shifts[i], outputs[own], shifts[own]);
        if (larger) {
            return false;
        }
    }
    return true;
}

void rule_begin(struct rule *rule) {
    rule->run = 0;
}

bool rule_take(struct rule *rule, const int32_t *outputs, uint32_t count) {
    const bool holds = rule->kind == RULE_LARGEST ? is_largest(rule, outputs, count)
                                                  : outputs[rule->output] > rule->threshold;
    if (!holds) {
        rule->run = 0;
        return false;
    }
    if (rule->run <= rule->steps) {
        rule->run++;
    }
    return rule->run == rule->steps;
}
