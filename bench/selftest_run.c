// SPDX-License-Identifier: MIT
#include "bench/selftest_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "bench/comparison_run.h"
#include "bench/random.h"
#include "bench/scenario.h"
#include "bench/selftest_store.h"

enum {
    UNITS = 240,         // records that there are; they are read again and again
    FIRST_RECORDS = 400, // of the run that says how many it takes
    RUNS = 5,            // of each kind, while measuring how long they take
    FIRST_STEPS = 64,
    SHORT_RUNS = 2, // where it need only be about right
    CALIBRATION_PAIRS = 12,
    ARGUMENT_SIZE = 32
};
static const double run_limit = 600, calibration_share = 0.5;

const char *const selftest_template = "model.ts.j2";

// One side: so many records with so many steps each.
struct side {
    struct target target;
    const char *arguments[8];
    char records[ARGUMENT_SIZE], steps[ARGUMENT_SIZE], shown[64];
};

static void init_side(struct side *side, const struct selftest_options *options, uint32_t records,
                      uint64_t steps, double percent) {
    *side = (struct side){.target = {.kind = TARGET_COMMAND}};
    snprintf(side->records, sizeof side->records, "%u", (unsigned)records);
    snprintf(side->steps, sizeof side->steps, "%llu", (unsigned long long)steps);
    if (percent > 0)
        snprintf(side->shown, sizeof side->shown, "the operation, %g %% slower", percent);
    else
        snprintf(side->shown, sizeof side->shown, "the operation");
    const char *const words[] = {options->program, "bench",     SELFTEST_WORD, options->scratch,
                                 side->records,    side->steps, NULL};
    memcpy(side->arguments, words, sizeof words);
    side->target.arguments = side->arguments;
    side->target.shown = side->shown;
}

enum status selftest_prepare(const struct selftest_options *options, struct err *err) {
    const struct scenario *medium = scenario_find(STR("medium"));
    return scenario_make(medium, options->fs, options->scratch, UNITS, options->seed, options->interrupt,
                         err);
}

// ---- how many records, and how much a step is

// The least CPU time of some runs, which is what noise cannot make less.
static enum status measure(const struct selftest_options *options, uint32_t records, uint64_t steps, int runs,
                           double *seconds, struct err *err) {
    struct side side;
    cpu_set_t cpus = paired_cpus(PAIRED_CPU);
    struct buf errors = BUF_INIT;
    enum status status = STATUS_OK;
    init_side(&side, options, records, steps, 0);
    *seconds = INFINITY;
    for (int i = 0; i < runs && status == STATUS_OK; i++) {
        struct process_command command = target_command(&side.target);
        struct process_sample sample = {0};
        command.cpus = &cpus;
        command.seconds = run_limit;
        command.interrupt = options->interrupt;
        status = process_run(&command, &sample, NULL, &errors, err);
        if (status == STATUS_OK && sample.interrupted)
            status = err_set(err, STATUS_CANCELLED, "interrupted");
        else if (status == STATUS_OK && sample.exit_code != 0)
            status = err_set(err, STATUS_DATA, "a run ended with exit code %d: %.*s", sample.exit_code,
                             STR_ARG(target_last_lines(buf_str(&errors))));
        *seconds = fmin(*seconds, sample.user + sample.system);
    }
    buf_release(&errors);
    return status;
}

static enum status compare(const struct selftest_options *options, const struct selftest_operation *operation,
                           uint64_t steps, double percent, uint64_t seed, struct comparison *c,
                           struct err *err) {
    struct side a, b;
    init_side(&a, options, operation->records, 0, 0);
    init_side(&b, options, operation->records, steps, percent);
    struct comparison_run run = {.targets = {&a.target, &b.target},
                                 .seed = seed,
                                 .seconds = run_limit,
                                 .cpus = paired_cpus(PAIRED_CPU),
                                 .interrupt = options->interrupt};
    enum status status = comparison_run(c, &run, err);
    for (int which = 0; which < 2; which++)
        c->sides[which].shown = comparison_keep(c, c->sides[which].shown);
    if (status == STATUS_OK && c->interrupted)
        status = err_set(err, STATUS_CANCELLED, "interrupted");
    return status;
}

// So many steps that a run takes about half as long again.
static enum status find_steps(const struct selftest *s, const struct selftest_options *options,
                              uint64_t *steps, struct err *err) {
    double slow = 0, usual = s->operation.seconds;
    for (*steps = FIRST_STEPS; *steps <= UINT32_MAX; *steps *= 8) {
        if (measure(options, s->operation.records, *steps, SHORT_RUNS, &slow, err) != STATUS_OK)
            return err->status;
        if (slow > 2 * usual) // which is more than noise
            break;
    }
    if (*steps > UINT32_MAX)
        return err_set(err, STATUS_DATA, "the clock of this machine is too coarse to measure a busy loop");
    double wanted = calibration_share * usual / (slow - usual) * (double)*steps;
    *steps = (uint64_t)fmax(1, fmin(wanted, UINT32_MAX));
    return STATUS_OK;
}

// By how much a loop makes a run longer, by pairs: both loop and records get faster and slower with the machine.
static enum status measure_step(struct selftest *s, const struct selftest_options *options, struct err *err) {
    uint64_t steps;
    if (find_steps(s, options, &steps, err) != STATUS_OK)
        return err->status;
    struct comparison c;
    comparison_init(&c);
    c.pairs = CALIBRATION_PAIRS;
    enum status status = compare(options, &s->operation, steps, 0, options->seed, &c, err);
    double ratio = status == STATUS_OK ? comparison_ratio(&c, PAIRED_CPU) : 0;
    comparison_release(&c);
    if (status != STATUS_OK)
        return status;
    if (!(ratio > 1 + calibration_share / 10))
        return err_set(err, STATUS_DATA, "this machine is too busy to measure a busy loop");
    s->operation.share_per_step = (ratio - 1) / (double)steps;
    return STATUS_OK;
}

