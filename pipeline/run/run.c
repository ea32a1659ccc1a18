// SPDX-License-Identifier: MIT
// The run as a story: prepare, make the graph's nodes, run it, close what is open, say what came of it.
#include "pipeline/run/run.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_profile.h"
#include "pipeline/run/run_watch.h"
#include "stages/load/postgresql/pg_pool.h"
#include "stages/load/sqlite/sqlite_pool.h"

// Enough flights that a worker always finds one, few enough that memory and descriptors stay few.
enum { FLIGHTS_PER_WORKER = 3 };

void run_note(const struct run *run, const char *text) {
    const struct run_observer *observer = run->options->observer;
    if (observer && observer->note)
        observer->note(observer->self, text);
}

void run_warn(const struct run *run, const char *text) {
    const struct run_observer *observer = run->options->observer;
    if (observer && observer->warning)
        observer->warning(observer->self, text);
    else
        run_note(run, text);
}

void run_break(struct run *run, const struct err *err) {
    pthread_mutex_lock(&run->lock);
    bool first = !run->broken;
    if (first)
        *run->err = *err;
    run->broken = true;
    pthread_mutex_unlock(&run->lock);
    if (!first) // the first one comes with the run's status
        run_warn(run, err->text);
}

static void account_workers(struct run *run) {
    const uint64_t now = run_now(run);
    run->worker_nanoseconds += (double)run->limit * (double)(now - run->limit_since);
    run->limit_since = now;
}

void run_limit_workers(struct run *run, enum run_limit whose, uint32_t workers) {
    pthread_mutex_lock(&run->lock);
    account_workers(run);
    run->limits[whose] = workers;
    uint32_t least = run->options->workers;
    for (int i = 0; i < RUN_LIMITS; i++)
        least = run->limits[i] && run->limits[i] < least ? run->limits[i] : least;
    run->limit = least;
    graph_set_limit(run->graph, least);
    pthread_mutex_unlock(&run->lock);
}

double run_worker_seconds(struct run *run, uint32_t *limit) {
    pthread_mutex_lock(&run->lock);
    account_workers(run);
    *limit = run->limit;
    const double seconds = run->worker_nanoseconds / 1e9;
    pthread_mutex_unlock(&run->lock);
    return seconds;
}

void run_use_strategy(struct run *run, const struct strategy *strategy) {
    atomic_store_explicit(&run->strategy, strategy, memory_order_release);
    graph_set_partition(run->graph, run->options->partition ? run->options->partition : strategy->partition);
    if (run->options->forecast) // else the workers are as many as it wants
        run_limit_workers(run, LIMIT_STRATEGY, strategy_workers(strategy, run->options->workers).start);
    run_cache_follow(run);
}

bool run_is_interrupted(struct run *run) {
    if (run->options->interrupt && atomic_load(run->options->interrupt))
        atomic_store(&run->interrupted, true);
    return atomic_load(&run->interrupted);
}

// Nodes -----------------------------------------------------------------------------------------------------

static enum step compile_step(void *self, struct worker *worker) {
    struct job_run *job = self;
    struct run *run = job->run;
    uint64_t from = run_now(run);
    struct arena arena;
    struct diags diags;
    arena_init(&arena, 0);
    diags_init(&diags, &arena);
    bool ok = plan_compile(run->plan, job->index, &diags);
    pthread_mutex_lock(&run->lock);
    diags_append(run->diags, &diags);
    pthread_mutex_unlock(&run->lock);
    arena_release(&arena);
    const struct run_span span = {.kind = SPAN_COMPILE,
                                  .subject = job->job->job->name,
                                  .index = job->index,
                                  .from = from,
                                  .to = run_now(run)};
    run_opened(run, run_spent(run, worker, &span));
    run_observe(run, worker, RUN_COMPILE, span.to - from);
    return ok ? STEP_DONE : STEP_FAILED;
}

