// SPDX-License-Identifier: MIT
#include "bench/scenario_run.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/quantiles.h"
#include "bench/random.h"
#include "bench/target.h"

enum { PATH_SIZE = 4096, WORDS_SIZE = 16, WORDS_SHOWN = 300, SESSION_MOST = 16 << 20 };

const char *const scenario_stages[SCENARIO_STAGES] = {"compile", "load", "render", "emit"};

struct runner {
    const struct scenario *scenario;
    const struct scenario_options *options;
    struct scenario_result *result;
    char directory[PATH_SIZE], output[PATH_SIZE], manifest[PATH_SIZE], touched[PATH_SIZE], history[PATH_SIZE];
    struct random random;
    struct buf printed, errors;
    uint32_t done, all;
};

// ---- one run

static uint64_t count_in(const json_t *report, const char *key) {
    json_int_t n = json_integer_value(json_object_get(report, key));
    return n > 0 ? (uint64_t)n : 0;
}

static void take_report(const json_t *report, struct scenario_sample *sample) {
    const json_t *stages = json_object_get(report, "stage_seconds");
    sample->records = count_in(report, "loaded");
    sample->outputs = count_in(report, "rendered");
    sample->written = count_in(report, "written");
    sample->unchanged = count_in(report, "unchanged");
    sample->source_bytes = count_in(report, "source_bytes");
    sample->output_bytes = count_in(report, "output_bytes");
    sample->stored_bytes = count_in(report, "bytes_written");
    sample->seconds = json_number_value(json_object_get(report, "seconds"));
    for (int i = 0; i < SCENARIO_STAGES; i++)
        sample->stage_seconds[i] = json_number_value(json_object_get(stages, scenario_stages[i]));
}

// What only the session knows, which a run has kept as ID.json.
static void take_session(struct runner *r, const char *id, struct scenario_sample *sample) {
    char path[PATH_SIZE + 64], *text;
    size_t size;
    struct err err;
    snprintf(path, sizeof path, "%s/sessions/%s.json", r->history, id);
    if (fs_read_file(r->options->fs, path, SESSION_MOST, &text, &size, &err) != STATUS_OK)
        return; // then it is not known
    json_t *session = json_loadb(text, size, 0, NULL);
    const json_t *render = json_object_get(json_object_get(session, "distributions"), "render");
    sample->timed = json_is_object(render);
    for (int i = 0; i < SCENARIO_QUANTILES; i++)
        sample->render[i] = json_number_value(json_object_get(render, metric_figures[i]));
    json_decref(session);
    mem_free(text);
}

static enum status read_report(struct runner *r, struct scenario_sample *sample, struct work *work,
                               struct err *err) {
    json_t *report = work_report(buf_str(&r->printed));
    const char *digest = json_string_value(json_object_get(report, "digest"));
    const char *session = json_string_value(json_object_get(report, "session"));
    enum status status = STATUS_OK;
    if (digest && strlen(digest) == DIGEST_HEX_SIZE - 1) {
        memcpy(sample->digest, digest, DIGEST_HEX_SIZE);
        take_report(report, sample);
        work_read(work, report);
        if (session && !strchr(session, '/'))
            take_session(r, session, sample);
    } else {
        status = err_set(err, STATUS_DATA, "%s: the run printed no report", r->scenario->name);
    }
    json_decref(report);
    return status;
}

// With the last lines that it said, as one.
static enum status run_failed(struct runner *r, const struct scenario_sample *sample, struct err *err) {
    struct buf *words = &r->errors;
    size_t from = words->n > WORDS_SHOWN ? words->n - WORDS_SHOWN : 0;
    while (from > 0 && from < words->n && words->p[from - 1] != '\n')
        from++;
    while (words->n > from && words->p[words->n - 1] == '\n')
        words->n--;
    for (size_t i = from; i < words->n; i++)
        if (words->p[i] == '\n')
            words->p[i] = ' ';
    return err_set(err, STATUS_DATA, "%s: a run ended with exit code %d%s%.*s", r->scenario->name,
                   sample->process.exit_code, words->n > from ? "; it said: " : "",
                   STR_ARG(str_from(buf_str(words), from)));
}

