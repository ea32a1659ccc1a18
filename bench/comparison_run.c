// SPDX-License-Identifier: MIT
#include "bench/comparison_run.h"

#include <assert.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/random.h"

struct stages {      // of all runs that were timed
    double *seconds; // owned; WORK_STAGES a run
    size_t n, cap;
};

struct round {
    struct comparison *c;
    const struct comparison_run *run;
    size_t number;
    struct stages stages[2];
    bool settled; // by outputs or work, so that there is nothing to time
};

static void take_side(struct comparison *c, int which, const struct target *target) {
    struct comparison_side *side = &c->sides[which];
    side->shown = comparison_keep(c, target->shown);
    side->kind = target_kind_name(target->kind);
    side->version = target->version ? comparison_keep(c, target->version) : NULL;
}

static void add_stages(struct stages *stages, const double seconds[WORK_STAGES]) {
    MEM_GROW(stages->seconds, stages->cap, (stages->n + 1) * WORK_STAGES);
    memcpy(stages->seconds + stages->n++ * WORK_STAGES, seconds, WORK_STAGES * sizeof *seconds);
}

static void settle_stages(struct stages *stages, struct comparison_side *side) {
    double *values = MEM_NEW_ARRAY(double, stages->n + 1);
    for (size_t stage = 0; stage < WORK_STAGES && stages->n; stage++) {
        for (size_t i = 0; i < stages->n; i++)
            values[i] = stages->seconds[i * WORK_STAGES + stage];
        side->stages[stage] = quantiles_median(values, stages->n);
    }
    mem_free(values);
    mem_free(stages->seconds);
}

// The first run of each says what its output and work are; all others must agree with that.
static bool check(void *self, int which, const struct process_sample *sample, struct str output,
                  struct str errors, struct err *err) {
    struct round *round = self;
    struct comparison *c = round->c;
    struct comparison_side *side = &c->sides[which];
    const struct target *target = round->run->targets[which];
    struct target_report report;
    if (target_take(target, sample, output, errors, &report, err) != STATUS_OK)
        return false;
    if (side->known && c->compares_output && !digest_equal(side->digest, report.digest)) {
        err_set(err, STATUS_DATA, "%s does not make the same output each time%s", target->shown,
                " (--ignore-output compares all the same)");
        return false;
    }
    if (side->known)
        add_stages(&round->stages[which], report.stages);
    else
        side->work = report.work;
    side->digest = report.digest;
    side->known = true;
    enum judgement_reason reason = comparison_judge(c).reason;
    round->settled = reason == JUDGED_BY_OUTPUT || reason == JUDGED_BY_WORK;
    if (round->settled)
        err_set(err, STATUS_CANCELLED, "there is nothing to time");
    return !round->settled;
}

static void progress(void *self, const struct verdict_look *look, uint32_t pairs) {
    const struct round *round = self;
    if (round->run->progress)
        round->run->progress(round->run->self, round->number, look, pairs);
}

static enum status run_round(struct comparison *c, const struct comparison_run *run, double alpha,
                             struct err *err) {
    struct round round = {.c = c, .run = run, .number = c->rounds_n};
    struct random random = {run->seed};
    struct verdict_rule rule = c->rule;
    rule.alpha = alpha;
    struct paired_options options = {.a = target_command(run->targets[0]),
                                     .b = target_command(run->targets[1]),
                                     .metric = c->metric,
                                     .rule = rule,
                                     .seed = round.number ? random_next(&random) >> 32 : run->seed,
                                     .pairs = c->pairs,
                                     .cpus = run->cpus,
                                     .seconds = run->seconds,
                                     .interrupt = run->interrupt,
                                     .self = &round,
                                     .check = check,
                                     .progress = progress};
    struct paired_result result;
    enum status status = paired_run(&options, &result, err);
    for (int which = 0; which < 2; which++)
        settle_stages(&round.stages[which], &c->sides[which]);
    if (round.settled) {
        paired_release(&result);
        return STATUS_OK;
    }
    c->interrupted = result.interrupted;
    c->rounds[c->rounds_n++] =
        (struct comparison_round){options.seed, options.rule.alpha, result.pairs, result.pairs_n};
    return status;
}

enum status comparison_confirm(struct comparison *c, const struct comparison_run *run, double alpha,
                               struct err *err) {
    assert(c->rounds_n == 1);
    c->confirm = true;
    return run_round(c, run, alpha, err);
}

enum status comparison_run(struct comparison *c, const struct comparison_run *run, struct err *err) {
    for (int which = 0; which < 2; which++)
        take_side(c, which, run->targets[which]);
    host_describe(&c->host, &run->cpus);
    enum status status = run_round(c, run, c->rule.alpha, err);
    bool flagged = status == STATUS_OK && !c->interrupted && c->rounds_n == 1 &&
                   comparison_look(c, 0).verdict == VERDICT_FAIL;
    return flagged && c->confirm ? comparison_confirm(c, run, comparison_rule(c, 1).alpha, err) : status;
}
