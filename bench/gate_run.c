// SPDX-License-Identifier: MIT
#include "bench/gate_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bench/comparison_run.h"
#include "bench/compiler.h"
#include "bench/gate_regret.h"
#include "bench/gate_words.h"
#include "bench/random.h"

enum round { FIRST, CONFIRMING, MIRRORED };

struct runner {
    const struct gate_run_options *options;
    struct gate_result *r;
    size_t row;
    enum round session;
};

static double now(const struct runner *runner) {
    const struct clock *clock = runner->options->clock;
    return (double)clock->monotonic(clock->self) / 1e9;
}

static bool is_interrupted(const struct runner *runner) {
    const atomic_bool *interrupt = runner->options->place.interrupt;
    return interrupt && atomic_load(interrupt);
}

// ---- one session of one benchmark

static void progress(void *self, size_t round, const struct verdict_look *look, uint32_t pairs) {
    const struct runner *runner = self;
    (void)round;
    if (runner->options->progress)
        runner->options->progress(runner->options->self, runner->r->rows[runner->row].name,
                                  runner->session == FIRST ? 1 : 2, look, pairs);
}

// Of its own for each benchmark and session; as many bits as a document's numbers have.
static uint64_t seed_of(const struct runner *runner) {
    struct random random = {runner->options->suite->seed};
    random.state ^= (uint64_t)(runner->row + 1) << 32 | (uint64_t)runner->session << 60;
    random_next(&random);
    return random_next(&random) >> 32;
}

// What the pairs are judged by, unless the benchmark says something else: strategies differ in their number of workers,
// which shows in wall time on all CPUs and nowhere else.
static enum paired_metric metric_of(const struct gate_benchmark *b, const struct gate_place *place) {
    if (b->metric_given)
        return b->metric;
    return b->kind == GATE_REGRET ||
                   (place->targets[0].kind == TARGET_STRATEGY && place->targets[1].kind == TARGET_STRATEGY)
               ? PAIRED_WALL
               : PAIRED_CPU;
}

static void describe(struct runner *runner, const struct gate_benchmark *b, const struct gate_place *place,
                     struct comparison *c) {
    const struct gate_result *r = runner->r;
    c->metric = metric_of(b, place);
    c->rule = b->kind == GATE_REGRET ? gate_regret_rule(b->limit) : verdict_rule_default();
    c->rule.alpha = r->alpha;
    c->pairs = b->pairs;
    c->compares_output = !b->ignores_output;
    c->accepted = b->accepted;
    c->accepted_n = b->accepted_n;
    c->program = r->program;
    c->started = r->started;
    c->arguments = r->arguments;
    c->arguments_n = r->arguments_n;
}

// An improvement is hinted by an estimate, which errs as often as it likes, so all of the error is the second session's.
static double alpha_of(const struct runner *runner) {
    const struct gate_result *r = runner->r;
    size_t m = runner->options->suite->n;
    return runner->session == CONFIRMING ? gate_confirming_alpha(r->alpha, r->alpha_suite, m)
                                         : r->alpha_suite / (double)m;
}

// A does more work than the B that became faster, which is no reason not to time it.
static void expect_less(const struct gate_row *row, struct comparison *mirror, double alpha) {
    const struct work *work = &row->comparison.sides[0].work;
    const char **accepted = ARENA_NEW_ARRAY(&mirror->arena, const char *, work->n + 1);
    if (!accepted)
        mem_fail(work->n);
    for (size_t i = 0; i < work->n; i++)
        accepted[i] = comparison_keep(mirror, work->counters[i].name);
    mirror->accepted = accepted;
    mirror->accepted_n = work->n;
    mirror->rule.alpha = alpha;
}

