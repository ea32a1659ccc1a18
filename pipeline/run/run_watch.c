// SPDX-License-Identifier: MIT
/*
 * What a run knows about itself while it goes: busy time by stage, distributions, batches in flight, the trace. Each
 * worker writes its own; nothing here waits. What it comes to in the end is in run_session.c.
 *
 * Asking for the time costs as much as a hundredth of a small output. So of a job whose outputs are quick only one in so
 * many is timed and stands for those before it; how many follows from how long such an output usually takes, and varies
 * so that it does not fall in step with the records.
 */
#include <stdio.h>

#include "base/mem.h"
#include "monitor/resources.h"
#include "pipeline/run/run_detail.h"
#include "pipeline/run/run_watch.h"

enum { CLOCK_TRIES = 16, EVERY_MOST = 64 };
// The share of rendering time that its timing may take is one in this.
enum { TIMING_SHARE = 500 };

#define FROM_CACHE "found in the cache"
#define UP_TO_DATE "outputs up to date"

const char *const run_stage_names[RUN_STAGES] = {"compile", "load", "render", "emit"};

const struct run_span_words run_span_words[] = {
    [SPAN_COMPILE] = {"compile", "job", RUN_COMPILE, true, false},
    [SPAN_OPEN] = {"open", "of", RUN_EMIT, true, false},
    [SPAN_SURVEY] = {"survey", "source", RUN_LOAD, true, true},
    [SPAN_LOOK] = {"look at", "of", RUN_EMIT, true, false},
    [SPAN_READ] = {"read", "source", RUN_LOAD, false, true},
    [SPAN_PARSE] = {"parse", "source", RUN_LOAD, false, true},
    [SPAN_SELECT] = {"select", "job", RUN_RENDER, false, false},
    [SPAN_GATHER] = {"gather", "job", RUN_LOAD, false, false},
    [SPAN_RENDER] = {"render", "job", RUN_RENDER, false, false},
    [SPAN_SEAL] = {"seal", "job", RUN_EMIT, false, false},
    [SPAN_WRITE] = {"write", "job", RUN_EMIT, false, false},
    [SPAN_CLOSE] = {"close", "job", RUN_EMIT, true, false},
    [SPAN_BATCH] = {"batch of", "source", RUN_STAGES, false, true},
    [SPAN_GROUPS] = {"groups of", "job", RUN_STAGES, false, false},
    [SPAN_THROUGH] = {"through", "job", RUN_STAGES, false, false},
};

uint64_t run_now(const struct run *run) {
    return run->options->clock.monotonic(run->options->clock.self);
}

struct str run_span_subject(const struct run *run, const struct run_span_words *words, uint32_t index) {
    if (str_is(str_of(words->role), "of"))
        return STR("outputs");
    return words->of_passes ? run->passes[index].source->name : run->jobs[index].job->job->name;
}

// ---- the trace

enum { TRACE_ARGS = 4 + CACHE_TIERS_N };

static void add_hits(const struct run_hits *hits, struct trace_arg *args, size_t *args_n) {
    static const char *const names[CACHE_TIERS_N] = {
        [CACHE_MEMORY] = "from_memory", [CACHE_PACKS] = "from_file", [CACHE_REDIS] = "from_redis"};
    if (hits && hits->up_to_date)
        args[(*args_n)++] = (struct trace_arg){"up_to_date", hits->up_to_date};
    for (int tier = 0; hits && tier < CACHE_TIERS_N; tier++)
        if (hits->found.in[tier])
            args[(*args_n)++] = (struct trace_arg){names[tier], hits->found.in[tier]};
}

// `args` is where they are put; they are to live as long as the span.
static struct trace_span traced(const struct run_span *span, struct trace_arg args[TRACE_ARGS]) {
    struct trace_span traced = {.name = run_span_words[span->kind].name,
                                .role = run_span_words[span->kind].role,
                                .subject = span->subject,
                                .from = span->from,
                                .to = span->to,
                                .args = args};
    if (!run_span_words[span->kind].whole) {
        args[traced.args_n++] = (struct trace_arg){span->of_groups ? "group_batch" : "batch", span->batch};
        args[traced.args_n++] = (struct trace_arg){"items", span->items};
    }
    add_hits(span->hits, args, &traced.args_n);
    if (span->emitting)
        args[traced.args_n++] = (struct trace_arg){"emitting_ns", span->emitting};
    return traced;
}

