// SPDX-License-Identifier: MIT
#include "pipeline/run/run_live.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

#include "base/mem.h"
#include "monitor/resources.h"
#include "monitor/snapshot.h"
#include "pipeline/run/run_watch.h"

#define SECOND   UINT64_C(1000000000)
#define INTERVAL (SECOND / SNAPSHOTS_PER_SECOND)
// What is "lately": a sum of so many intervals.
enum { WINDOW = 2 * SNAPSHOTS_PER_SECOND };

// What rates are made from.
struct moment {
    double seconds, records, outputs, bytes, busy, cpu;
};

struct run_live {
    struct run *run;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool stopped; // under lock
    struct snapshot snapshot;
    struct moment past[WINDOW]; // a ring
    size_t past_n;              // so far
    struct resources first;
    struct histogram sum; // of all workers, one distribution after the other
    struct buf name;
};

static const struct {
    size_t at; // in struct run_counters
    enum metric metric;
} totals[] = {
    {offsetof(struct run_counters, excluded), METRIC_RUN_EXCLUDED},
    {offsetof(struct run_counters, up_to_date), METRIC_RENDER_UP_TO_DATE},
    {offsetof(struct run_counters, rendered), METRIC_RENDER_OUTPUTS},
    {offsetof(struct run_counters, written), METRIC_EMIT_WRITTEN},
    {offsetof(struct run_counters, files), METRIC_EMIT_FILES},
    {offsetof(struct run_counters, unchanged), METRIC_EMIT_UNCHANGED},
    {offsetof(struct run_counters, failed), METRIC_RUN_FAILED},
    {offsetof(struct run_counters, bytes), METRIC_RENDER_BYTES},
    {offsetof(struct run_counters, stored), METRIC_EMIT_STORED},
    {offsetof(struct run_counters, source_bytes), METRIC_LOAD_BYTES},
    {offsetof(struct run_counters, filtered), METRIC_THROUGH_PROCESSES},
    {offsetof(struct run_counters, fields_parsed), METRIC_LOAD_FIELDS_PARSED},
    {offsetof(struct run_counters, fields_skipped), METRIC_LOAD_FIELDS_SKIPPED},
    {offsetof(struct run_counters, allocations), METRIC_RENDER_ALLOCATIONS},
    {offsetof(struct run_counters, allocated_bytes), METRIC_RENDER_ALLOCATED},
    {offsetof(struct run_counters, filtering), METRIC_THROUGH_SECONDS}, // nanoseconds
};
#define TOTALS (sizeof totals / sizeof *totals)
_Static_assert(TOTALS <= (size_t)RUN_LIVE_TOTALS, "a worker has a word for each");

// ---- what workers tell

// Nobody else writes there.
static void store(atomic_uint_fast64_t *total, uint64_t value) {
    atomic_store_explicit(total, value, memory_order_relaxed);
}

static uint64_t load(const atomic_uint_fast64_t *total) {
    return atomic_load_explicit(total, memory_order_relaxed);
}

static void count_machines(const struct worker_run *mine, struct worker_live *live) {
    uint64_t opcodes = 0;
    struct arena_asked asked = {0};
    for (int mode = 0; mode < UNDEFINED_MODES; mode++) {
        if (!mine->vms[mode])
            continue;
        const struct arena_asked of = vm_asked(mine->vms[mode]);
        opcodes += vm_instructions(mine->vms[mode]);
        asked.pieces += of.pieces;
        asked.bytes += of.bytes;
    }
    store(&live->opcodes, opcodes);
    store(&live->allocations, asked.pieces);
    store(&live->allocated_bytes, asked.bytes);
}

void run_live_count(const struct run *run, const struct worker *worker, const struct lot *lot,
                    const struct lane_result *result) {
    if (!run->live)
        return;
    struct worker_run *mine = &run->workers[worker->index];
    struct run_counters counters = lot->counters;
    run_add_result(&counters, result);
    if (lot->job->job->sink->named)
        counters.files = counters.written;
    for (size_t i = 0; i < TOTALS; i++) {
        uint64_t more;
        memcpy(&more, (const char *)&counters + totals[i].at, sizeof more);
        store(&mine->live.totals[i], load(&mine->live.totals[i]) + more);
    }
    count_machines(mine, &mine->live);
}

// ---- a snapshot

static void set(struct run_live *live, enum metric metric, double value) {
    snapshot_set(&live->snapshot, metric, value);
}

