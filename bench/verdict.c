// SPDX-License-Identifier: MIT
#include "bench/verdict.h"

#include <math.h>

#include "bench/signed_rank.h"

const uint32_t verdict_looks[VERDICT_LOOKS] = {8, 12, 16, 24, 32, 48, 64, VERDICT_PAIRS};

bool verdict_is_look(uint32_t pairs) {
    int i = 0;
    while (i < VERDICT_LOOKS && verdict_looks[i] != pairs)
        i++;
    return i < VERDICT_LOOKS;
}

const char *verdict_name(enum verdict verdict) {
    static const char *const names[] = {[VERDICT_MORE] = "MORE",
                                        [VERDICT_PASS] = "PASS",
                                        [VERDICT_FAIL] = "FAIL",
                                        [VERDICT_INCONCLUSIVE] = "INCONCLUSIVE",
                                        [VERDICT_INVALID] = "INVALID"};
    return names[verdict];
}

struct verdict_rule verdict_rule_default(void) {
    return (struct verdict_rule){
        .alpha = 0.02, .beta = 0.025, .certain = 0.01, .large = 0.03, .harmless = 0.05};
}

// The errors that one look may make.
static void spend(const struct verdict_rule *rule, uint32_t pairs, double *alarm, double *clear) {
    double before = 0, now = (double)pairs / VERDICT_PAIRS;
    for (int i = 0; i < VERDICT_LOOKS && verdict_looks[i] < pairs; i++)
        before = (double)verdict_looks[i] / VERDICT_PAIRS;
    *alarm = rule->alpha * (now * now - before * before);
    *clear = rule->beta * (now - before);
}

static struct verdict_look look_at(const double *differences, uint32_t pairs, const struct verdict_rule *rule,
                                   double alarm, double clear) {
    struct walsh walsh;
    walsh_init(&walsh, differences, pairs);
    double estimate = walsh_estimate(&walsh), lower = walsh_lower(&walsh, alarm),
           upper = walsh_upper(&walsh, clear);
    walsh_release(&walsh);
    enum verdict verdict = VERDICT_MORE;
    if (lower > log1p(rule->certain) && estimate >= log1p(rule->large))
        verdict = VERDICT_FAIL;
    else if (upper < log1p(rule->harmless))
        verdict = VERDICT_PASS;
    return (struct verdict_look){verdict, pairs, exp(estimate), exp(lower), exp(upper)};
}

struct verdict_look verdict_at(const double *differences, uint32_t pairs, const struct verdict_rule *rule) {
    double alarm, clear;
    spend(rule, pairs, &alarm, &clear);
    struct verdict_look look = look_at(differences, pairs, rule, alarm, clear);
    if (look.verdict == VERDICT_MORE && pairs >= VERDICT_PAIRS)
        look.verdict = VERDICT_INCONCLUSIVE;
    return look;
}

struct verdict_look verdict_once(const double *differences, uint32_t n, const struct verdict_rule *rule) {
    struct verdict_look look = look_at(differences, n, rule, rule->alpha, rule->beta);
    if (look.verdict == VERDICT_MORE)
        look.verdict = VERDICT_INCONCLUSIVE;
    return look;
}

struct verdict_look verdict_of(const double *differences, uint32_t n, const struct verdict_rule *rule) {
    struct verdict_look look = {.verdict = VERDICT_MORE};
    for (int i = 0; i < VERDICT_LOOKS && verdict_looks[i] <= n && look.verdict == VERDICT_MORE; i++)
        look = verdict_at(differences, verdict_looks[i], rule);
    return look;
}

void verdict_outlook(const struct verdict_look *look, const struct verdict_rule *rule, double *smallest,
                     uint32_t *pairs) {
    // What lies between the estimate and its bound is noise, and shrinks with the root of the number of pairs.
    double estimate = log(look->estimate);
    double below = look->lower > 0 ? estimate - log(look->lower) : INFINITY;
    double above = isinf(look->upper) ? INFINITY : log(look->upper) - estimate;
    *smallest = fmax(expm1(log1p(rule->certain) + below), rule->large);
    double room_fail = estimate - log1p(rule->certain), room_pass = log1p(rule->harmless) - estimate;
    double fail = estimate >= log1p(rule->large) && room_fail > 0 ? below / room_fail : INFINITY;
    double pass = room_pass > 0 ? above / room_pass : INFINITY;
    double factor = fmin(fail, pass), wanted = ceil(look->pairs * factor * factor);
    *pairs = wanted < UINT32_MAX ? (uint32_t)wanted : UINT32_MAX;
}
