#include "rule.h"

static bool is_largest(const int32_t *outputs, uint32_t count, uint32_t output) {
    for (uint32_t i = 0; i < count; i++) {
        if (i < output ? outputs[i] >= outputs[output] : outputs[i] > outputs[output]) {
            return false;
        }
    }
    return true;
}

void rule_begin(struct rule *rule) {
    rule->run = 0;
}

bool rule_take(struct rule *rule, const int32_t *outputs, uint32_t count) {
    const bool holds = rule->kind == RULE_LARGEST ? is_largest(outputs, count, rule->output)
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