static double value_of(const struct run_live *live, enum metric metric) {
    return live->snapshot.known[metric] ? live->snapshot.values[metric] : 0;
}

static void fill_totals(struct run_live *live) {
    const struct run *run = live->run;
    uint64_t sums[TOTALS] = {0}, opcodes = 0, allocations = 0, allocated = 0;
    for (uint32_t w = 0; w < run->options->workers; w++) {
        const struct worker_live *of = &run->workers[w].live;
        for (size_t i = 0; i < TOTALS; i++)
            sums[i] += load(&of->totals[i]);
        opcodes += load(&of->opcodes);
        allocations += load(&of->allocations);
        allocated += load(&of->allocated_bytes);
    }
    for (size_t i = 0; i < TOTALS; i++)
        set(live, totals[i].metric, (double)sums[i]);
    set(live, METRIC_RENDER_OPCODES, (double)opcodes);
    set(live, METRIC_RENDER_ALLOCATIONS, value_of(live, METRIC_RENDER_ALLOCATIONS) + (double)allocations);
    set(live, METRIC_RENDER_ALLOCATED, value_of(live, METRIC_RENDER_ALLOCATED) + (double)allocated);
    set(live, METRIC_THROUGH_SECONDS, value_of(live, METRIC_THROUGH_SECONDS) / 1e9);
    set(live, METRIC_LOAD_RECORDS, (double)load(&run->loaded));
    set(live, METRIC_COMPILE_TEMPLATES, (double)templates_compiled(run->plan->templates));
    set(live, METRIC_QUEUE_PEAK, atomic_load_explicit(&run->in_flight_most, memory_order_relaxed));
    set(live, METRIC_LIVE_QUEUE, atomic_load_explicit(&run->in_flight, memory_order_relaxed));
}

static double fill_stages(struct run_live *live) {
    const struct run *run = live->run;
    uint64_t nanoseconds[RUN_STAGES] = {0};
    double busy = 0;
    for (uint32_t w = 0; w < run->options->workers; w++)
        for (int stage = 0; stage < RUN_STAGES; stage++)
            nanoseconds[stage] += load(&run->workers[w].stage_nanoseconds[stage]);
    for (int stage = 0; stage < RUN_STAGES; stage++) {
        set(live, run_stage_metrics[stage], (double)nanoseconds[stage] / 1e9);
        busy += (double)nanoseconds[stage] / 1e9;
    }
    return busy;
}

static void fill_workers(struct run_live *live, double busy) {
    struct run *run = live->run;
    uint32_t limit;
    const double had = run_worker_seconds(run, &limit);
    set(live, METRIC_RUN_WORKERS, run->options->workers);
    set(live, METRIC_LIVE_WORKERS, limit);
    if (had > 0)
        set(live, METRIC_RUN_EFFICIENCY, busy < had ? busy / had : 1);
}

// How much of the sources is read. Not known before all that are to be read are open, nor where one does not tell its size;
// how long the rest takes is not known when all is read, either.
static void fill_progress(struct run_live *live) {
    const struct run *run = live->run;
    const double seconds = live->snapshot.seconds;
    double read = 0, total = 0;
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        const struct pass_run *pass = &run->passes[p];
        const struct loader *loader = atomic_load(&pass->loader);
        const enum node_state state = graph_state(run->graph, pass->node);
        const bool ended = state == NODE_DONE || state == NODE_FAILED || state == NODE_SKIPPED;
        const double there = loader ? (double)load_bytes_total(loader) : 0;
        if (!loader && ended)
            continue;
        if (there <= 0)
            return;
        const double got = (double)load_bytes_read(loader);
        total += there;
        read += got < there && !ended ? got : there;
    }
    if (total <= 0)
        return;
    set(live, METRIC_LIVE_PROGRESS, read / total);
    if (read > 0 && read < total)
        set(live, METRIC_LIVE_ETA, seconds * (total / read - 1));
}

static void fill_resources(struct run_live *live, struct moment *now) {
    struct resources r;
    if (!run_strategy(live->run)->monitoring.resources)
        return;
    resources_now(&r);
    now->cpu = r.cpu_seconds - live->first.cpu_seconds;
    set(live, METRIC_RUN_CPU, now->cpu);
    set(live, METRIC_LIVE_RSS, (double)r.rss_bytes);
    set(live, METRIC_RUN_PEAK_RSS, (double)r.peak_rss_bytes);
    if (!r.disk_known || !live->first.disk_known)
        return;
    set(live, METRIC_RUN_DISK_READ, (double)(r.read_bytes - live->first.read_bytes));
    set(live, METRIC_RUN_DISK_WRITTEN, (double)(r.written_bytes - live->first.written_bytes));
}

