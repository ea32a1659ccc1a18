// SPDX-License-Identifier: MIT
// A report's numbers by the names of metrics.def, for whoever prints or keeps them.
#include "pipeline/run/run.h"

static void set(struct run_figures *figures, enum metric metric, double value) {
    figures->values[metric] = value;
    figures->known[metric] = true;
}

const enum metric run_stage_metrics[RUN_STAGES] = {[RUN_COMPILE] = METRIC_COMPILE_SECONDS,
                                                   [RUN_LOAD] = METRIC_LOAD_SECONDS,
                                                   [RUN_RENDER] = METRIC_RENDER_SECONDS,
                                                   [RUN_EMIT] = METRIC_EMIT_SECONDS};

static void set_times(struct run_figures *figures, const struct run_report *report) {
    double busy = 0, seconds = report->seconds;
    for (int stage = 0; stage < RUN_STAGES; stage++) {
        set(figures, run_stage_metrics[stage], report->stage_seconds[stage]);
        busy += report->stage_seconds[stage];
    }
    set(figures, METRIC_RUN_IDLE, report->idle_seconds);
    set(figures, METRIC_RUN_SCHEDULING, report->scheduling_seconds);
    set(figures, METRIC_THROUGH_SECONDS, (double)report->counters.filtering / 1e9);
    set(figures, METRIC_RUN_SECONDS, seconds);
    set(figures, METRIC_RUN_RECORDS_PER_SECOND, seconds > 0 ? (double)report->counters.loaded / seconds : 0);
    if (report->worker_seconds > 0)
        set(figures, METRIC_RUN_EFFICIENCY, busy / report->worker_seconds);
}

// Of categories that were used.
void run_figures_of_cache(const struct run_cache_report *cache, struct run_figures *figures) {
    static const struct {
        enum metric hits, misses, rate;
    } metrics[CACHE_CATEGORIES_N] = {
#define X(NAME, name, level, size, lifetime)                                                                 \
    [CACHE_##                                                                                                \
        NAME] = {METRIC_CACHE_##NAME##_HITS, METRIC_CACHE_##NAME##_MISSES, METRIC_CACHE_##NAME##_HIT_RATE},
        CACHE_CATEGORIES(X)
#undef X
    };
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        const double hits = (double)cache->categories[c].hits, misses = (double)cache->categories[c].misses;
        if (hits + misses == 0)
            continue;
        set(figures, metrics[c].hits, hits);
        set(figures, metrics[c].misses, misses);
        set(figures, metrics[c].rate, hits / (hits + misses));
    }
    if (cache->audited) {
        set(figures, METRIC_CACHE_AUDITED, (double)cache->audited);
        set(figures, METRIC_CACHE_DIFFERING, (double)cache->differing);
    }
}

static void set_databases(struct run_figures *figures, const struct run_report *report) {
    double opened = 0, failed = 0, ranges = 0, waits = 0, waited = 0;
    for (size_t i = 0; i < report->databases_n; i++) {
        const struct run_database_report *database = &report->databases[i];
        opened += (double)database->opened;
        failed += (double)database->failed;
        ranges += (double)database->ranges;
        waits += (double)database->waited;
        waited += database->waited_seconds;
    }
    if (report->databases_n == 0)
        return;
    set(figures, METRIC_DATABASE_CONNECTIONS, opened);
    set(figures, METRIC_DATABASE_FAILED, failed);
    set(figures, METRIC_DATABASE_RANGES, ranges);
    set(figures, METRIC_DATABASE_WAITS, waits);
    set(figures, METRIC_DATABASE_WAITED, waited);
}

static void set_govern(struct run_figures *figures, const struct run_govern_report *govern) {
    if (!govern->governed)
        return;
    set(figures, METRIC_RUN_WORKERS_LEAST, govern->least);
    set(figures, METRIC_RUN_WORKERS_CHANGES, govern->changes);
    set(figures, METRIC_RUN_INTAKE_PAUSES, govern->pauses);
}

// Of a run that chose its strategy on the way.
static void set_choice(struct run_figures *figures, const struct run_report *report) {
    struct chooser_result result;
    set(figures, METRIC_STRATEGY_AUTO, report->automatic);
    if (!report->automatic)
        return;
    chooser_result(&report->chooser, &result);
    set(figures, METRIC_STRATEGY_PREDICTED, result.predicted);
    set(figures, METRIC_STRATEGY_REGRET, result.regret);
    set(figures, METRIC_STRATEGY_PROBES, (double)result.probe_batches);
    set(figures, METRIC_STRATEGY_SWITCHES, result.switches);
}

void run_figures_of(const struct run_report *report, struct run_figures *figures) {
    const struct run_counters *c = &report->counters;
    const struct {
        enum metric metric;
        uint64_t value;
    } counts[] = {
        {METRIC_RUN_WORKERS, report->workers},
        {METRIC_RUN_PEAK_RSS, report->peak_rss_bytes},
        {METRIC_RUN_FAILED, c->failed},
        {METRIC_RUN_EXCLUDED, c->excluded},
        {METRIC_COMPILE_TEMPLATES, c->templates},
        {METRIC_LOAD_RECORDS, c->loaded},
        {METRIC_LOAD_BYTES, c->source_bytes},
        {METRIC_LOAD_FIELDS_PARSED, c->fields_parsed},
        {METRIC_LOAD_FIELDS_SKIPPED, c->fields_skipped},
        {METRIC_RENDER_UP_TO_DATE, c->up_to_date},
        {METRIC_RENDER_OUTPUTS, c->rendered},
        {METRIC_RENDER_OPCODES, c->opcodes},
        {METRIC_RENDER_BYTES, c->bytes},
        {METRIC_RENDER_ALLOCATIONS, c->allocations},
        {METRIC_RENDER_ALLOCATED, c->allocated_bytes},
        {METRIC_RUN_BATCHES, report->batches},
        {METRIC_THROUGH_PROCESSES, c->filtered},
        {METRIC_RUN_RETRIED, c->retried},
        {METRIC_EMIT_WRITTEN, c->written},
        {METRIC_EMIT_FILES, c->files},
        {METRIC_EMIT_UNCHANGED, c->unchanged},
        {METRIC_EMIT_STORED, c->stored},
        {METRIC_EMIT_PRUNED, report->pruned},
        {METRIC_EMIT_LEFT, report->left},
    };
    *figures = (struct run_figures){0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        set(figures, counts[i].metric, (double)counts[i].value);
    set_times(figures, report);
    run_figures_of_cache(&report->cache, figures);
    set_databases(figures, report);
    set_govern(figures, &report->govern);
    set_choice(figures, report);
}
