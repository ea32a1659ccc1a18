// SPDX-License-Identifier: MIT
#include "pipeline/run/run_detail.h"

#include "base/mem.h"
#include "monitor/json_line.h"
#include "monitor/session_faults.h"
#include "monitor/session_host.h"
#include "monitor/slowest.h"
#include "monitor/timeline.h"
#include "pipeline/run/run_watch.h"

enum { SLOWEST_JOBS = 20 }; // whose slowest outputs are kept; each is a kilobyte of a session

void run_detail_init(struct run *run) {
    const size_t jobs_n = run->plan->manifest->jobs_n;
    for (uint32_t w = 0; w < run->options->workers && run_strategy(run)->monitoring.times; w++) {
        run->workers[w].slowest = MEM_NEW_ARRAY(struct slowest, jobs_n + 1);
        run->workers[w].timeline = MEM_NEW(struct timeline);
    }
}

void run_detail_release(struct run *run) {
    for (uint32_t w = 0; w < run->options->workers; w++) {
        mem_free(run->workers[w].slowest);
        mem_free(run->workers[w].timeline);
    }
}

void run_detail_span(const struct run *run, const struct worker *worker, const struct run_span *span) {
    struct timeline *timeline = run->workers[worker->index].timeline;
    if (!timeline || span->from < run->started)
        return;
    const struct timeline_span added = {.from = span->from - run->started,
                                        .to = span->to - run->started,
                                        .kind = (int)run_span_words[span->kind].stage,
                                        .other = RUN_EMIT,
                                        .part = span->emitting};
    timeline_add(timeline, &added);
}

void run_detail_output(const struct lot *lot, const struct entry *entry, const struct worker *worker,
                       uint64_t took) {
    struct slowest *all = lot->job->run->workers[worker->index].slowest;
    if (!all || !slowest_takes(&all[lot->job->index], took))
        return;
    char ordinal[RUN_ORDINAL_SIZE];
    slowest_add(&all[lot->job->index], took, run_entry_key(entry, ordinal),
                entry->item ? entry->item->ordinal + 1 : 0, entry->item ? entry->item->line : 0);
}

void run_detail_fault(const struct run *run, const struct failure *failure) {
    struct session *session = run->options->session;
    if (!session)
        return;
    const struct session_fault_of of = {.job = failure->job,
                                        .path = failure->path,
                                        .key = failure->key,
                                        .line = failure->line,
                                        .record = failure->record};
    session_count_error(session, failure->detail->message);
    session_add_fault(session, failure->detail, &of);
}

// ---- the session

static json_t *slow_json(const struct slow_one *one) {
    json_t *object = json_object();
    json_object_set_new(object, "key", json_line_text((struct str){one->name, one->name_n}));
    if (one->record)
        json_object_set_new(object, "record", json_integer((json_int_t)one->record));
    if (one->line)
        json_object_set_new(object, "line", json_integer((json_int_t)one->line));
    json_object_set_new(object, "seconds", json_real((double)one->nanoseconds / 1e9));
    return object;
}

static json_t *slowest_json(const struct run *run) {
    json_t *array = json_array();
    for (size_t j = 0; j < run->plan->manifest->jobs_n && j < SLOWEST_JOBS; j++) {
        struct slowest all = {0};
        for (uint32_t w = 0; w < run->options->workers; w++)
            if (run->workers[w].slowest)
                slowest_merge(&all, &run->workers[w].slowest[j]);
        if (all.n == 0)
            continue;
        const struct manifest_job *job = run->jobs[j].job->job;
        json_t *object = json_object(), *ones = json_array();
        json_object_set_new(object, "job", json_line_text(job->name));
        json_object_set_new(object, "template", json_line_text(job->template_name));
        for (uint32_t i = 0; i < all.n; i++)
            json_array_append_new(ones, slow_json(&all.ones[i]));
        json_object_set_new(object, "outputs", ones);
        json_array_append_new(array, object);
    }
    if (json_array_size(array) == 0) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *lanes_json(const struct run *run, double seconds) {
    const uint32_t n = run->options->workers;
    struct timeline **timelines = MEM_NEW_ARRAY(struct timeline *, n);
    bool any = false;
    for (uint32_t w = 0; w < n; w++) {
        timelines[w] = run->workers[w].timeline;
        any = any || (timelines[w] && timelines[w]->width);
    }
    json_t *object = any ? timeline_json(timelines, n, (uint64_t)(seconds * 1e9), run_stage_names) : NULL;
    mem_free(timelines);
    return object;
}

void run_detail_fill(const struct run *run, const struct run_report *report, struct session *session) {
    run_write_parts(report, session);
    session_set_more(session, "templates", run_uses_json(run));
    session_set_more(session, "slowest", slowest_json(run));
    session_set_more(session, "timeline", lanes_json(run, report->seconds));
    session_set_more(session, "host", session_host_json(run->options->fs, run->options->workers));
}