static enum status time_place(struct runner *runner, struct gate_place *place, struct err *err) {
    struct gate_row *row = &runner->r->rows[runner->row];
    struct comparison *c = runner->session == MIRRORED ? &row->mirror : &row->comparison;
    if (runner->session != CONFIRMING)
        describe(runner, place->benchmark, place, c);
    bool exchanged = runner->session == MIRRORED;
    struct comparison_run run = {.targets = {&place->targets[exchanged], &place->targets[!exchanged]},
                                 .seed = seed_of(runner),
                                 .seconds = place->benchmark->seconds,
                                 .cpus = paired_cpus(c->metric),
                                 .interrupt = runner->options->place.interrupt,
                                 .self = runner,
                                 .progress = progress};
    if (exchanged)
        expect_less(row, c, alpha_of(runner));
    if (runner->session == CONFIRMING)
        return comparison_confirm(c, &run, alpha_of(runner), err);
    row->counts_instructions =
        compiler_is_same(place->targets[0].arguments[0], place->targets[1].arguments[0]);
    return comparison_run(c, &run, err);
}

// Warm ones have run before the first that is looked at.
static enum status warm_up(struct runner *runner, struct gate_place *place, struct err *err) {
    struct target_report report;
    struct process_sample sample;
    for (int which = 0; which < 2 && place->benchmark->warm; which++)
        if (place->has[which] && gate_place_run(place, which, runner->options->place.interrupt, &report,
                                                &sample, err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

static const struct gate_record *find_record(const struct gate_run_options *options,
                                             const struct gate_benchmark *b) {
    for (size_t i = 0; i < options->records_n; i++)
        if (strcmp(options->records[i].name, b->name) == 0 && options->records[i].scale == b->scale)
            return &options->records[i];
    return NULL;
}

static int by_size(const void *a, const void *b) {
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median_of(double *values, size_t n) {
    qsort(values, n, sizeof *values, by_size);
    return values[n / 2];
}

// Of B alone.
static enum status run_candidate(struct runner *runner, struct gate_place *place,
                                 struct target_report *report, struct err *err) {
    enum { RUNS = 5 };
    double cpu[RUNS], wall[RUNS];
    struct gate_row *row = &runner->r->rows[runner->row];
    const size_t runs = runner->options->takes_time ? RUNS : 1;
    for (size_t i = 0; i < runs; i++) {
        struct process_sample sample;
        if (gate_place_run(place, 1, runner->options->place.interrupt, report, &sample, err) != STATUS_OK)
            return err->status;
        cpu[i] = sample.user + sample.system;
        wall[i] = sample.wall;
    }
    if (runs == RUNS) {
        row->cpu_seconds = median_of(cpu, RUNS);
        row->wall_seconds = median_of(wall, RUNS);
    }
    return STATUS_OK;
}

static void warn_of_time(struct runner *runner, const struct gate_record *record) {
    struct gate_row *row = &runner->r->rows[runner->row];
    const struct baseline *usual = &record->usual;
    if (!record->usual_known || !(row->cpu_seconds > usual->high))
        return;
    gate_warn(runner->r,
              gate_printf(runner->r,
                          "%s took %s of CPU time; the last %zu took %s, and the next was to take %s "
                          "at most: a reason to look, and no verdict",
                          row->name, gate_value_text(runner->r, row->cpu_seconds, PAIRED_CPU), usual->n,
                          gate_value_text(runner->r, usual->mean, PAIRED_CPU),
                          gate_value_text(runner->r, usual->high, PAIRED_CPU)));
}

static enum status compare_record(struct runner *runner, struct gate_place *place, struct err *err) {
    struct gate_row *row = &runner->r->rows[runner->row];
    struct comparison *c = &row->comparison;
    const struct gate_record *record = find_record(runner->options, place->benchmark);
    struct target_report report;
    if (!record && !runner->options->takes_time)
        return err_set(err, STATUS_DATA, "nothing is known of it from A, which does not run here");
    if (run_candidate(runner, place, &report, err) != STATUS_OK)
        return err->status;
    describe(runner, place->benchmark, place, c);
    row->only_record = true;
    c->sides[0] = (struct comparison_side){.shown = "record", .kind = "record"};
    if (record) {
        c->sides[0].known = true;
        c->sides[0].digest = record->digest;
        c->sides[0].work = record->work;
        warn_of_time(runner, record);
    }
    c->sides[1] = (struct comparison_side){.shown = comparison_keep(c, place->targets[1].shown),
                                           .kind = target_kind_name(place->targets[1].kind),
                                           .known = true,
                                           .digest = report.digest,
                                           .work = report.work};
    return STATUS_OK;
}

// Whether A still makes what it made when it was kept.
static void check_record(const struct runner *runner, const struct gate_benchmark *b) {
    struct gate_row *row = &runner->r->rows[runner->row];
    const struct gate_record *record = find_record(runner->options, b);
    const struct comparison_side *a = &row->comparison.sides[0];
    if (record && a->known && !digest_equal(record->digest, a->digest))
        row->note = "A does not make what it made when it was kept: records or templates have changed since";
}

static enum status run_place(struct runner *runner, struct gate_place *place, struct err *err) {
    const bool has_a = place->has[0];
    if (!has_a)
        return compare_record(runner, place, err);
    enum status status = warm_up(runner, place, err);
    if (status == STATUS_OK)
        status = time_place(runner, place, err);
    if (status == STATUS_OK && runner->session == FIRST)
        check_record(runner, place->benchmark);
    return status;
}

// Of regret the texts are two strategies, and the program that runs them is B.
static enum status run_regret(struct runner *runner, const struct gate_benchmark *b, struct err *err) {
    const struct gate_run_options *options = runner->options;
    struct gate_row *row = &runner->r->rows[runner->row];
    struct gate_place_options inner = options->place;
    struct gate_place place;
    bool program = strchr(options->texts[1], '/') != NULL;
    inner.self = program ? options->texts[1] : options->place.self;
    const char *best = row->comparison.sides[0].shown;
    const char *texts[2] = {NULL, GATE_REGRET_AUTO};
    enum status status = gate_place_init(&place, b, texts, &inner, err);
    if (status == STATUS_OK && runner->session == FIRST)
        status = gate_regret_best(&place, inner.self, &inner, options->clock, &best, err);
    gate_place_release(&place);
    texts[0] = best;
    if (status != STATUS_OK)
        return status;
    status = gate_place_init(&place, b, texts, &inner, err);
    if (status == STATUS_OK)
        status = time_place(runner, &place, err);
    gate_place_release(&place);
    return status;
}

static enum status run_benchmark(struct runner *runner, const struct gate_benchmark *b, struct err *err) {
    const struct gate_run_options *options = runner->options;
    const bool control = runner->r->rows[runner->row].kind == GATE_CONTROL;
    const char *const texts[2] = {options->texts[0], options->texts[control ? 0 : 1]};
    struct gate_place place;
    if (b->kind == GATE_REGRET)
        return run_regret(runner, b, err);
    enum status status = gate_place_init(&place, b, texts, &options->place, err);
    if (status == STATUS_OK)
        status = run_place(runner, &place, err);
    gate_place_release(&place);
    return status;
}

static void run_session(struct runner *runner, size_t row, enum round session,
                        const struct gate_benchmark *b) {
    struct gate_result *r = runner->r;
    struct err err;
    double began = now(runner);
    if (is_interrupted(runner))
        return;
    runner->row = row;
    runner->session = session;
    progress(runner, 0, &(struct verdict_look){0}, 0);
    enum status status = run_benchmark(runner, b, &err);
    r->rows[row].seconds += now(runner) - began;
    for (char *at = err.text; status != STATUS_OK && *at; at++)
        if (*at == '\n')
            *at = ' ';
    if (status == STATUS_CONFLICT) // nobody's fault here: it was not found out
        r->rows[row].note = gate_keep(r, err.text);
    else if (status != STATUS_OK && status != STATUS_CANCELLED)
        r->rows[row].error = gate_keep(r, err.text);
}

// ---- all of them

// The benchmark that the control runs; NULL: there is none.
static const struct gate_benchmark *find_control(const struct gate_run_options *options) {
    const struct gate_suite *suite = options->suite;
    for (size_t i = 0; i < suite->n && suite->has_control && options->texts[0]; i++) {
        const struct gate_benchmark *b = &suite->benchmarks[i];
        bool can = b->kind == GATE_SCENARIO || b->kind == GATE_MANIFEST;
        if (suite->control ? strcmp(b->name, suite->control) == 0 : can)
            return can ? b : NULL;
    }
    return NULL;
}

static void second_session(struct runner *runner, const struct gate_benchmark *control) {
    const struct gate_suite *suite = runner->options->suite;
    for (size_t i = 0; i < runner->r->rows_n; i++) {
        const struct gate_row *row = &runner->r->rows[i];
        const struct gate_benchmark *b = i < suite->n ? &suite->benchmarks[i] : control;
        bool faster = i >= suite->n || runner->options->confirms_faster;
        if (gate_is_flagged(row))
            run_session(runner, i, CONFIRMING, b);
        else if (faster && gate_is_hinted(row))
            run_session(runner, i, MIRRORED, b);
    }
}

static void keep_accepted(struct gate_result *r) {
    for (size_t i = 0; i < r->rows_n; i++) {
        struct comparison *c = &r->rows[i].comparison;
        const char **kept = ARENA_NEW_ARRAY(&c->arena, const char *, c->accepted_n + 1);
        if (!kept)
            mem_fail(c->accepted_n);
        for (size_t k = 0; k < c->accepted_n; k++)
            kept[k] = comparison_keep(c, c->accepted[k]);
        c->accepted = kept;
    }
}

enum status gate_run(const struct gate_run_options *options, struct gate_result *r, struct err *err) {
    const struct gate_suite *suite = options->suite;
    struct runner runner = {.options = options, .r = r};
    const struct gate_benchmark *control = find_control(options);
    double began = now(&runner);
    if (suite->control && !control)
        return err_set(err, STATUS_DATA, "%s cannot be the control: only what the baseline runs can",
                       suite->control);
    r->suite = gate_keep(r, suite->name);
    r->seed = suite->seed;
    if (options->alpha_suite > 0)
        r->alpha_suite = options->alpha_suite;
    for (size_t i = 0; i < suite->n; i++)
        gate_add(r, suite->benchmarks[i].name, suite->benchmarks[i].kind, suite->benchmarks[i].of);
    if (control)
        gate_add(r, gate_kinds[GATE_CONTROL], GATE_CONTROL, control->of);
    for (size_t i = 0; i < r->rows_n; i++)
        run_session(&runner, i, FIRST, i < suite->n ? &suite->benchmarks[i] : control);
    second_session(&runner, control);
    keep_accepted(r);
    cpu_set_t cpus = paired_cpus(PAIRED_WALL);
    host_describe(&r->host, &cpus);
    r->interrupted = is_interrupted(&runner);
    r->seconds = now(&runner) - began;
    gate_judge(r);
    return STATUS_OK;
}

// ---- what A was once

enum status gate_run_records(const struct gate_run_options *options, struct gate_record *records, size_t *n,
                             struct err *err) {
    const struct gate_suite *suite = options->suite;
    enum status status = STATUS_OK;
    *n = 0;
    for (size_t i = 0; i < suite->n && status == STATUS_OK; i++) {
        const struct gate_benchmark *b = &suite->benchmarks[i];
        const char *const texts[2] = {NULL, options->texts[1]};
        struct gate_place place;
        struct target_report report;
        struct process_sample sample;
        if (b->kind == GATE_REGRET)
            continue;
        if (options->progress)
            options->progress(options->self, b->name, 0, &(struct verdict_look){0}, 0);
        status = gate_place_init(&place, b, texts, &options->place, err);
        if (status == STATUS_OK)
            status = gate_place_run(&place, 1, options->place.interrupt, &report, &sample, err);
        if (status == STATUS_OK)
            records[(*n)++] = (struct gate_record){.name = b->name,
                                                   .scale = b->scale,
                                                   .digest = report.digest,
                                                   .work = report.work,
                                                   .cpu_seconds = sample.user + sample.system};
        gate_place_release(&place);
    }
    return status;
}
