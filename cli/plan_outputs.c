// SPDX-License-Identifier: MIT
#include "cli/plan_outputs.h"

#include "base/mem.h"
#include "cli/reason_text.h"
#include "cli/show.h"

enum { REASONS = 8 }; // a job's that are told apart

struct counted {
    struct explained reason; // without values
    uint64_t outputs;
};

struct job_count {
    struct str name;
    struct counted reasons[REASONS];
    size_t reasons_n;
    uint64_t others; // outputs for yet other reasons
    struct run_counters counters;
};

struct counting {
    struct arena arena;   // names
    struct arena scratch; // one explanation
    const struct run_observer *notes;
    struct job_count *jobs;
    size_t n;
};

static struct job_count *job_named(const struct counting *c, struct str name) {
    size_t j = 0;
    while (j + 1 < c->n && !str_equal(c->jobs[j].name, name))
        j++;
    return &c->jobs[j];
}

static void count_reason(struct counting *c, struct job_count *job, const struct explained *reason) {
    for (size_t i = 0; i < job->reasons_n; i++) {
        struct counted *counted = &job->reasons[i];
        if (counted->reason.kind == reason->kind && counted->reason.change == reason->change &&
            str_equal(counted->reason.name, reason->name)) {
            counted->outputs++;
            return;
        }
    }
    if (job->reasons_n == REASONS) {
        job->others++;
        return;
    }
    const struct explained kept = {
        .kind = reason->kind, .change = reason->change, .name = arena_str(&c->arena, reason->name)};
    job->reasons[job->reasons_n++] = (struct counted){kept, 1};
}

static void take_reason(void *self, const struct run_reason *reason) {
    struct counting *c = self;
    struct explained *list;
    arena_clear(&c->scratch);
    if (explanation_of(&reason->cause, &c->scratch, &list))
        count_reason(c, job_named(c, reason->job), &list[0]);
}

static void take_job(void *self, struct str name, const struct run_counters *counters) {
    job_named(self, name)->counters = *counters;
}

static void pass_note(void *self, const char *text) {
    const struct counting *c = self;
    c->notes->note(c->notes->self, text);
}

static void write_text(const struct counting *c, struct buf *out) {
    size_t width = 0;
    for (size_t j = 0; j < c->n; j++)
        width = c->jobs[j].name.n > width ? c->jobs[j].name.n : width;
    for (size_t j = 0; j < c->n; j++) {
        const struct job_count *job = &c->jobs[j];
        show_escaped(out, job->name);
        buf_printf(out, "%*s  ", (int)(width - job->name.n), "");
        show_count(out, job->counters.up_to_date);
        buf_add_text(out, " up to date, ");
        show_count(out, job->counters.would_render);
        buf_add_text(out, " to be made");
        for (size_t i = 0; i < job->reasons_n; i++) {
            buf_add_text(out, i ? "; " : ": ");
            reason_text_write(&job->reasons[i].reason, false, out);
            if (job->reasons_n > 1)
                buf_printf(out, " (%llu)", (unsigned long long)job->reasons[i].outputs);
        }
        if (job->others)
            buf_printf(out, "; other reasons (%llu)", (unsigned long long)job->others);
        if (job->counters.failed)
            buf_printf(out, "; %llu failed", (unsigned long long)job->counters.failed);
        buf_add_char(out, '\n');
    }
}

static void write_json(const struct counting *c, struct buf *out) {
    buf_add_text(out, "{\"jobs\": [");
    for (size_t j = 0; j < c->n; j++) {
        const struct job_count *job = &c->jobs[j];
        buf_add_text(out, j ? ", {\"job\": " : "{\"job\": ");
        reason_text_string(job->name, out);
        buf_printf(out, ", \"up_to_date\": %llu, \"would_render\": %llu, \"failed\": %llu, \"reasons\": [",
                   (unsigned long long)job->counters.up_to_date,
                   (unsigned long long)job->counters.would_render, (unsigned long long)job->counters.failed);
        for (size_t i = 0; i < job->reasons_n; i++) {
            buf_add_text(out, i ? ", " : "");
            buf_add_text(out, "{\"reason\": ");
            reason_text_write_json(&job->reasons[i].reason, out);
            buf_printf(out, ", \"outputs\": %llu}", (unsigned long long)job->reasons[i].outputs);
        }
        buf_add_text(out, "]}");
    }
    buf_add_text(out, "]}\n");
}

int plan_outputs(struct cli *cli, struct plan *plan, struct run_options *run, bool json) {
    struct counting c = {.n = plan->manifest->jobs_n,
                         .jobs = MEM_NEW_ARRAY(struct job_count, plan->manifest->jobs_n + 1)};
    struct run_report report;
    struct buf text = BUF_INIT;
    struct show show;
    struct err err = {0};
    arena_init(&c.arena, 0);
    arena_init(&c.scratch, 0);
    show_init(&show, !cli->quiet, !cli->quiet, cli->colour_err);
    const struct run_observer notes = show_observer(&show);
    const struct run_observer observer = {
        .self = &c, .note = pass_note, .reason = take_reason, .job = take_job};
    for (size_t j = 0; j < c.n; j++)
        c.jobs[j].name = plan->manifest->jobs[j].name;
    c.notes = &notes;
    run->observer = &observer;
    enum status status = run_execute(plan, run, &report, &cli->diags, &err);
    if (status == STATUS_OK && json)
        write_json(&c, &text);
    else if (status == STATUS_OK)
        write_text(&c, &text);
    else if (cli->diags.errors == 0)
        cli_fail("%s", err.text);
    cli_write_diags(cli);
    cli_print(buf_str(&text));
    buf_release(&text);
    show_release(&show);
    arena_release(&c.arena);
    arena_release(&c.scratch);
    mem_free(c.jobs);
    return status == STATUS_OK ? EXIT_DONE : EXIT_USAGE;
}