// Released when the source is read to its end; done when the job's last lot is rendered.
static enum step render_step(void *self, struct worker *worker) {
    struct job_run *job = self;
    if (atomic_load(&job->unrendered) > 0 && (!job->job->gathers || job->group_lots == 0))
        return STEP_BLOCKED;
    if (run_is_settled(job))
        return STEP_DONE;
    if (job->job->gathers && !run_is_interrupted(job->run)) {
        enum step step = run_render_groups_step(job, worker);
        if (step != STEP_DONE)
            return step;
    }
    return atomic_load(&job->unrendered) > 0 ? STEP_BLOCKED : STEP_DONE;
}

// What went into a stream that is not published was not written after all. (Standard output takes nothing back, and
// rows of a table are published as they come.)
static void withdraw(struct job_run *job) {
    if (job->job->sink->named || job->job->sink->rows || plan_is_to_stdout(job->job))
        return;
    job->counters.written = job->counters.unchanged = job->counters.bytes = job->counters.stored = 0;
    job->digest = (struct digest){0, 0};
}

static void close_sink(struct job_run *job, bool publish) {
    if (!job->sink || job->closed)
        return;
    struct lane_result result = {0};
    struct err err;
    job->closed = true;
    run_job_free_lots(job);
    run_lengths_prepare(job, publish);
    if (job->job->sink->close(job->sink, publish, &result, &err) != STATUS_OK) {
        run_break(job->run, &err);
        atomic_store(&job->stopped, true);
        publish = false;
    }
    run_lengths_close(job, publish);
    if (result.torn)
        job->run->lock_file.left_behind = true; // the next run looks
    if (!publish)
        withdraw(job);
    run_add_result(&job->counters, &result);
    if (result.stream_unchanged) {
        job->counters.unchanged = job->counters.written;
        job->counters.written = job->counters.stored = 0;
    }
}

// A stream of nothing, because all that belongs to it failed, is not to take the place of what is there.
static bool is_void(const struct job_run *job) {
    return job->lacking && job->outputs == 0 && !job->job->sink->named && !job->job->sink->rows;
}

// Released when all is rendered; done when all is written. A stream that is not complete is not published.
static enum step emit_step(void *self, struct worker *worker) {
    struct job_run *job = self;
    if (atomic_load(&job->unflushed) > 0)
        return STEP_BLOCKED;
    bool complete = !atomic_load(&job->stopped) && !atomic_load(&job->run->interrupted);
    if (complete && is_void(job) && !job->run->options->dry) {
        char text[512];
        snprintf(text, sizeof text, "job %.*s: all of it failed, so %.*s stays as it was",
                 STR_ARG(job->job->job->name), STR_ARG(job->job->stream));
        run_note(job->run, text);
        complete = false;
    }
    const uint64_t from = run_now(job->run);
    close_sink(job, complete);
    run_why_tell_stream(job, complete && !atomic_load(&job->stopped));
    const struct run_span span = {.kind = SPAN_CLOSE,
                                  .subject = job->job->job->name,
                                  .index = job->index,
                                  .from = from,
                                  .to = run_now(job->run),
                                  .after = {run_path_released(job->run, job->emit_node)}};
    job->ended = run_spent(job->run, worker, &span);
    return complete && !atomic_load(&job->stopped) ? STEP_DONE : STEP_FAILED;
}

// What loading takes beside other passes: bytes, since more is not known. With one pass alone it does not matter.
static uint64_t weight_of(const struct run *run, const struct pass_run *pass) {
    struct stat st;
    const bool known = run->plan->passes_n > 1 && plan_stat_source(run->options->fs, pass->source, &st) &&
                       S_ISREG(st.st_mode);
    return known ? (uint64_t)st.st_size + 1 : 1;
}

