// SPDX-License-Identifier: MIT
#include "pipeline/run/forecast.h"

#include <sys/stat.h>

#include "pipeline/strategy/prior_history.h"
#include "pipeline/strategy/remembered.h"

// Where nothing is known of a manifest: a record and what a template usually makes of it.
static const struct {
    double source_bytes, record_bytes, output_bytes, opcodes; // of a record, the latter
} usual = {1e6, 1000, 1500, 100};

// Seconds.
#define DEAR          2e-4 // for an output; keeping and finding it takes a twentieth
#define WORTH_MERGING 1.0
#define CHANGE        5e-4 // until nothing is in flight, and until everybody has work again
// Of predictions that come from runs of the same manifest: how likely they say nothing, and the spread of what all share.
// What comes out otherwise in the beginning is rather the place in the work, as a cache that has yet to be filled.
#define OWN_WRONG  0.05
#define OWN_COMMON 1.0

// Sources below this take some milliseconds at most, as opening the history does.
enum { WORTH_HISTORY = 4 << 20 };

// Of the files that the passes read; a source of which that is not known counts nothing.
static double bytes_of_sources(const struct forecast_options *options) {
    const struct plan *plan = options->plan;
    double bytes = 0;
    for (size_t p = 0; p < plan->passes_n; p++) {
        struct stat st;
        if (plan_stat_source(options->fs, &plan->manifest->sources[plan->passes[p].source], &st) &&
            S_ISREG(st.st_mode))
            bytes += (double)st.st_size;
    }
    return bytes;
}

static struct prior_work usual_work(const struct plan *plan, double bytes) {
    struct prior_work work = {.source_bytes = bytes, .records = bytes / usual.record_bytes};
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        const struct plan_job *job = &plan->jobs[j];
        const double outputs = job->gathers ? 1 : work.records / (double)plan->passes_n;
        work.templates++;
        work.outputs += outputs;
        work.files += job->sink && job->sink->named ? outputs : 0;
        work.processes += job->filter.argv ? outputs : 0;
    }
    work.opcodes = work.outputs * usual.opcodes;
    work.bytes = work.stored = work.outputs * usual.output_bytes;
    work.process_seconds = work.processes * 0.005;
    return work;
}

static void scale(struct prior_work *work, double by) {
    double *const amounts[] = {&work->records,   &work->source_bytes,   &work->outputs, &work->opcodes,
                               &work->bytes,     &work->stored,         &work->files,   &work->checked,
                               &work->processes, &work->process_seconds};
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++)
        *amounts[i] *= by;
}

// What past sessions say of the machine, and of what this manifest asks for.
static void read_history(const struct forecast_options *options, double bytes, bool merges,
                         struct prior *prior, struct forecast *forecast) {
    struct prior_sample *samples;
    struct prior_work work;
    struct history *history;
    struct arena arena;
    struct err err;
    size_t n;
    const enum status status =
        merges ? history_open(options->fs, options->history, options->history_keep, &history, &err)
               : history_open_merged(options->history, &history, &err);
    if (status != STATUS_OK)
        return; // a prior without sessions is one, too
    arena_init(&arena, 0);
    if (prior_history_read(history, options->machine, options->plan->manifest->name, &arena, &samples, &n,
                           &err) == STATUS_OK) {
        prior_fit(prior, samples, n);
        forecast->sessions = prior->samples_n;
        forecast->of_manifest = prior_history_work(samples, n, &work) && work.source_bytes > 0;
    }
    if (forecast->of_manifest) {
        scale(&work, bytes > 0 ? bytes / work.source_bytes : 1);
        forecast->work = work;
    }
    arena_release(&arena);
    history_close(history);
}

// The choice that was made before, where it still says something.
static void recall(const struct forecast_options *options, struct forecast *forecast) {
    const struct manifest *manifest = options->plan->manifest;
    struct remembered choice;
    if (!remembered_read(options->fs, options->output, manifest, &choice) ||
        !remembered_applies(&choice, manifest, options->workers))
        return;
    for (uint32_t s = 0; strategies[s]; s++) {
        if (strcmp(strategies[s]->name, choice.strategy) != 0)
            continue;
        forecast->options.is_remembered = true;
        forecast->options.remembered = s;
    }
}

// Whether an output, or a filter's work on it, takes so long that keeping it costs nothing beside it. What does not keep it is
// then no faster, and leaves the next run to make it again: it is not even considered.
static bool is_dear(const struct prior_work *work) {
    double terms[PRIOR_TERMS];
    prior_terms(&strategy_minimal, 1, work, terms);
    return (work->outputs >= 1 && terms[PRIOR_OPCODES] / work->outputs >= DEAR) ||
           (work->processes >= 1 && work->process_seconds / work->processes >= DEAR);
}

void forecast_keep_outputs(struct chooser_options *options) {
    for (uint32_t s = 0; strategies[s]; s++)
        options->candidates[s].unfit |=
            !(strategies[s]->caching.categories & (1u << CACHE_RENDER | 1u << CACHE_THROUGH));
}

// So long, with whichever strategy, that merging what waits in the history does not count.
static bool is_long(const struct prior *prior, uint32_t workers, const struct prior_work *work) {
    for (size_t s = 0; strategies[s]; s++) {
        struct prior_prediction prediction;
        prior_predict(prior, strategies[s], strategy_workers(strategies[s], workers).start, work,
                      &prediction);
        if (prediction.seconds < WORTH_MERGING)
            return false;
    }
    return true;
}

static void learn(const struct forecast_options *options, double bytes, struct prior *prior,
                  struct forecast *forecast) {
    read_history(options, bytes, false, prior, forecast);
    if (is_long(prior, options->workers, &forecast->work))
        read_history(options, bytes, true, prior, forecast);
}

void forecast_make(const struct forecast_options *options, struct forecast *forecast) {
    const double bytes = bytes_of_sources(options);
    struct prior prior;
    prior_init(&prior);
    *forecast = (struct forecast){.work = usual_work(options->plan, bytes > 0 ? bytes : usual.source_bytes)};
    if (options->history && (bytes >= WORTH_HISTORY || forecast->work.processes > 0 || bytes <= 0))
        learn(options, bytes, &prior, forecast);
    prior_options(&prior, options->workers, &forecast->work, forecast->work.source_bytes, &forecast->options);
    for (uint32_t s = 0; strategies[s]; s++)
        forecast->options.candidates[s].unfit |= strategies[s]->caching.keeps_all && !options->caches;
    forecast->caches = options->caches;
    if (options->caches && is_dear(&forecast->work))
        forecast_keep_outputs(&forecast->options);
    forecast->options.change = CHANGE;
    if (forecast->of_manifest) {
        forecast->options.wrong = OWN_WRONG;
        forecast->options.common = OWN_COMMON;
    }
    recall(options, forecast);
}
