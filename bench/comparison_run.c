// SPDX-License-Identifier: MIT
#include "bench/comparison_run.h"

#include "bench/random.h"

struct round {
    struct comparison *c;
    const struct comparison_run *run;
    size_t number;
    bool settled; // by outputs or work, so that there is nothing to time
};

static void take_side(struct comparison_side *side, const struct target *target) {
    side->shown = target->shown;
    side->kind = target_kind_name(target->kind);
    side->version = target->version;
}

// The first run of each says what its output and work are; all others must agree with that.
static bool check(void *self, int which, const struct process_sample *sample, struct str output,
                  struct str errors, struct err *err) {
    struct round *round = self;
    struct comparison *c = round->c;
    struct comparison_side *side = &c->sides[which];
    const struct target *target = round->run->targets[which];
    struct digest digest;
    if (target_take(target, sample, output, errors, &digest, side->known ? NULL : &side->work, err) !=
        STATUS_OK)
        return false;
    if (side->known && c->compares_output && !digest_equal(side->digest, digest)) {
        err_set(err, STATUS_DATA, "%s does not make the same output each time%s", target->shown,
                " (--ignore-output compares all the same)");
        return false;
    }
    side->digest = digest;
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

static enum status run_round(struct comparison *c, const struct comparison_run *run, struct err *err) {
    struct round round = {.c = c, .run = run, .number = c->rounds_n};
    struct random random = {run->seed};
    struct paired_options options = {.a = target_command(run->targets[0]),
                                     .b = target_command(run->targets[1]),
                                     .metric = c->metric,
                                     .rule = comparison_rule(c, round.number),
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
    if (round.settled) {
        paired_release(&result);
        return STATUS_OK;
    }
    c->interrupted = result.interrupted;
    c->rounds[c->rounds_n++] =
        (struct comparison_round){options.seed, options.rule.alpha, result.pairs, result.pairs_n};
    return status;
}

enum status comparison_run(struct comparison *c, const struct comparison_run *run, struct err *err) {
    for (int which = 0; which < 2; which++)
        take_side(&c->sides[which], run->targets[which]);
    host_describe(&c->host, &run->cpus);
    enum status status = run_round(c, run, err);
    bool flagged = status == STATUS_OK && !c->interrupted && c->rounds_n == 1 &&
                   comparison_look(c, 0).verdict == VERDICT_FAIL;
    return flagged && c->confirm ? run_round(c, run, err) : status;
}
