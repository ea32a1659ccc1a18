// SPDX-License-Identifier: MIT
// What a run comes to in the end, as a session: each worker's distributions together, counters, rates.
#include "pipeline/run_private.h"

static struct histogram *distribution(struct session *session, const char *prefix, struct str name) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s%.*s", prefix, STR_ARG(name));
    struct histogram *histogram = session_distribution(session, buf_str(&text));
    buf_release(&text);
    return histogram;
}

static void merge(struct session *session, const char *prefix, struct str name,
                  const struct histogram *from) {
    if (from->n)
        histogram_merge(distribution(session, prefix, name), from);
}

// Those behind the last one that was timed took what is usual.
static void count_rest(const struct worker_run *worker, size_t jobs_n) {
    for (size_t j = 0; j < jobs_n; j++) {
        const struct pace *pace = &worker->paces[j];
        if (pace->gap > pace->left + 1)
            histogram_add_times(&worker->jobs[j], pace->usual, pace->gap - pace->left - 1);
    }
}

static void merge_distributions(struct session *session, const struct run *run, uint32_t workers) {
    const struct worker_run *all = run->workers;
    size_t jobs_n = run->plan->manifest->jobs_n;
    for (uint32_t w = 0; w < workers; w++)
        count_rest(&all[w], jobs_n);
    for (int stage = 0; stage < RUN_STAGES; stage++)
        for (uint32_t w = 0; w < workers; w++) {
            merge(session, "", str_of(run_stage_names[stage]), &all[w].stages[stage]);
            for (size_t j = 0; stage == RUN_RENDER && j < jobs_n; j++)
                merge(session, "", STR("render"), &all[w].jobs[j]);
        }
    for (size_t j = 0; j < jobs_n; j++)
        for (uint32_t w = 0; w < workers; w++)
            merge(session, "job.", run->jobs[j].job->job->name, &all[w].jobs[j]);
    for (size_t j = 0; j < jobs_n; j++)
        for (uint32_t w = 0; w < workers; w++)
            merge(session, "template.", run->jobs[j].job->job->template_name, &all[w].jobs[j]);
}

static const char *outcome(const struct run_report *report) {
    bool failed = report->counters.failed || report->jobs_failed || report->jobs_skipped;
    return report->interrupted ? "interrupted" : failed ? "failed" : "done";
}

static void set_texts(struct session *session, const struct run *run, const struct run_report *report) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    session->name = session_keep(session, run->plan->manifest->name);
    session->strategy = str_of(run_strategy(run->options));
    session->outcome = str_of(outcome(report));
    session->digest = session_keep(session, str_of(digest));
}

static void set_rates(struct session *session, const struct run_report *report) {
    double busy = 0;
    for (int stage = 0; stage < RUN_STAGES; stage++)
        busy += report->stage_seconds[stage];
    if (report->seconds <= 0)
        return;
    session_set(session, METRIC_RUN_EFFICIENCY, busy / (report->workers * report->seconds));
    session_set(session, METRIC_RUN_RECORDS_PER_SECOND, (double)report->counters.loaded / report->seconds);
}

static void set_counters(struct session *session, const struct run_report *report) {
    const struct run_counters *c = &report->counters;
    const struct {
        enum metric metric;
        double value;
    } values[] = {
        {METRIC_RUN_SECONDS, report->seconds},
        {METRIC_RUN_WORKERS, report->workers},
        {METRIC_RUN_PEAK_RSS, (double)report->peak_rss_bytes},
        {METRIC_RUN_FAILED, (double)c->failed},
        {METRIC_RUN_EXCLUDED, (double)c->excluded},
        {METRIC_COMPILE_SECONDS, report->stage_seconds[RUN_COMPILE]},
        {METRIC_COMPILE_TEMPLATES, (double)c->templates},
        {METRIC_LOAD_SECONDS, report->stage_seconds[RUN_LOAD]},
        {METRIC_LOAD_RECORDS, (double)c->loaded},
        {METRIC_LOAD_BYTES, (double)c->source_bytes},
        {METRIC_LOAD_FIELDS_PARSED, (double)c->fields_parsed},
        {METRIC_LOAD_FIELDS_SKIPPED, (double)c->fields_skipped},
        {METRIC_RENDER_SECONDS, report->stage_seconds[RUN_RENDER]},
        {METRIC_RENDER_OUTPUTS, (double)c->rendered},
        {METRIC_RENDER_OPCODES, (double)c->opcodes},
        {METRIC_RENDER_BYTES, (double)c->bytes},
        {METRIC_RENDER_ALLOCATIONS, (double)c->allocations},
        {METRIC_RENDER_ALLOCATED, (double)c->allocated_bytes},
        {METRIC_EMIT_SECONDS, report->stage_seconds[RUN_EMIT]},
        {METRIC_EMIT_WRITTEN, (double)c->written},
        {METRIC_EMIT_UNCHANGED, (double)c->unchanged},
        {METRIC_EMIT_STORED, (double)c->stored},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        session_set(session, values[i].metric, values[i].value);
}

void run_session_fill(const struct run *run, const struct run_report *report) {
    struct session *session = run->options->session;
    merge_distributions(session, run, report->workers);
    set_texts(session, run, report);
    set_counters(session, report);
    set_rates(session, report);
    session_set(session, METRIC_QUEUE_PEAK, atomic_load(&run->in_flight_most));
}