static void make_graph(struct run *run) {
    const struct plan *plan = run->plan;
    run->graph = graph_new();
    for (size_t i = 0; i < plan->nodes_n; i++) {
        const struct plan_node *node = &plan->nodes[i];
        struct node_spec spec = {.name = node->label.p};
        uint32_t *id = NULL;
        switch (node->stage) {
        case STAGE_COMPILE:
            spec.self = &run->jobs[node->index];
            spec.step = compile_step;
            break;
        case STAGE_OPEN:
            spec.self = run;
            spec.step = run_open_step;
            id = &run->open_node;
            break;
        case STAGE_LOAD:
            spec.self = &run->passes[node->index];
            spec.step = run_load_step;
            spec.weight = weight_of(run, &run->passes[node->index]);
            id = &run->passes[node->index].node;
            break;
        case STAGE_RENDER:
            spec.self = &run->jobs[node->index];
            spec.step = render_step;
            id = &run->jobs[node->index].render_node;
            break;
        case STAGE_EMIT:
            spec.self = &run->jobs[node->index];
            spec.step = emit_step;
            id = &run->jobs[node->index].emit_node;
            break;
        }
        uint32_t added = graph_add(run->graph, &spec);
        if (id)
            *id = added;
    }
    for (size_t e = 0; e < plan->edges_n; e++)
        graph_edge(run->graph, (uint32_t)plan->edges[e].from, (uint32_t)plan->edges[e].to);
    for (size_t p = 0; p < plan->passes_n; p++)
        credits_init(&run->passes[p].credits, run->graph, run->passes[p].node, run->credits);
    for (size_t j = 0; j < plan->manifest->jobs_n; j++)
        credits_init(&run->jobs[j].credits, run->graph, run->jobs[j].render_node, run->credits);
}

// Preparation -----------------------------------------------------------------------------------------------

static void prepare_passes(struct run *run) {
    const struct plan *plan = run->plan;
    run->passes = MEM_NEW_ARRAY(struct pass_run, plan->passes_n + 1);
    for (size_t p = 0; p < plan->passes_n; p++) {
        struct pass_run *pass = &run->passes[p];
        pass->run = run;
        pass->pass = &plan->passes[p];
        pass->source = &plan->manifest->sources[pass->pass->source];
        pass->jobs = MEM_NEW_ARRAY(size_t, pass->pass->jobs_n + 1);
        memcpy(pass->jobs, pass->pass->jobs, pass->pass->jobs_n * sizeof *pass->jobs);
        pass->jobs_n = pass->pass->jobs_n;
        pass->source_known = true;
        pass->claim_turns = turns_new(run->credits);
        run_routes_want(pass);
    }
}

static void prepare_jobs(struct run *run) {
    const struct plan *plan = run->plan;
    run->jobs = MEM_NEW_ARRAY(struct job_run, plan->manifest->jobs_n + 1);
    for (size_t j = 0; j < plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        job->run = run;
        job->job = &plan->jobs[j];
        job->index = (uint32_t)j;
        job->gather_turns = turns_new(run->credits);
        job->claim_turns = turns_new(run->credits);
        job->emit_turns = turns_new(run->credits);
        job->partial = run->options->retry && !job->job->gathers && job->job->sink->named &&
                       !retry_is_whole(run->options->retry, plan->manifest, job->job->job);
        arena_init(&job->arena, 0);
    }
}

static void prepare_workers(struct run *run) {
    run->workers = MEM_NEW_ARRAY(struct worker_run, run->options->workers);
    for (uint32_t w = 0; w < run->options->workers; w++)
        reader_init(&run->workers[w].reader, run->shapes, NULL);
    run_through_init(run);
    run_watch_init(run);
}

// Ending ----------------------------------------------------------------------------------------------------

static void count_job(const struct run *run, const struct job_run *job, struct run_report *report) {
    const struct run_observer *observer = run->options->observer;
    run_add_counters(&report->counters, &job->counters);
    if (job->job->sink->named)
        report->counters.files += job->counters.written;
    if (observer && observer->job)
        observer->job(observer->self, job->job->job->name, &job->counters);
    report->digest = digest_add(report->digest, job->digest);
    report->jobs_done += job->ending.state == RUN_JOB_DONE;
    report->jobs_failed += job->ending.state == RUN_JOB_FAILED;
    report->jobs_skipped += job->ending.state == RUN_JOB_SKIPPED;
}

