// SPDX-License-Identifier: MIT
// What a run comes to in the end, as a session: each worker's distributions together, counters, rates.
#include "pipeline/run/run_detail.h"
#include "pipeline/run/run_watch.h"

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
    for (uint32_t w = 0; w < workers && run_strategy(run)->monitoring.times; w++)
        merge(session, "", STR("batch"), &all[w].batches);
    for (int stage = 0; stage < RUN_STAGES; stage++)
        for (uint32_t w = 0; w < workers; w++) {
            merge(session, "", str_of(run_stage_names[stage]), &all[w].stages[stage]);
            for (size_t j = 0; stage == RUN_RENDER && j < jobs_n; j++)
                merge(session, "", STR("render"), &all[w].jobs[j]);
        }
    for (size_t j = 0; j < jobs_n; j++)
        for (uint32_t w = 0; w < workers; w++)
            merge(session, "job.", run->jobs[j].job->job->name, &all[w].jobs[j]);
    for (size_t j = 0; run->through && j < jobs_n; j++)
        for (uint32_t w = 0; w < workers; w++) {
            merge(session, "", STR("through"), &all[w].filters[j]);
            merge(session, "through.", run->jobs[j].job->job->name, &all[w].filters[j]);
        }
    for (size_t j = 0; j < jobs_n; j++)
        for (uint32_t w = 0; w < workers; w++)
            merge(session, "template.", run->jobs[j].job->job->template_name, &all[w].jobs[j]);
}

static const char *outcome(const struct run_report *report) {
    bool failed =
        report->counters.failed || report->jobs_failed || report->jobs_skipped || report->cache.differing;
    return report->interrupted ? "interrupted" : failed ? "failed" : "done";
}

static void set_texts(struct session *session, const struct run *run, const struct run_report *report) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(report->digest, digest);
    session->name = session_keep(session, run->plan->manifest->name);
    session->strategy = str_of(report->strategy->name);
    session->outcome = str_of(outcome(report));
    session->digest = session_keep(session, str_of(digest));
}

void run_session_fill(const struct run *run, const struct run_report *report) {
    struct session *session = run->options->session;
    merge_distributions(session, run, run->options->workers);
    set_texts(session, run, report);
    struct run_figures figures;
    run_figures_of(report, &figures);
    for (int i = 0; i < METRICS; i++)
        if (figures.known[i])
            session_set(session, (enum metric)i, figures.values[i]);
    session_set(session, METRIC_QUEUE_PEAK, atomic_load(&run->in_flight_most));
    run_path_fill(run, report, session);
    run_detail_fill(run, report, session);
}