static enum status run_once(struct runner *r, struct scenario_condition *c, struct scenario_sample *sample,
                            struct err *err) {
    char workers[WORDS_SIZE];
    bool touched = c->warm && r->scenario->flags & SCENARIO_TOUCH_ONE;
    snprintf(workers, sizeof workers, "%u", (unsigned)c->workers);
    const char *const arguments[] = {r->options->program,
                                     "run",
                                     "--json",
                                     "-j",
                                     workers,
                                     "-f",
                                     touched ? r->touched : r->manifest,
                                     "--history",
                                     r->history,
                                     "-o",
                                     r->output,
                                     NULL};
    struct process_command command = {.arguments = arguments, .interrupt = r->options->interrupt};
    *sample = (struct scenario_sample){.units = r->result->units};
    if (process_run(&command, &sample->process, &r->printed, &r->errors, err) != STATUS_OK)
        return err->status;
    if (sample->process.interrupted) {
        r->result->interrupted = true;
        return STATUS_OK;
    }
    if (sample->process.exit_code != 0)
        return run_failed(r, sample, err);
    enum status status = read_report(r, sample, &c->work, err);
    target_remove(r->history);
    return status;
}

// ---- whether it did what the others did

static enum status check(const struct runner *r, const struct scenario_condition *c,
                         const struct scenario_sample *sample, struct err *err) {
    const struct scenario *s = r->scenario;
    const struct scenario_condition *first = &r->result->conditions[c->warm];
    bool touches = s->flags & SCENARIO_TOUCH_ONE;
    if (first->n && strcmp(first->samples[0].digest, sample->digest) != 0)
        return err_set(
            err, STATUS_DATA, "INVALID: %s makes other outputs with -j %u (%s) than with -j %u (%s)", s->name,
            (unsigned)c->workers, sample->digest, (unsigned)first->workers, first->samples[0].digest);
    const struct scenario_condition *cold = &r->result->conditions[0];
    if (c->warm && cold->n && touches == (strcmp(cold->samples[0].digest, sample->digest) == 0))
        return err_set(err, STATUS_DATA, "INVALID: %s makes %s outputs when run again", s->name,
                       touches ? "no other" : "other");
    if (c->warm && sample->written != (touches ? 1 : 0))
        return err_set(err, STATUS_DATA, "INVALID: %s, run again, wrote %llu outputs instead of %d", s->name,
                       (unsigned long long)sample->written, touches ? 1 : 0);
    return STATUS_OK;
}

// ---- all runs

// Cold, then warm, with so many workers.
static enum status run_both(struct runner *r, uint32_t at, struct err *err) {
    enum status status = STATUS_OK;
    for (uint32_t warm = 0; warm < 2 && status == STATUS_OK && !r->result->interrupted; warm++) {
        struct scenario_condition *c = &r->result->conditions[at + warm];
        struct scenario_sample *sample = &c->samples[c->n];
        if (r->options->progress)
            r->options->progress(r->options->self, r->scenario, r->done, r->all);
        status = run_once(r, c, sample, err);
        if (status == STATUS_OK && !r->result->interrupted)
            status = check(r, c, sample, err);
        c->n += status == STATUS_OK && !r->result->interrupted;
        r->done++;
    }
    target_remove(r->output);
    return status;
}

static enum status run_all(struct runner *r, struct err *err) {
    enum status status = STATUS_OK;
    uint32_t kinds = r->result->conditions_n / 2;
    for (uint32_t i = 0; i < r->options->repeat; i++) {
        uint32_t first = i ? random_below(&r->random, kinds) : 0; // the first one of all has one worker
        for (uint32_t k = 0; k < kinds; k++) {
            if (status == STATUS_OK && !r->result->interrupted)
                status = run_both(r, 2 * ((first + k) % kinds), err);
        }
    }
    return status;
}

static bool set_path(char path[PATH_SIZE], const char *directory, const char *name) {
    int n = snprintf(path, PATH_SIZE, "%s/%s", directory, name);
    return n > 0 && n < PATH_SIZE;
}

