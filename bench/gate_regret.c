// SPDX-License-Identifier: MIT
#include "bench/gate_regret.h"

#include <string.h>

#include "bench/contest_figures.h"

struct verdict_rule gate_regret_rule(double limit) {
    struct verdict_rule rule = verdict_rule_default();
    rule.certain = limit < GATE_REGRET_CERTAIN ? limit : GATE_REGRET_CERTAIN;
    rule.large = rule.harmless = limit;
    return rule;
}

enum status gate_regret_best(const struct gate_place *place, const char *program,
                             const struct gate_place_options *options, const struct clock *clock,
                             const char **best, struct err *err) {
    struct contest_variant variants[RANKING_MOST] = {0};
    struct contest_result result = {0};
    struct contest_options contest = {.program = program,
                                      .scratch = options->scratch,
                                      .manifest = place->manifest,
                                      .variants = variants,
                                      .states = {[CONTEST_COLD] = true},
                                      .budget = place->benchmark->budget,
                                      .seed = options->seed,
                                      .fs = options->fs,
                                      .clock = clock,
                                      .interrupt = options->interrupt};
    for (size_t i = 0; options->strategy(i) && contest.variants_n < RANKING_MOST; i++)
        if (strcmp(options->strategy(i), GATE_REGRET_AUTO) != 0)
            variants[contest.variants_n++] =
                (struct contest_variant){.name = options->strategy(i),
                                         .words = {"--strategy", options->strategy(i)},
                                         .candidate = true};
    enum status status = contest_run(&contest, &result, err);
    uint32_t order[RANKING_MOST];
    if (status == STATUS_OK && result.interrupted)
        status = err_set(err, STATUS_CANCELLED, "interrupted");
    if (status == STATUS_OK && contest_order(&result, CONTEST_COLD, order))
        *best = variants[order[0]].name;
    else if (status == STATUS_OK)
        status = err_set(err, STATUS_DATA, "no strategy could be timed");
    contest_release(&result);
    return status;
}
