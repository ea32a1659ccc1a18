// SPDX-License-Identifier: MIT
/*
 * Sources that are read in several places at once: pieces of reading ahead go to the workers, and the load node, which
 * pulls in order, waits for the one whose turn it is. And the connections to databases that sources of a run share.
 */
#include "base/mem.h"
#include "pipeline/plan/plan_joins.h"
#include "pipeline/run/run_watch.h"
#include "stages/load/postgresql/pg_pool.h"
#include "stages/load/sqlite/sqlite_pool.h"

enum { CONNECTIONS_MOST = 8 }; // where the manifest says nothing

static void tell_database(const struct run *run, const struct manifest_source *source, bool done) {
    const struct load_format *format =
        source->format.p ? load_format_named(source->format) : load_format_for(source->path);
    if (source->url.p)
        (done ? pg_pools_done : pg_pools_expect)(run->servers, source->url.p);
    else if (format && str_is(str_of(format->name), "sqlite"))
        (done ? sqlite_pools_done : sqlite_pools_expect)(run->pools, source->path.p);
}

// Of the databases that a pass reads, those of what is joined to its records included.
static void tell_databases(const struct pass_run *pass, bool done) {
    const struct manifest *manifest = pass->run->plan->manifest;
    const size_t own = pass->pass->source;
    for (size_t s = 0; s < manifest->sources_n; s++)
        if (s == own || plan_may_join(manifest, own, s))
            tell_database(pass->run, &manifest->sources[s], done);
}

void run_ahead_init(struct run *run) {
    const struct manifest_databases *databases = &run->plan->manifest->databases;
    const uint32_t workers = run->options->workers,
                   most = databases->most ? databases->most : CONNECTIONS_MOST;
    const struct sqlite_pool_limits limits = {.least = databases->least,
                                              .most = most < workers ? most : workers,
                                              .patience_ms = databases->timeout ? (uint32_t)databases->timeout
                                                                                : SQLITE_POOL_PATIENCE_MS};
    run->pools = sqlite_pools_new(&limits, &run->options->clock);
    run->servers = pg_pools_new(limits.most);
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        tell_databases(&run->passes[p], false);
        run->passes[p].expected = true;
    }
}

void run_ahead_ended(struct pass_run *pass) {
    if (pass->expected)
        tell_databases(pass, true);
    pass->expected = false;
}

static void read_ahead(void *self, struct worker *worker) {
    struct pass_run *pass = self;
    struct run *run = pass->run;
    const uint64_t from = run_now(run);
    const bool ready = load_ahead(pass->loader);
    const struct run_span span = {.kind = SPAN_READ,
                                  .subject = pass->source->name,
                                  .batch = atomic_fetch_add(&pass->ahead_pieces, 1),
                                  .index = (uint32_t)(pass - run->passes),
                                  .from = from,
                                  .to = run_now(run),
                                  .after = {run_path_released(run, pass->node)}};
    const struct path_mark mark = run_spent(run, worker, &span);
    atomic_fetch_add(&pass->ahead_nanoseconds, span.to - from);
    pthread_mutex_lock(&run->lock);
    pass->ahead = path_later(pass->ahead, mark);
    pthread_mutex_unlock(&run->lock);
    if (ready)
        graph_wake(run->graph, pass->node);
}

bool run_ahead_is_ready(struct pass_run *pass, struct worker *worker) {
    const bool ready = load_ready(pass->loader);
    for (uint32_t n = load_ahead_wanted(pass->loader); n > 0; n--)
        graph_spawn(worker, read_ahead, pass);
    return ready;
}

struct path_mark run_ahead_take(struct pass_run *pass, uint64_t *nanoseconds) {
    *nanoseconds = atomic_exchange(&pass->ahead_nanoseconds, 0);
    pthread_mutex_lock(&pass->run->lock);
    const struct path_mark mark = pass->ahead;
    pthread_mutex_unlock(&pass->run->lock);
    return mark;
}

// The i-th of the databases in files, then of those on servers. False: there are no more.
static bool look_at_pool(const struct run *run, size_t i, struct sqlite_pool_statistics *found) {
    size_t files = 0;
    while (files <= i && sqlite_pools_look(run->pools, files, found))
        files++;
    return files > i || pg_pools_look(run->servers, i - files, found);
}

void run_ahead_report(struct run *run, struct run_report *report) {
    struct sqlite_pool_statistics found;
    size_t n = 0;
    while (look_at_pool(run, n, &found))
        n++;
    if (n == 0)
        return;
    struct run_database_report *out = ARENA_NEW_ARRAY(&run->plan->arena, struct run_database_report, n);
    if (!out)
        mem_fail(n);
    for (size_t i = 0; i < n && look_at_pool(run, i, &found); i++)
        out[i] = (struct run_database_report){.name = found.name,
                                              .opened = found.opened,
                                              .reused = found.reused,
                                              .failed = found.failed,
                                              .waited = found.waited,
                                              .waited_seconds = (double)found.waited_ns / 1e9,
                                              .ranges = found.ranges,
                                              .at_once = found.at_once,
                                              .has_log = found.has_log};
    report->databases = out;
    report->databases_n = n;
}