static enum status prepare(struct runner *r, struct err *err) {
    const struct scenario_options *options = r->options;
    if (!set_path(r->directory, options->scratch, r->scenario->name) ||
        !set_path(r->output, r->directory, "out") || !set_path(r->manifest, r->directory, "pressrun.yaml") ||
        !set_path(r->touched, r->directory, "touched.yaml") || !set_path(r->history, r->directory, "history"))
        return err_os(err, ENAMETOOLONG, "cannot work in %s", options->scratch);
    int failed = fs_make_dirs(options->fs, AT_FDCWD, r->directory, 0777);
    if (failed < 0)
        return err_os(err, -failed, "cannot make %s", r->directory);
    return scenario_make(r->scenario, options->fs, r->directory, r->result->units, options->seed,
                         options->interrupt, err);
}

enum status scenario_run(const struct scenario *s, const struct scenario_options *options,
                         struct scenario_result *result, struct err *err) {
    struct runner r = {.scenario = s,
                       .options = options,
                       .result = result,
                       .random = {options->seed},
                       .printed = BUF_INIT,
                       .errors = BUF_INIT};
    *result = (struct scenario_result){.scenario = s, .units = scenario_units(s, options->scale)};
    result->records = scenario_records(s, result->units);
    result->conditions_n = options->workers > 1 ? 4 : 2;
    for (uint32_t i = 0; i < result->conditions_n; i++)
        result->conditions[i] =
            (struct scenario_condition){.workers = i < 2 ? 1 : options->workers,
                                        .warm = i % 2,
                                        .samples = MEM_NEW_ARRAY(struct scenario_sample, options->repeat)};
    r.all = result->conditions_n * options->repeat;
    if (options->progress)
        options->progress(options->self, s, 0, 0);
    enum status status = prepare(&r, err);
    if (status == STATUS_CANCELLED) {
        result->interrupted = true;
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = run_all(&r, err);
    }
    if (r.directory[0])
        target_remove(r.directory);
    buf_release(&r.printed);
    buf_release(&r.errors);
    return status;
}

void scenario_release(struct scenario_result *result) {
    for (uint32_t i = 0; i < result->conditions_n; i++)
        mem_free(result->conditions[i].samples);
    *result = (struct scenario_result){0};
}

// ---- what comes of it

static double metric_of(const struct scenario_sample *s, int metric) {
    double wall = s->process.wall > 0 ? s->process.wall : 1e-9;
    switch ((enum scenario_metric)metric) {
    case SCENARIO_WALL:
        return s->process.wall;
    case SCENARIO_CPU:
        return s->process.user + s->process.system;
    case SCENARIO_UNITS:
        return (double)s->units / wall;
    case SCENARIO_BYTES:
        return (double)s->output_bytes / wall;
    case SCENARIO_PEAK:
        return (double)s->process.peak_rss_bytes;
    case SCENARIO_METRICS:
        break;
    }
    return 0;
}

struct scenario_figure scenario_figure(const struct scenario_condition *c, enum scenario_metric metric) {
    if (!c->n)
        return (struct scenario_figure){0};
    double *values = MEM_NEW_ARRAY(double, c->n);
    for (uint32_t i = 0; i < c->n; i++)
        values[i] = metric_of(&c->samples[i], (int)metric);
    struct scenario_figure figure = {.median = quantiles_median(values, c->n)}; // which sorts them
    figure.low = values[0];
    figure.high = values[c->n - 1];
    mem_free(values);
    return figure;
}

double scenario_median(const struct scenario_condition *c,
                       double (*value)(const struct scenario_sample *s, int index), int index) {
    double *values = MEM_NEW_ARRAY(double, c->n + 1), median = 0;
    for (uint32_t i = 0; i < c->n; i++)
        values[i] = value(&c->samples[i], index);
    if (c->n)
        median = quantiles_median(values, c->n);
    mem_free(values);
    return median;
}

double scenario_gain(const struct scenario_result *result, const struct scenario_condition *c,
                     enum scenario_metric metric) {
    const struct scenario_condition *one = &result->conditions[c->warm];
    uint32_t n = one->n < c->n ? one->n : c->n;
    if (one == c || !n)
        return 0;
    double *ratios = MEM_NEW_ARRAY(double, n);
    for (uint32_t i = 0; i < n; i++) {
        double mine = metric_of(&c->samples[i], (int)metric);
        ratios[i] = mine > 0 ? metric_of(&one->samples[i], (int)metric) / mine : 0;
    }
    double gain = quantiles_median(ratios, n);
    mem_free(ratios);
    return gain;
}
