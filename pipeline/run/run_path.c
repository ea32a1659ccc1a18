// SPDX-License-Identifier: MIT
#include "pipeline/run/run_path.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "monitor/trace.h"
#include "pipeline/run/run_watch.h"

enum { SPANS_MOST = 1 << 18 }; // ten megabytes
enum { STAGES = STAGE_EMIT + 1, KINDS = SPAN_THROUGH + 1 };

// ---- while it runs

static void map_nodes(struct run *run) {
    const struct plan *plan = run->plan;
    struct run_path *path = run->path;
    path->nodes = MEM_NEW_ARRAY(uint32_t, STAGES * path->subjects);
    for (uint32_t i = 0; i < plan->nodes_n; i++)
        path->nodes[plan->nodes[i].stage * path->subjects + plan->nodes[i].index] = i;
}

void run_path_init(struct run *run) {
    const size_t jobs_n = run->plan->manifest->jobs_n, passes_n = run->plan->passes_n;
    const uint32_t workers = run->options->workers;
    const bool watched = run->options->session && run_strategy(run)->monitoring.times;
    if (!watched && !run->options->trace && !run->options->path)
        return;
    struct run_path *path = run->path = MEM_NEW(struct run_path);
    path->subjects = (uint32_t)(jobs_n > passes_n ? jobs_n : passes_n) + 1;
    path->rows = (size_t)KINDS * path->subjects;
    path->spans = critical_path_new(workers, SPANS_MOST);
    path->busy = MEM_NEW_ARRAY(uint64_t *, workers);
    path->aside = MEM_NEW_ARRAY(uint64_t *, workers);
    for (uint32_t w = 0; w < workers; w++) {
        path->busy[w] = MEM_NEW_ARRAY(uint64_t, path->rows);
        path->aside[w] = MEM_NEW_ARRAY(uint64_t, path->rows);
    }
    path->places = run->through_processes ? MEM_NEW_ARRAY(struct path_mark, run->through_processes) : NULL;
    map_nodes(run);
}

void run_path_release(struct run *run) {
    struct run_path *path = run->path;
    if (!path)
        return;
    for (uint32_t w = 0; w < run->options->workers; w++) {
        mem_free(path->busy[w]);
        mem_free(path->aside[w]);
    }
    mem_free(path->busy);
    mem_free(path->aside);
    mem_free(path->nodes);
    mem_free(path->places);
    critical_path_free(path->spans);
    mem_free(path);
}

struct path_mark run_path_add(const struct run *run, const struct worker *worker,
                              const struct run_span *span) {
    struct run_path *path = run->path;
    if (!path)
        return (struct path_mark){0, 0};
    const uint32_t row = (uint32_t)span->kind * path->subjects + span->index;
    path->busy[worker->index][row] += span->to - span->from - span->emitting;
    path->aside[worker->index][row] += span->emitting;
    const struct path_span added = {.from = span->from,
                                    .to = span->to,
                                    .aside = span->emitting,
                                    .row = row,
                                    .batch = (uint32_t)span->batch};
    return critical_path_add(path->spans, worker->index, &added, span->after,
                             sizeof span->after / sizeof *span->after);
}

void run_path_add_process(const struct run *run, struct passage *passage) {
    struct run_path *path = run->path;
    struct lot *lot = passage->lot;
    if (!path)
        return;
    struct path_mark *place = &path->places[passage->task.place];
    const struct path_mark after[] = {lot->handed_over, *place};
    const struct path_span added = {.from = passage->task.began,
                                    .to = passage->task.ended,
                                    .row = SPAN_THROUGH * path->subjects + lot->job->index,
                                    .batch = (uint32_t)lot->sequence};
    *place = critical_path_add(path->spans, run->options->workers, &added, after, 2);
    lot->done = path_later(lot->done, *place);
}

static struct path_mark end_of(const struct run *run, const struct plan_node *node) {
    const struct job_run *job = &run->jobs[node->index];
    switch (node->stage) {
    case STAGE_LOAD:
        return run->passes[node->index].read;
    case STAGE_RENDER:
        return path_later(job->gathered, job->written);
    case STAGE_EMIT:
        return job->ended;
    default:
        return run->opened;
    }
}

struct path_mark run_path_released(const struct run *run, uint32_t node) {
    const struct plan *plan = run->plan;
    struct path_mark last = {0, 0};
    for (size_t e = 0; run->path && e < plan->edges_n; e++)
        if (plan->edges[e].to == node)
            last = path_later(last, end_of(run, &plan->nodes[plan->edges[e].from]));
    return last;
}

// ---- by node

static struct str subject_of(const struct plan_node *node) {
    if (node->stage == STAGE_OPEN)
        return (struct str){NULL, 0};
    return str_from(node->label, strlen(plan_stage_name(node->stage)) + 1);
}

static const char *role_of(const struct plan_node *node) {
    return node->stage == STAGE_OPEN ? NULL : node->stage == STAGE_LOAD ? "source" : "job";
}