// Nothing was left out, so what was not seen does not belong any more.
static bool is_complete(const struct run *run) {
    bool complete = !run->options->selected && !run->options->retry && !run->interrupted && !run->broken;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        complete &= graph_state(run->graph, run->jobs[j].emit_node) == NODE_DONE;
    return complete;
}

static void count_machine(const struct vm *vm, struct run_counters *counters) {
    const struct arena_asked asked = vm_asked(vm);
    counters->opcodes += vm_instructions(vm);
    counters->allocations += asked.pieces;
    counters->allocated_bytes += asked.bytes;
}

static void count_batches(const struct run *run, struct run_report *report) {
    struct histogram all = {0};
    for (uint32_t w = 0; w < run->options->workers; w++)
        histogram_merge(&all, &run->workers[w].batches);
    report->batches = all.n;
    report->batch_p50 = (double)histogram_quantile(&all, 0.5) / 1e9;
    histogram_release(&all);
}

// What workers had in all, less what they did and what they slept.
static void count_idle(const struct run *run, struct run_report *report) {
    double left = (double)run->graph_nanoseconds / 1e9 * run->options->workers;
    report->idle_seconds = (double)graph_idle(run->graph) / 1e9;
    left -= report->idle_seconds;
    for (int stage = 0; stage < RUN_STAGES; stage++)
        left -= report->stage_seconds[stage];
    report->scheduling_seconds = left > 0 ? left : 0;
}

// Where they were chosen on the way, those of the last choice.
static uint32_t workers_of(const struct run *run) {
    const uint32_t most = run->options->workers;
    return run->automatic.begun ? strategy_workers(run_strategy(run), most).start : most;
}

static void fill_report(struct run *run, struct run_report *report) {
    const struct strategy *strategy = run_strategy(run);
    *report = (struct run_report){.workers = workers_of(run),
                                  .strategy = strategy,
                                  .automatic = run->automatic.begun,
                                  .chooser = run->automatic.chooser,
                                  .interrupted = run->interrupted,
                                  .exceeded = run->exceeded,
                                  .costs = run->options->costs,
                                  .begun = graph_state(run->graph, run->open_node) == NODE_DONE};
    report->routed = run->plan->manifest->routes_n > 0;
    report->unrouted = run_routes_left_out(run);
    report->jobs_n = run->plan->manifest->jobs_n;
    struct run_job_end *ends = arena_zero(&run->plan->arena, (report->jobs_n + 1) * sizeof *ends);
    for (size_t j = 0; j < report->jobs_n; j++) {
        count_job(run, &run->jobs[j], report);
        if (ends)
            ends[j] = run->jobs[j].ending;
    }
    report->jobs = ends;
    run_cache_end(run, &report->cache);
    for (uint32_t w = 0; w < run->options->workers; w++) {
        for (int stage = 0; stage < RUN_STAGES; stage++)
            report->stage_seconds[stage] += (double)run->workers[w].stage_nanoseconds[stage] / 1e9;
        for (int mode = 0; mode < UNDEFINED_MODES; mode++)
            if (run->workers[w].vms[mode])
                count_machine(run->workers[w].vms[mode], &report->counters);
    }
    for (size_t p = 0; p < run->plan->passes_n; p++)
        report->counters.retried += run->passes[p].tried;
    count_batches(run, report);
    count_idle(run, report);
    report->pruned = run->pruned;
    report->left = run->left;
    report->dry = run->options->dry;
    report->counters.templates = templates_compiled(run->plan->templates);
    if (run->failures)
        snprintf(report->errors_path, sizeof report->errors_path, "%s", failures_path(run->failures));
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    report->peak_rss_bytes = (uint64_t)usage.ru_maxrss * 1024;
    report->seconds = (double)(run_now(run) - run->started) / 1e9;
    report->worker_seconds = run_worker_seconds(run, &(uint32_t){0});
    run_govern_report(run, report);
    run_ahead_report(run, report);
    run_joins_report(run, report);
    run_watch_end(run, report);
}