static void begin_sum(struct run_live *live) {
    histogram_clear(&live->sum);
}

static void add_to_sum(struct run_live *live, struct worker_run *of, const struct histogram *histogram) {
    pthread_mutex_lock(&of->live.lock);
    histogram_merge(&live->sum, histogram);
    pthread_mutex_unlock(&of->live.lock);
}

static void end_sum(struct run_live *live, const char *prefix, struct str name) {
    if (live->sum.n == 0)
        return;
    buf_clear(&live->name);
    buf_printf(&live->name, "%s%.*s", prefix, STR_ARG(name));
    snapshot_set_distribution(&live->snapshot, buf_str(&live->name), &live->sum);
}

// Over all workers and, of what is kept by job, all jobs from `job` on that are asked for.
static void sum_jobs(struct run_live *live, bool filters, size_t job, size_t n) {
    const struct run *run = live->run;
    begin_sum(live);
    for (uint32_t w = 0; w < run->options->workers; w++)
        for (size_t j = job; j < job + n; j++)
            add_to_sum(live, &run->workers[w],
                       filters ? &run->workers[w].filters[j] : &run->workers[w].jobs[j]);
}

// Of all jobs that have the job's template; told with the first of them.
static void fill_template(struct run_live *live, size_t job) {
    const struct run *run = live->run;
    const struct str name = run->jobs[job].job->job->template_name;
    for (size_t j = 0; j < job; j++)
        if (str_equal(run->jobs[j].job->job->template_name, name))
            return;
    begin_sum(live);
    for (size_t j = job; j < run->plan->manifest->jobs_n; j++)
        for (uint32_t w = 0;
             str_equal(run->jobs[j].job->job->template_name, name) && w < run->options->workers; w++)
            add_to_sum(live, &run->workers[w], &run->workers[w].jobs[j]);
    end_sum(live, "template.", name);
}

static void fill_job_distributions(struct run_live *live) {
    const struct run *run = live->run;
    const size_t jobs_n = run->plan->manifest->jobs_n;
    sum_jobs(live, false, 0, jobs_n);
    end_sum(live, "", STR("render"));
    for (size_t j = 0; j < jobs_n; j++) {
        const struct manifest_job *job = run->jobs[j].job->job;
        sum_jobs(live, false, j, 1);
        end_sum(live, "job.", job->name);
        fill_template(live, j);
        if (!run->through)
            continue;
        sum_jobs(live, true, j, 1);
        end_sum(live, "through.", job->name);
    }
    if (run->through) {
        sum_jobs(live, true, 0, jobs_n);
        end_sum(live, "", STR("through"));
    }
}

static void fill_distributions(struct run_live *live) {
    const struct run *run = live->run;
    begin_sum(live);
    for (uint32_t w = 0; w < run->options->workers; w++)
        add_to_sum(live, &run->workers[w], &run->workers[w].batches);
    set(live, METRIC_RUN_BATCHES, (double)live->sum.n);
    if (!run->options->session)
        return;
    end_sum(live, "", STR("batch"));
    for (int stage = 0; stage < RUN_STAGES; stage++) {
        begin_sum(live);
        for (uint32_t w = 0; w < run->options->workers; w++)
            add_to_sum(live, &run->workers[w], &run->workers[w].stages[stage]);
        end_sum(live, "", str_of(run_stage_names[stage]));
    }
    fill_job_distributions(live);
}

// What came lately, from the oldest moment that is remembered.
static void fill_rates(struct run_live *live, const struct moment *now) {
    const struct moment start = {0};
    const struct moment *then = live->past_n < WINDOW ? &start : &live->past[live->past_n % WINDOW];
    const double seconds = now->seconds - then->seconds;
    live->past[live->past_n++ % WINDOW] = *now;
    if (seconds <= 0)
        return;
    set(live, METRIC_LIVE_RECORDS_RATE, (now->records - then->records) / seconds);
    set(live, METRIC_LIVE_OUTPUTS_RATE, (now->outputs - then->outputs) / seconds);
    set(live, METRIC_LIVE_BYTES_RATE, (now->bytes - then->bytes) / seconds);
    set(live, METRIC_LIVE_BUSY, (now->busy - then->busy) / seconds);
    if (live->snapshot.known[METRIC_RUN_CPU])
        set(live, METRIC_LIVE_CPU, (now->cpu - then->cpu) / seconds);
}