// The node that a row's time is of; what is gathered is of the load that it is part of.
static uint32_t node_of(const struct run *run, enum run_span_kind kind, uint32_t index) {
    static const enum plan_stage stages[KINDS] = {
        [SPAN_COMPILE] = STAGE_COMPILE, [SPAN_OPEN] = STAGE_OPEN,     [SPAN_SURVEY] = STAGE_OPEN,
        [SPAN_LOOK] = STAGE_OPEN,       [SPAN_READ] = STAGE_LOAD,     [SPAN_PARSE] = STAGE_LOAD,
        [SPAN_GATHER] = STAGE_LOAD,     [SPAN_SELECT] = STAGE_RENDER, [SPAN_RENDER] = STAGE_RENDER,
        [SPAN_SEAL] = STAGE_EMIT,       [SPAN_WRITE] = STAGE_EMIT,    [SPAN_CLOSE] = STAGE_EMIT,
        [SPAN_THROUGH] = STAGE_RENDER};
    const enum plan_stage stage = stages[kind];
    if (stage == STAGE_OPEN)
        index = 0;
    if (kind == SPAN_GATHER)
        index = (uint32_t)run->plan->jobs[index].pass;
    return run->path->nodes[stage * run->path->subjects + index];
}

// Adds the rows to `nodes`, the sink's part to that of the job's sink; but for processes, by job.
static void fold(const struct run *run, const uint64_t *times, const uint64_t *asides, uint64_t *nodes,
                 uint64_t *processes) {
    const uint32_t subjects = run->path->subjects;
    for (uint32_t row = 0; row < run->path->rows; row++) {
        const enum run_span_kind kind = (enum run_span_kind)(row / subjects);
        const uint32_t index = row % subjects;
        if (kind == SPAN_THROUGH)
            processes[index] += times[row];
        else if (times[row])
            nodes[node_of(run, kind, index)] += times[row];
        if (asides[row])
            nodes[node_of(run, SPAN_WRITE, index)] += asides[row];
    }
}

// ---- the report

static int by_time(const void *a, const void *b) {
    const double x = ((const struct run_path_part *)a)->seconds,
                 y = ((const struct run_path_part *)b)->seconds;
    return (x < y) - (x > y);
}

static struct run_path_part *add_part(struct run_path_part *parts, const char *stage, uint64_t nanoseconds) {
    *parts = (struct run_path_part){.stage = stage, .seconds = (double)nanoseconds / 1e9};
    return parts + (nanoseconds > 0);
}

// The greatest parts; the rest of them together as the last one.
static void keep_greatest(struct run_path_part *parts, size_t n, struct run_report *report) {
    qsort(parts, n, sizeof *parts, by_time);
    report->path_n = n < RUN_PATH_PARTS ? n : RUN_PATH_PARTS;
    memcpy(report->path, parts, report->path_n * sizeof *parts);
    if (n > RUN_PATH_PARTS)
        report->path[RUN_PATH_PARTS - 1] =
            (struct run_path_part){.stage = "others", .seconds = report->path[RUN_PATH_PARTS - 1].seconds};
    for (size_t i = RUN_PATH_PARTS; i < n; i++)
        report->path[RUN_PATH_PARTS - 1].seconds += parts[i].seconds;
}

struct found {
    uint64_t *ids;
    size_t n;
    bool whole;
    uint64_t from, to; // of the run
};

static void report_path(const struct run *run, const struct found *found, struct run_report *report) {
    const struct run_path *path = run->path;
    const struct plan *plan = run->plan;
    const size_t jobs_n = plan->manifest->jobs_n;
    uint64_t *times = MEM_NEW_ARRAY(uint64_t, path->rows), *asides = MEM_NEW_ARRAY(uint64_t, path->rows);
    uint64_t *nodes = MEM_NEW_ARRAY(uint64_t, plan->nodes_n),
             *processes = MEM_NEW_ARRAY(uint64_t, path->subjects);
    struct run_path_part *parts = MEM_NEW_ARRAY(struct run_path_part, plan->nodes_n + jobs_n + 3);
    const uint64_t first = critical_path_span(path->spans, found->ids[0])->from,
                   last = critical_path_span(path->spans, found->ids[found->n - 1])->to;
    const uint64_t waiting = critical_path_sum(path->spans, found->ids, found->n, times, asides);
    fold(run, times, asides, nodes, processes);
    struct run_path_part *end = parts;
    end = add_part(end, found->whole ? "start" : "unknown", first > found->from ? first - found->from : 0);
    end = add_part(end, "waiting", waiting);
    end = add_part(end, "end", found->to > last ? found->to - last : 0);
    for (size_t i = 0; i < plan->nodes_n; i++) {
        struct run_path_part *part = end;
        end = add_part(end, plan_stage_name(plan->nodes[i].stage), nodes[i]);
        part->role = role_of(&plan->nodes[i]);
        part->subject = subject_of(&plan->nodes[i]);
    }
    for (size_t j = 0; j < jobs_n; j++) {
        struct run_path_part *part = end;
        end = add_part(end, "through", processes[j]);
        part->role = "job";
        part->subject = plan->manifest->jobs[j].name;
    }
    keep_greatest(parts, (size_t)(end - parts), report);
    mem_free(parts);
    mem_free(processes);
    mem_free(nodes);
    mem_free(asides);
    mem_free(times);
}