static void release(struct run *run) {
    size_t jobs_n = run->plan->manifest->jobs_n;
    for (size_t j = 0; run->jobs && j < jobs_n; j++)
        run_job_release(&run->jobs[j]);
    for (size_t p = 0; run->passes && p < run->plan->passes_n; p++)
        run_pass_release(&run->passes[p]);
    for (uint32_t w = 0; run->workers && w < run->options->workers; w++) {
        reader_release(&run->workers[w].reader);
        for (int mode = 0; mode < UNDEFINED_MODES; mode++)
            if (run->workers[w].vms[mode])
                vm_free(run->workers[w].vms[mode]);
    }
    if (run->workers) {
        run_live_release(run);
        run_watch_release(run);
        run_profile_release(run);
    }
    run_cache_release(run);
    const struct fs *fs = run->options->fs;
    run_past_release(run);
    failures_free(run->failures);
    run_stage_close(run);
    if (run->locked)
        lock_release(&run->lock_file);
    if (run->root >= 0)
        fs->close(fs->self, run->root);
    if (run->graph)
        graph_free(run->graph);
    claims_free(run->claims);
    through_free(run->through);
    sqlite_pools_free(run->pools);
    pg_pools_free(run->servers);
    shapes_free(run->shapes);
    mem_free(run->jobs);
    mem_free(run->passes);
    mem_free(run->workers);
    run_auto_release(run);
    pthread_mutex_destroy(&run->lock);
    pthread_mutex_destroy(&run->reason_lock);
}

enum status run_execute(struct plan *plan, const struct run_options *options, struct run_report *report,
                        struct diags *diags, struct err *err) {
    struct run_options chosen = *options;
    if (!chosen.strategy)
        chosen.strategy = &strategy_default;
    struct run run = {.plan = plan,
                      .options = &chosen,
                      .strategy = chosen.strategy,
                      .limit = options->workers,
                      .root = -1,
                      .stage = -1,
                      .stage_files = -1,
                      .credits = options->workers * FLIGHTS_PER_WORKER + 1,
                      .diags = diags,
                      .err = err};
    pthread_mutex_init(&run.lock, NULL);
    pthread_mutex_init(&run.reason_lock, NULL);
    run_auto_init(&run, options->forecast);
    run.started = run.limit_since = run_now(&run);
    *report = (struct run_report){.workers = options->workers, .strategy = chosen.strategy};
    run.claims = claims_new();
    run.shapes = shapes_new();
    if (plan_compile_keys(plan, diags)) {
        prepare_passes(&run);
        run_ahead_init(&run);
        prepare_jobs(&run);
        prepare_workers(&run);
        run_profile_begin(&run);
        run_size_batches(&run);
        run_cache_init(&run);
        make_graph(&run);
        run_through_bell(&run);
        run_use_strategy(&run, chosen.strategy);
        run_govern_begin(&run);
        run_live_begin(&run);
        const uint64_t began = run_now(&run);
        if (!graph_run(run.graph, options->workers))
            run_break(&run, &(struct err){.status = STATUS_CONFLICT,
                                          .text = "the stage graph came to a standstill"});
        run.graph_nanoseconds = run_now(&run) - began;
        run_govern_end(&run);
        run_profile_end(&run);
        run_live_end(&run);
        for (size_t j = 0; j < plan->manifest->jobs_n; j++)
            close_sink(&run.jobs[j], false); // whatever did not come to its end
        run_report_unfinished(&run);
        run_auto_end(&run);
        const bool complete = is_complete(&run);
        struct run_review review = {.known = 0};
        run_past_end(&run, complete);
        run_routes_tell(&run);
        run_stage_end(&run, complete, &review);
        fill_report(&run, report);
        report->review = review;
    }
    enum status status = diags->errors ? STATUS_DATA : run.broken ? err->status : STATUS_OK;
    release(&run);
    return status;
}