static void trace_stage(const struct run *run, const struct worker *worker, const struct run_span *span) {
    struct trace_arg args[TRACE_ARGS];
    struct trace_span stage = traced(span, args);
    stage.category = run_stage_names[run_span_words[span->kind].stage];
    trace_span(run->options->trace, worker->index, &stage);
}

static void trace_batches(const struct run *run, uint32_t row, uint64_t at, unsigned n) {
    trace_counter(run->options->trace, row, "batches in flight", at, n);
}

static uint64_t found_in(const struct run_hits *hits) {
    uint64_t found = 0;
    for (int tier = 0; tier < CACHE_TIERS_N; tier++)
        found += hits->found.in[tier];
    return found;
}

// How many there have been by the end of the span; the first of them rise from nothing.
static void trace_total(const struct run *run, uint32_t row, const char *name, const struct run_span *span,
                        atomic_uint_fast64_t *total, uint64_t more) {
    if (!more)
        return;
    const uint64_t before = atomic_fetch_add(total, more);
    if (before == 0)
        trace_counter(run->options->trace, row, name, span->from, 0);
    trace_counter(run->options->trace, row, name, span->to, before + more);
}

static void trace_hits(struct run *run, uint32_t row, const struct run_span *span) {
    trace_total(run, row, FROM_CACHE, span, &run->totals.found, found_in(span->hits));
    trace_total(run, row, UP_TO_DATE, span, &run->totals.up_to_date, span->hits->up_to_date);
}

void run_opened(struct run *run, struct path_mark last) {
    pthread_mutex_lock(&run->lock);
    run->opened = path_later(run->opened, last);
    pthread_mutex_unlock(&run->lock);
}

// Of a word that nobody else writes: it costs what a plain one would.
static void add_own(atomic_uint_fast64_t *sum, uint64_t more) {
    atomic_store_explicit(sum, atomic_load_explicit(sum, memory_order_relaxed) + more, memory_order_relaxed);
}

struct path_mark run_spent(struct run *run, const struct worker *worker, const struct run_span *span) {
    atomic_uint_fast64_t *stages = run->workers[worker->index].stage_nanoseconds;
    add_own(&stages[run_span_words[span->kind].stage], span->to - span->from - span->emitting);
    if (span->emitting)
        add_own(&stages[RUN_EMIT], span->emitting);
    if (run->options->trace)
        trace_stage(run, worker, span);
    run_detail_span(run, worker, span);
    if (run->options->trace && span->hits)
        trace_hits(run, worker->index, span);
    return run_path_add(run, worker, span);
}

// Into a histogram of this worker's, which may just be read.
static void observe(struct worker_run *mine, struct histogram *histogram, uint64_t nanoseconds,
                    uint32_t times) {
    if (mine->live.on)
        pthread_mutex_lock(&mine->live.lock);
    histogram_add_times(histogram, nanoseconds, times);
    if (mine->live.on)
        pthread_mutex_unlock(&mine->live.lock);
}

void run_observe(const struct run *run, const struct worker *worker, enum run_stage stage,
                 uint64_t nanoseconds) {
    struct worker_run *mine = &run->workers[worker->index];
    if (mine->jobs && run_strategy(run)->monitoring.times)
        observe(mine, &mine->stages[stage], nanoseconds, 1);
}

// ---- rendering

// One in so many is worth its timing, for what usually takes `nanoseconds`.
static uint32_t worth_timing(uint64_t clock_cost, uint64_t nanoseconds) {
    uint64_t every = nanoseconds ? 2 * clock_cost * TIMING_SHARE / nanoseconds + 1 : EVERY_MOST;
    return every < EVERY_MOST ? (uint32_t)every : EVERY_MOST;
}

static void set_pace(struct pace *pace, uint64_t clock_cost, uint64_t took) {
    pace->usual = pace->usual ? pace->usual - pace->usual / 8 + took / 8 : took;
    uint32_t every = worth_timing(clock_cost, pace->usual);
    pace->random = pace->random * 6364136223846793005u + 1442695040888963407u;
    pace->gap = 1 + (uint32_t)(pace->random >> 33) % (2 * every - 1); // `every` on average
    pace->left = pace->gap - 1;
}

