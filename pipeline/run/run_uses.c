// SPDX-License-Identifier: MIT
// How often each template was used: once for each output that was made with it, or with one that leads to it, and once
// whenever it was chosen at run time.
#include "monitor/uses.h"
#include "pipeline/run/run_detail.h"
#include "pipeline/run/run_private.h"

struct counting {
    struct uses *uses;
    struct templates *templates;
    struct str first; // the name of what the others are reached from
    uint64_t n;
};

static void count(void *context, struct str name, const struct program *program) {
    const struct counting *counting = context;
    name = name.p ? name : counting->first;
    uses_add(counting->uses, templates_id(counting->templates, name, program), counting->n);
}

static void count_chosen(void *context, struct str name, const struct program *program, uint64_t n) {
    struct counting counting = *(const struct counting *)context;
    counting.first = name;
    counting.n = n;
    program_reach(program, count, &counting);
}

json_t *run_uses_json(const struct run *run) {
    struct uses uses = {0};
    struct counting counting = {.uses = &uses, .templates = run->plan->templates};
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        const struct plan_job *job = run->jobs[j].job;
        counting.first = job->job->template_name;
        counting.n = run->jobs[j].counters.rendered;
        if (job->body && counting.n)
            program_reach(job->body, count, &counting);
    }
    templates_each_chosen(run->plan->templates, count_chosen, &counting);
    uses_rank(&uses, USES_KEPT);
    json_t *json = uses_json(&uses);
    uses_release(&uses);
    return json;
}
