// SPDX-License-Identifier: MIT
#include "pipeline/strategy/prior_history.h"

#include <math.h>

#include "base/mem.h"

#define LEAST_MADE 0.1 // of the outputs, for a session that tells what making all is like

#define FIGURES(X)                                                                                           \
    X(SECONDS, RUN_SECONDS)                                                                                  \
    X(WORKERS, RUN_WORKERS)                                                                                  \
    X(RECORDS, LOAD_RECORDS)                                                                                 \
    X(SOURCE_BYTES, LOAD_BYTES)                                                                              \
    X(TEMPLATES, COMPILE_TEMPLATES)                                                                          \
    X(CHECKED, RENDER_UP_TO_DATE)                                                                            \
    X(OUTPUTS, RENDER_OUTPUTS)                                                                               \
    X(OPCODES, RENDER_OPCODES)                                                                               \
    X(BYTES, RENDER_BYTES)                                                                                   \
    X(STORED, EMIT_STORED)                                                                                   \
    X(FILES, EMIT_FILES)                                                                                     \
    X(PROCESSES, THROUGH_PROCESSES)                                                                          \
    X(PROCESS_SECONDS, THROUGH_SECONDS)                                                                      \
    X(RENDER_HITS, CACHE_RENDER_HITS)                                                                        \
    X(RENDER_MISSES, CACHE_RENDER_MISSES)                                                                    \
    X(THROUGH_HITS, CACHE_THROUGH_HITS)                                                                      \
    X(THROUGH_MISSES, CACHE_THROUGH_MISSES)                                                                  \
    X(SWITCHES, STRATEGY_SWITCHES)                                                                           \
    X(PROBES, STRATEGY_PROBES)

enum figure {
#define X(name, metric) name,
    FIGURES(X)
#undef X
        FIGURES_N
};

static const enum metric metrics[FIGURES_N] = {
#define X(name, metric) METRIC_##metric,
    FIGURES(X)
#undef X
};

static double known(const double *values, enum figure figure) {
    return values[figure] > 0 && isfinite(values[figure]) ? values[figure] : 0;
}

// Hits as a share of what was asked for.
static double hit_share(const double *values, enum figure hits, enum figure misses) {
    double asked = known(values, hits) + known(values, misses);
    return asked > 0 ? known(values, hits) / asked : PRIOR_NOT_ASKED;
}

// What is known of `made` things, for all of them. 0: they are so few that it says nothing, as expressions are run for each
// record, whether its output is made or not.
static double scale_of(double made, double all) {
    if (made < LEAST_MADE * all)
        return 0;
    return made > 0 ? all / made : 1;
}

static struct prior_work work_of(const double *v) {
    const double render_hits = known(v, RENDER_HITS), through_hits = known(v, THROUGH_HITS);
    struct prior_work work = {
        .records = known(v, RECORDS),
        .source_bytes = known(v, SOURCE_BYTES),
        .templates = known(v, TEMPLATES),
        .outputs = known(v, OUTPUTS) + render_hits,
        .opcodes = known(v, OPCODES),
        .bytes = known(v, BYTES),
        .stored = known(v, STORED),
        .files = known(v, FILES),
        .checked = known(v, CHECKED),
        .processes = known(v, PROCESSES) + through_hits,
        .process_seconds = known(v, PROCESS_SECONDS),
        .render_hits = hit_share(v, RENDER_HITS, RENDER_MISSES),
        .through_hits = hit_share(v, THROUGH_HITS, THROUGH_MISSES),
    };
    work.keeping = work.render_hits >= 0 ? PRIOR_KEEPS : PRIOR_KEEPS_NOT;
    // For what the cache had no opcode was run, and no process: it would be as much again for each as for the others.
    work.opcodes *= scale_of(known(v, OUTPUTS), work.outputs);
    work.process_seconds *= scale_of(known(v, PROCESSES), work.processes);
    return work;
}

static const struct strategy *strategy_of(struct str name) {
    for (size_t i = 0; strategies[i]; i++)
        if (str_is(name, strategies[i]->name))
            return strategies[i];
    return str_is(name, strategy_default.name) ? &strategy_default : NULL;
}

// False: it says nothing of one strategy.
static bool sample_of(const struct history_session *session, struct str name, double age,
                      struct prior_sample *sample) {
    const double *v = session->values;
    const struct strategy *strategy = strategy_of(session->strategy);
    if (!strategy || !(v[SECONDS] > 0) || v[SWITCHES] > 0 || v[PROBES] > 0)
        return false;
    *sample = (struct prior_sample){.strategy = strategy,
                                    .workers = (uint32_t)fmin(fmax(known(v, WORKERS), 1), 1e6),
                                    .work = work_of(v),
                                    .seconds = v[SECONDS],
                                    .age = age,
                                    .same_manifest = str_equal(session->name, name)};
    return true;
}

enum status prior_history_read(struct history *h, struct str machine, struct str name, struct arena *arena,
                               struct prior_sample **samples, size_t *n, struct err *err) {
    const struct history_filter filters[] = {{STR("machine"), STR("="), machine},
                                             {STR("outcome"), STR("="), STR("done")}};
    const char *figures[FIGURES_N];
    struct history_session *sessions;
    size_t sessions_n;
    *n = 0;
    for (int i = 0; i < FIGURES_N; i++)
        figures[i] = metric_rows[metrics[i]].name;
    if (history_table(h, filters, sizeof filters / sizeof *filters, figures, FIGURES_N, PRIOR_SESSIONS, arena,
                      &sessions, &sessions_n, err) != STATUS_OK)
        return err->status;
    *samples = ARENA_NEW_ARRAY(arena, struct prior_sample, sessions_n + 1);
    if (!*samples)
        mem_fail(sessions_n * sizeof **samples);
    for (size_t i = 0; i < sessions_n; i++)
        *n += sample_of(&sessions[i], name, (double)i, &(*samples)[*n]);
    return STATUS_OK;
}

// Where most was found in the cache, little is known of what it is to make it.
static bool tells_work(const struct prior_work *work) {
    bool rendered = work->outputs <= 0 || work->opcodes > 0;
    bool filtered = work->processes <= 0 || work->process_seconds > 0;
    return rendered && filtered;
}

// A strategy that keeps outputs where it was measured to pay.
static bool measures(const struct strategy *strategy) {
    return strategy->caching.categories >> CACHE_RENDER & 1u && !strategy->caching.keeps_all;
}

bool prior_history_work(const struct prior_sample *samples, size_t n, struct prior_work *work) {
    bool told = false;
    double render_hits = PRIOR_NOT_ASKED, through_hits = PRIOR_NOT_ASKED;
    enum prior_keeping keeping = PRIOR_KEEPING_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        const struct prior_work *of = &samples[i].work;
        if (!samples[i].same_manifest)
            continue;
        if (!told && of->outputs > 0 && tells_work(of)) {
            *work = *of;
            told = true;
        }
        render_hits = render_hits < 0 ? of->render_hits : render_hits;
        through_hits = through_hits < 0 ? of->through_hits : through_hits;
        if (keeping == PRIOR_KEEPING_UNKNOWN && measures(samples[i].strategy))
            keeping = of->keeping;
    }
    if (told) {
        work->keeping = keeping;
        work->render_hits = render_hits;
        work->through_hits = through_hits;
    }
    return told;
}