enum status selftest_calibrate(struct selftest *s, const struct selftest_options *options, struct err *err) {
    double empty, some;
    if (options->progress)
        options->progress(options->self, "how long a run takes", 0, 0, 0);
    if (measure(options, 1, 0, RUNS, &empty, err) != STATUS_OK ||
        measure(options, FIRST_RECORDS, 0, RUNS, &some, err) != STATUS_OK)
        return err->status;
    double each = fmax(some - empty, 1e-6) / FIRST_RECORDS, records = (options->run_seconds - empty) / each;
    s->operation.records = records < 1 ? 1 : records > 1e8 ? 100000000 : (uint32_t)records;
    if (measure(options, s->operation.records, 0, RUNS, &s->operation.seconds, err) != STATUS_OK)
        return err->status;
    return measure_step(s, options, err);
}

// ---- asking

// Two rounds as a gate has them, the second with its own seed and error.
static enum status ask_slower(const struct selftest *s, const struct selftest_options *options,
                              double percent, uint64_t seed, struct comparison *c, struct err *err) {
    uint64_t steps = (uint64_t)llround(percent / 100 / s->operation.share_per_step);
    struct comparison second;
    enum status status = compare(options, &s->operation, steps, percent, seed, c, err);
    c->confirm = true;
    if (status != STATUS_OK || !c->rounds_n || comparison_look(c, 0).verdict != VERDICT_FAIL)
        return status;
    comparison_init(&second);
    second.rule.alpha = gate_confirming_alpha(c->rule.alpha, GATE_ALPHA_SUITE, SELFTEST_SUITE);
    status = compare(options, &s->operation, steps, percent, seed ^ 0x5eed, &second, err);
    if (status == STATUS_OK && second.rounds_n) {
        c->rounds[c->rounds_n++] = second.rounds[0];
        second.rounds_n = 0; // it has been given away
    }
    comparison_release(&second);
    return status;
}

static enum status ask(struct selftest *s, const struct selftest_options *options, double percent,
                       uint64_t seed, struct err *err) {
    struct comparison c;
    comparison_init(&c);
    c.program = s->program;
    c.started = s->started;
    enum status status;
    if (percent > 0) {
        status = ask_slower(s, options, percent, seed, &c, err);
    } else {
        c.pairs = VERDICT_PAIRS;
        status = compare(options, &s->operation, 0, 0, seed, &c, err);
    }
    if (status == STATUS_OK && c.rounds_n == 0)
        status = err_set(err, STATUS_DATA, "two runs of the operation do not make the same output");
    if (status == STATUS_OK) {
        selftest_store_mark(&c, percent);
        status = options->store(options->self, &c, percent, err);
    }
    if (status == STATUS_OK)
        selftest_take(s, percent, &c);
    comparison_release(&c);
    return status;
}

static size_t wanted(const struct selftest_options *options, const struct selftest_level *level) {
    return level->percent > 0 ? options->comparisons : (options->pairs + VERDICT_PAIRS - 1) / VERDICT_PAIRS;
}

// The level of which the least is done; NULL: all is.
static struct selftest_level *next_level(struct selftest *s, const struct selftest_options *options) {
    struct selftest_level *next = NULL;
    double least = 1;
    for (size_t i = 0; i < s->levels_n; i++) {
        size_t all = wanted(options, &s->levels[i]);
        double done = all ? (double)s->levels[i].n / (double)all : 1;
        if (done < least) {
            least = done;
            next = &s->levels[i];
        }
    }
    return next;
}

// Others on the host had the CPUs; the question is asked once more when they may be done.
static void wait_for_host(const struct selftest_options *options) {
    enum { STEPS = 50 };
    const struct timespec step = {.tv_nsec = 200 * 1000 * 1000};
    for (int i = 0; i < STEPS && !(options->interrupt && atomic_load(options->interrupt)); i++)
        nanosleep(&step, NULL);
}

enum status selftest_run(struct selftest *s, const struct selftest_options *options, struct err *err) {
    enum { DISTURBED_MOST = 30 }; // in a row: five minutes of waiting
    const struct clock *clock = options->clock;
    unsigned disturbed = 0;
    uint64_t began = clock->monotonic(clock->self);
    struct selftest_level *level;
    while ((level = next_level(s, options)) != NULL) {
        double gone = (double)(clock->monotonic(clock->self) - began) / 1e9;
        if (options->seconds > 0 && gone >= options->seconds)
            return STATUS_OK;
        if (options->progress)
            options->progress(options->self, "compared", level->percent, level->n, wanted(options, level));
        // Each question has a seed of its own, whichever was asked before.
        struct random random = {options->seed + (uint64_t)llround(level->percent * 1000) * 1000003};
        for (size_t i = 0; i < level->n; i++)
            random_next(&random);
        const enum status status = ask(s, options, level->percent, random_next(&random) >> 32, err);
        if (status == STATUS_CONFLICT && disturbed++ < DISTURBED_MOST)
            wait_for_host(options);
        else if (status != STATUS_OK)
            return status;
        else
            disturbed = 0;
    }
    return STATUS_OK;
}