static void render_timed(struct lot *lot, struct entry *entry, struct vm *vm, const struct worker *worker,
                         struct histogram *histogram, struct pace *pace) {
    const struct run *run = lot->job->run;
    uint64_t emitting = lot->emit_nanoseconds, from = run_now(run);
    run_output(lot, entry, vm);
    uint64_t took = run_now(run) - from - (lot->emit_nanoseconds - emitting);
    observe(&lot->job->run->workers[worker->index], histogram, took, pace->gap ? pace->gap : 1);
    set_pace(pace, run->clock_cost, took);
    if (!lot->job->job->filter.argv)
        run_detail_output(lot, entry, worker, took);
}

// Of a job whose outputs are looked up, or may be: those that are not found are all timed.
static void find_or_render(struct lot *lot, struct entry *entry, struct vm *vm, const struct worker *worker,
                           struct histogram *histogram) {
    const struct run *run = lot->job->run;
    const struct clock *clock = &run->options->clock;
    if (run_cache_output(lot, entry, vm, worker))
        return;
    const uint64_t emitting = lot->emit_nanoseconds, from = run_now(run);
    const uint64_t busy = clock->thread_cpu(clock->self);
    const struct str text = run_output(lot, entry, vm);
    const uint64_t used =
        clock->thread_cpu(clock->self) - busy; // with the sink's part, which is no rendering
    const uint64_t took = run_now(run) - from - (lot->emit_nanoseconds - emitting);
    if (histogram) {
        observe(&lot->job->run->workers[worker->index], histogram, took, 1);
        if (!lot->job->job->filter.argv)
            run_detail_output(lot, entry, worker, took);
    }
    run_cache_rendered(lot, entry, text, took < used ? took : used, worker);
}

void run_render_entries(struct lot *lot, struct vm *vm, const struct worker *worker) {
    struct job_run *job = lot->job;
    struct worker_run *mine = &job->run->workers[worker->index];
    const bool watched = mine->jobs && lot->strategy->monitoring.times;
    struct pace *pace = watched ? &mine->paces[job->index] : NULL;
    if (job->run->options->dry)
        return;
    while (lot->rendered_to < lot->entries_n && !run_through_is_full(lot) &&
           !atomic_load_explicit(&job->stopped, memory_order_relaxed)) {
        struct entry *entry = &lot->entries[lot->rendered_to++];
        if (entry->state != ENTRY_PENDING)
            continue;
        if (run_cache_looks(lot))
            find_or_render(lot, entry, vm, worker, pace ? &mine->jobs[job->index] : NULL);
        else if (pace && pace->left-- == 0)
            render_timed(lot, entry, vm, worker, &mine->jobs[job->index], pace);
        else
            run_output(lot, entry, vm);
    }
}

// ---- filters outside

static void trace_filter(const struct run *run, const struct worker *worker, const struct passage *passage) {
    const struct run_span span = {.kind = SPAN_THROUGH,
                                  .subject = passage->lot->job->job->job->name,
                                  .batch = passage->lot->sequence,
                                  .of_groups = !passage->lot->flight,
                                  .items = 1,
                                  .from = passage->task.began,
                                  .to = passage->task.ended};
    struct trace_arg args[TRACE_ARGS];
    struct trace_span life = traced(&span, args);
    args[life.args_n - 1] = (struct trace_arg){"bytes_in", passage->task.text.n};
    args[life.args_n++] = (struct trace_arg){"bytes_out", passage->task.output.n};
    life.category = "through";
    trace_life(run->options->trace, worker->index, &life, passage->task.place);
}

void run_filtered(const struct run *run, const struct worker *worker, struct passage *passage) {
    struct worker_run *mine = &run->workers[worker->index];
    if (!passage->task.began)
        return;
    if (mine->filters && passage->lot->strategy->monitoring.times)
        observe(mine, &mine->filters[passage->lot->job->index], passage->task.ended - passage->task.began, 1);
    if (passage->lot->strategy->monitoring.times)
        run_detail_output(passage->lot, &passage->lot->entries[passage->entry], worker,
                          passage->task.ended - passage->task.began);
    if (run->options->trace)
        trace_filter(run, worker, passage);
    run_path_add_process(run, passage);
}

