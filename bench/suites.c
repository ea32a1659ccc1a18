// SPDX-License-Identifier: MIT
#include "bench/suites.h"

#include <assert.h>

#include "bench/random.h"

static struct verdict_look run_round(const double *differences, size_t n, double scale,
                                     const struct verdict_rule *rule, struct random *random) {
    double flipped[VERDICT_PAIRS];
    size_t from = (size_t)(random_unit(random) * (double)n);
    for (size_t i = 0; i < VERDICT_PAIRS; i++) {
        double d = scale * differences[(from + i) % n];
        flipped[i] = random_next(random) >> 63 ? -d : d;
    }
    return verdict_of(flipped, VERDICT_PAIRS, rule);
}

struct suites_result suites_flip(const double *differences, size_t n, const struct suites_options *options) {
    assert(n >= VERDICT_PAIRS);
    struct suites_result result = {0};
    struct random random = {options->seed};
    struct verdict_rule confirming = options->rule;
    confirming.alpha = options->alpha_suite / (options->benchmarks * options->rule.alpha);
    if (confirming.alpha > VERDICT_CONFIRMING_ALPHA)
        confirming.alpha = VERDICT_CONFIRMING_ALPHA;
    for (uint32_t suite = 0; suite < options->suites; suite++) {
        bool failed = false;
        for (uint32_t i = 0; i < options->benchmarks; i++) {
            struct verdict_look look = run_round(differences, n, options->scale, &options->rule, &random);
            result.pairs += look.pairs;
            result.passed += look.verdict == VERDICT_PASS;
            result.inconclusive += look.verdict == VERDICT_INCONCLUSIVE;
            if (look.verdict != VERDICT_FAIL)
                continue;
            result.flagged++;
            look = run_round(differences, n, options->scale, &confirming, &random);
            failed = failed || look.verdict == VERDICT_FAIL;
        }
        result.failed += failed;
    }
    return result;
}