static void fill_cache(struct run_live *live) {
    struct run_cache_report report;
    struct run_figures figures = {0};
    run_cache_look(live->run, &report);
    run_figures_of_cache(&report, &figures);
    for (int i = 0; i < METRICS; i++)
        if (figures.known[i])
            set(live, (enum metric)i, figures.values[i]);
}

static void fill(struct run_live *live) {
    struct run *run = live->run;
    struct snapshot *s = &live->snapshot;
    const double seconds = (double)(run_now(run) - run->started) / 1e9;
    snapshot_clear(s);
    s->strategy = str_of(run_strategy(run)->name);
    s->seconds = seconds > s->seconds ? seconds : s->seconds;
    set(live, METRIC_RUN_SECONDS, s->seconds);
    fill_totals(live);
    const double busy = fill_stages(live);
    struct moment now = {.seconds = s->seconds,
                         .records = value_of(live, METRIC_LOAD_RECORDS),
                         .outputs =
                             value_of(live, METRIC_RENDER_OUTPUTS) + value_of(live, METRIC_RENDER_UP_TO_DATE),
                         .bytes = value_of(live, METRIC_RENDER_BYTES),
                         .busy = busy};
    if (s->seconds > 0)
        set(live, METRIC_RUN_RECORDS_PER_SECOND, now.records / s->seconds);
    fill_workers(live, busy);
    fill_progress(live);
    fill_resources(live, &now);
    fill_distributions(live);
    fill_cache(live);
    fill_rates(live, &now);
}

// ---- the thread

// Under the lock. False: it is to stop.
static bool wait_until(struct run_live *live, uint64_t due) {
    const struct timespec at = {.tv_sec = (time_t)(due / SECOND), .tv_nsec = (long)(due % SECOND)};
    while (!live->stopped && pthread_cond_timedwait(&live->stop, &live->lock, &at) != ETIMEDOUT)
        ;
    return !live->stopped;
}

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void *tell(void *context) {
    struct run_live *live = context;
    const struct run_observer *observer = live->run->options->observer;
    uint64_t due = now_ns();
    pthread_mutex_lock(&live->lock);
    for (;;) {
        const uint64_t now = now_ns();
        due = due + INTERVAL > now ? due + INTERVAL
                                   : now + INTERVAL; // who takes long is not told twice at once
        if (!wait_until(live, due))
            break;
        fill(live);
        observer->snapshot(observer->self, &live->snapshot);
        live->snapshot.sequence++;
    }
    pthread_mutex_unlock(&live->lock);
    return NULL;
}

static void prepare_workers(const struct run *run) {
    for (uint32_t w = 0; w < run->options->workers; w++) {
        struct worker_run *mine = &run->workers[w];
        pthread_mutex_init(&mine->live.lock, NULL);
        mine->live.on = true;
    }
}

void run_live_begin(struct run *run) {
    const struct run_observer *observer = run->options->observer;
    pthread_condattr_t attributes;
    if (!observer || !observer->snapshot)
        return;
    struct run_live *live = MEM_NEW(struct run_live);
    live->run = run;
    snapshot_init(&live->snapshot);
    live->snapshot.name = run->plan->manifest->name;
    resources_now(&live->first);
    prepare_workers(run);
    pthread_mutex_init(&live->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&live->stop, &attributes);
    pthread_condattr_destroy(&attributes);
    run->live = live;
    if (pthread_create(&live->thread, NULL, tell, live) != 0)
        live->stopped = true; // without a thread nobody is told
}

void run_live_end(struct run *run) {
    struct run_live *live = run->live;
    if (!live || live->stopped)
        return;
    pthread_mutex_lock(&live->lock);
    live->stopped = true;
    pthread_cond_signal(&live->stop);
    pthread_mutex_unlock(&live->lock);
    pthread_join(live->thread, NULL);
}

void run_live_release(struct run *run) {
    struct run_live *live = run->live;
    if (!live)
        return;
    for (uint32_t w = 0; w < run->options->workers; w++)
        pthread_mutex_destroy(&run->workers[w].live.lock);
    pthread_cond_destroy(&live->stop);
    pthread_mutex_destroy(&live->lock);
    histogram_release(&live->sum);
    buf_release(&live->name);
    snapshot_release(&live->snapshot);
    mem_free(live);
}