// ---- batches in flight

void run_batch_begins(struct run *run, const struct worker *worker) {
    unsigned now = atomic_fetch_add_explicit(&run->in_flight, 1, memory_order_relaxed) + 1;
    unsigned most = atomic_load_explicit(&run->in_flight_most, memory_order_relaxed);
    while (now > most && !atomic_compare_exchange_weak(&run->in_flight_most, &most, now))
        ;
    if (run->options->trace)
        trace_batches(run, worker->index, run_now(run), now);
}

void run_batch_ends(struct run *run, const struct worker *worker, const struct run_span *life) {
    unsigned now = atomic_fetch_sub(&run->in_flight, 1) - 1; // in order with run_govern_holds
    observe(&run->workers[worker->index], &run->workers[worker->index].batches, life->worked, 1);
    if (now == 0)
        run_govern_wake(run);
    if (!run->options->trace)
        return;
    struct trace_arg args[TRACE_ARGS];
    struct trace_span batch = traced(life, args);
    batch.category = "batch";
    batch.to = run_now(run);
    const size_t flows = run->plan->passes_n + run->plan->manifest->jobs_n;
    trace_life(run->options->trace, worker->index, &batch, life->batch * flows + life->flow);
    trace_batches(run, worker->index, batch.to, now);
}

// ---- the beginning and the end

static uint64_t clock_cost(const struct run *run) {
    uint64_t from = run_now(run), to = from;
    for (int i = 0; i < CLOCK_TRIES; i++)
        to = run_now(run);
    return (to - from) / CLOCK_TRIES;
}

void run_watch_init(struct run *run) {
    size_t jobs_n = run->plan->manifest->jobs_n;
    run_path_init(run);
    if (!run->options->session)
        return;
    run->clock_cost = clock_cost(run);
    if (run->options->strategy->monitoring.resources)
        run->sampler = sampler_start(&run->in_flight);
    run_detail_init(run);
    for (uint32_t w = 0; w < run->options->workers; w++) {
        run->workers[w].jobs = MEM_NEW_ARRAY(struct histogram, jobs_n + 1);
        run->workers[w].paces = MEM_NEW_ARRAY(struct pace, jobs_n + 1);
        run->workers[w].filters = run->through ? MEM_NEW_ARRAY(struct histogram, jobs_n + 1) : NULL;
    }
}

void run_watch_release(struct run *run) {
    run_path_release(run);
    run_detail_release(run);
    for (uint32_t w = 0; w < run->options->workers; w++) {
        struct worker_run *mine = &run->workers[w];
        for (int stage = 0; stage < RUN_STAGES; stage++)
            histogram_release(&mine->stages[stage]);
        for (size_t j = 0; mine->jobs && j < run->plan->manifest->jobs_n; j++)
            histogram_release(&mine->jobs[j]);
        for (size_t j = 0; mine->filters && j < run->plan->manifest->jobs_n; j++)
            histogram_release(&mine->filters[j]);
        histogram_release(&mine->batches);
        mem_free(mine->filters);
        mem_free(mine->jobs);
        mem_free(mine->paces);
    }
}

// Two workers that counted at the same time may have told in the other order.
static void trace_end(const struct run *run, uint64_t at) {
    const uint64_t found = atomic_load(&run->totals.found), up_to_date = atomic_load(&run->totals.up_to_date);
    trace_batches(run, 0, at, atomic_load(&run->in_flight));
    if (found)
        trace_counter(run->options->trace, 0, FROM_CACHE, at, found);
    if (up_to_date)
        trace_counter(run->options->trace, 0, UP_TO_DATE, at, up_to_date);
}

void run_watch_end(struct run *run, struct run_report *report) {
    if (run->options->trace)
        trace_end(run, run_now(run));
    run_path_end(run, report);
    if (!run->options->session)
        return;
    sampler_stop(run->sampler, run->options->session);
    run->sampler = NULL;
    run_session_fill(run, report);
}
