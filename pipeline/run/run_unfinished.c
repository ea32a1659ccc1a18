// SPDX-License-Identifier: MIT
/*
 * Which jobs did not come to their end, and because of what: the way from a job to what failed, over the jobs that it needs.
 * Where several failed, that of the first node of the plan is told, so the words do not depend on who was first.
 */
#include <stdio.h>

#include "pipeline/run/run_private.h"

static enum node_state state_of(const struct run *run, size_t node) {
    return graph_state(run->graph, (uint32_t)node); // nodes have the plan's numbers
}

// The node that a skipped one was skipped for; the plan's number of nodes: there is none.
static size_t spoiler(const struct run *run, size_t node) {
    const struct plan *plan = run->plan;
    size_t skipped = plan->nodes_n, failed = plan->nodes_n;
    for (size_t e = 0; e < plan->edges_n; e++) {
        const size_t from = plan->edges[e].from;
        if (plan->edges[e].to != node)
            continue;
        if (state_of(run, from) == NODE_FAILED && from < failed)
            failed = from;
        if (state_of(run, from) == NODE_SKIPPED && from < skipped)
            skipped = from;
    }
    return failed < plan->nodes_n ? failed : skipped;
}

static void add_failure(const struct run *run, const struct plan_node *node, struct buf *out) {
    const struct job_run *job = node->stage == STAGE_LOAD ? NULL : &run->jobs[node->index];
    if (run->interrupted) {
        buf_add_text(out, "the run was interrupted");
    } else if (node->stage == STAGE_LOAD) {
        const struct pass_run *pass = &run->passes[node->index];
        buf_printf(out, "source %.*s: %s", STR_ARG(pass->source->name), pass->failure.text);
    } else if (node->stage == STAGE_OPEN) {
        buf_add_text(out, run->err->text);
    } else if (run->exceeded) {
        buf_printf(out, "more than %llu failed (--max-failed)", (unsigned long long)run->options->max_failed);
    } else if (job->lacking && job->job->job->on_error == ON_ERROR_FAIL) {
        buf_add_text(out, "on_error is fail, and something of it failed");
    } else if (run->broken) {
        buf_add_text(out, run->err->text);
    } else {
        buf_add_text(out, job->lacking ? "all of it failed" : "it did not come to its end");
    }
}

// True: the job itself, or the source that it reads, failed; else it was skipped.
static bool add_because(const struct run *run, const struct job_run *job, struct buf *out) {
    const struct plan *plan = run->plan;
    size_t node = job->emit_node, told = job->index;
    while (state_of(run, node) == NODE_SKIPPED) {
        node = spoiler(run, node);
        if (node >= plan->nodes_n)
            return false;
        const struct plan_node *at = &plan->nodes[node];
        if (at->stage != STAGE_EMIT || at->index == told)
            continue;
        buf_printf(out, "%sneeds %.*s, ", told == job->index ? "" : "which ",
                   STR_ARG(run->jobs[at->index].job->job->name));
        told = at->index;
    }
    if (told != job->index)
        buf_add_text(out, "which failed: ");
    add_failure(run, &plan->nodes[node], out);
    return told == job->index;
}

static void remember_unfinished(const struct run *run, const struct job_run *job, struct str because) {
    const struct manifest_source *source = run->passes[job->job->pass].source;
    const struct diag why = {.message = because};
    const struct failure failure = {.job = job->job->job->name,
                                    .source = source->name,
                                    .path = manifest_source_shown(source),
                                    .detail = &why};
    if (run->failures)
        failures_report_job(run->failures, &failure);
}

// What did not come to its end is to be done again as a whole.
void run_report_unfinished(struct run *run) {
    const bool begun = graph_state(run->graph, run->open_node) == NODE_DONE;
    struct buf text = BUF_INIT;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        job->ending = (struct run_job_end){.name = job->job->job->name, .state = RUN_JOB_DONE};
        if (graph_state(run->graph, job->emit_node) == NODE_DONE)
            continue;
        buf_clear(&text);
        buf_printf(&text, "job %.*s: ", STR_ARG(job->ending.name));
        const size_t prefix = text.n;
        buf_add_text(&text, "skipped: ");
        const size_t from = text.n;
        const bool failed = add_because(run, job, &text);
        job->ending.state = failed ? RUN_JOB_FAILED : RUN_JOB_SKIPPED;
        job->ending.because = arena_str(&run->plan->arena, str_from(buf_str(&text), from));
        remember_unfinished(run, job, str_from(buf_str(&text), failed ? from : prefix));
        if (begun && !failed && !run->interrupted)
            run_note(run, buf_text(&text));
    }
    buf_release(&text);
    if (run->failures)
        run->lock_file.left_behind |= !failures_end(run->failures); // what is to be done again is not known
}