// ---- the trace

static void trace_gap(struct trace *trace, uint32_t row, const char *name, uint64_t from, uint64_t to) {
    const struct trace_span gap = {.name = name, .category = "critical path", .from = from, .to = to};
    if (to > from)
        trace_span(trace, row, &gap);
}

static void tell_trace(const struct run *run, const struct found *found) {
    const struct run_path *path = run->path;
    struct trace *trace = run->options->trace;
    const uint32_t row = run->options->workers;
    uint64_t free = found->from;
    for (size_t i = 0; i < found->n; i++) {
        const struct path_span *span = critical_path_span(path->spans, found->ids[i]);
        const uint32_t lane = critical_path_lane(found->ids[i]);
        const struct run_span_words *words = &run_span_words[span->row / path->subjects];
        const uint32_t index = span->row % path->subjects;
        const struct trace_arg args[] = {{"batch", span->batch}, {"worker", lane + 1}};
        const bool at_worker = lane < run->options->workers;
        const struct trace_span shown = {.name = words->name,
                                         .category = "critical path",
                                         .role = words->role,
                                         .subject = run_span_subject(run, words, index),
                                         .from = span->from,
                                         .to = span->to,
                                         .args = words->whole ? args + 1 : args,
                                         .args_n = (size_t)at_worker + !words->whole};
        trace_gap(trace, row, i > 0 ? "waiting" : found->whole ? "start" : "unknown", free, span->from);
        trace_span(trace, row, &shown);
        free = span->to;
    }
    trace_gap(trace, row, "end", free, found->to);
}

void run_path_end(const struct run *run, struct run_report *report) {
    if (!run->path)
        return;
    struct found found = {.from = run->started, .to = run->started + (uint64_t)(report->seconds * 1e9)};
    found.ids = critical_path_find(run->path->spans, &found.n, &found.whole);
    if (found.n)
        report_path(run, &found, report);
    if (found.n && run->options->trace)
        tell_trace(run, &found);
    mem_free(found.ids);
}

// ---- the session

static struct session_part *add_node(struct session *session, const struct plan_node *node,
                                     uint64_t nanoseconds) {
    const char *role = role_of(node);
    struct session_part *part = session_add_part(&session->nodes);
    *part = (struct session_part){.stage = plan_stage_name(node->stage),
                                  .role = role,
                                  .subject = role ? session_keep(session, subject_of(node)) : STR(""),
                                  .seconds = (double)nanoseconds / 1e9};
    return part;
}

static void set_units(struct session_part *part, const char *unit, const struct histogram *histogram) {
    if (histogram->n == 0)
        return;
    part->unit = unit;
    part->n = histogram->n;
    part->p50 = (double)histogram_quantile(histogram, 0.5) / 1e9;
    part->p95 = (double)histogram_quantile(histogram, 0.95) / 1e9;
}

// The times of a job's outputs are known by worker.
static void set_outputs(struct session_part *part, const struct run *run, size_t job) {
    struct histogram all = {0};
    for (uint32_t w = 0; w < run->options->workers; w++)
        histogram_merge(&all, &run->workers[w].jobs[job]);
    set_units(part, "outputs", &all);
    histogram_release(&all);
    part->through = (double)run->jobs[job].counters.filtering / 1e9;
}

static void fill_nodes(const struct run *run, const uint64_t *times, struct session *session) {
    for (size_t i = 0; i < run->plan->nodes_n; i++) {
        const struct plan_node *node = &run->plan->nodes[i];
        struct session_part *part = add_node(session, node, times[i]);
        if (node->stage == STAGE_LOAD)
            set_units(part, "batches", &run->passes[node->index].batches);
        else if (node->stage == STAGE_RENDER)
            set_outputs(part, run, node->index);
        else if (node->stage == STAGE_EMIT)
            set_units(part, "batches", &run->jobs[node->index].batches);
    }
}

void run_path_fill(const struct run *run, const struct run_report *report, struct session *session) {
    const struct run_path *path = run->path;
    if (!path)
        return;
    uint64_t *nodes = MEM_NEW_ARRAY(uint64_t, run->plan->nodes_n),
             *processes = MEM_NEW_ARRAY(uint64_t, path->subjects);
    for (uint32_t w = 0; w < run->options->workers; w++)
        fold(run, path->busy[w], path->aside[w], nodes, processes);
    fill_nodes(run, nodes, session);
    for (size_t i = 0; i < report->path_n; i++) {
        const struct run_path_part *from = &report->path[i];
        struct session_part *part = session_add_part(&session->path);
        *part = (struct session_part){.stage = from->stage,
                                      .role = from->role,
                                      .subject = session_keep(session, from->subject),
                                      .seconds = from->seconds};
    }
    mem_free(processes);
    mem_free(nodes);
}
