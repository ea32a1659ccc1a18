// SPDX-License-Identifier: MIT
#include "pipeline/plan/plan_joins.h"

// What templates and paths of jobs that gather see: the records and the group, and no record's fields.
static const struct fields_scope of_record = {.record = true},
                                 of_group = {.records = {"records", 7}, .other = {"group", 5}};

void plan_read_fields(struct plan *plan, struct plan_job *job) {
    const struct fields_scope *scope = job->gathers ? &of_group : &of_record;
    fields_free(job->fields);
    job->fields = fields_new(plan->compile.library);
    fields_add(job->fields, job->body, scope);
    if (job->to)
        fields_add(job->fields, job->to, scope);
    if (job->where)
        fields_add(job->fields, job->where, &of_record);
    if (job->group_by)
        fields_add(job->fields, job->group_by, &of_record);
}

void plan_project(struct plan *plan) {
    for (size_t p = 0; p < plan->passes_n; p++) {
        struct plan_pass *pass = &plan->passes[p];
        fields_free(pass->fields);
        pass->fields = fields_new(plan->compile.library);
        if (plan->sources[pass->source].key)
            fields_add(pass->fields, plan->sources[pass->source].key, &of_record);
        for (size_t j = 0; j < pass->jobs_n; j++)
            fields_add_all(pass->fields, plan->jobs[pass->jobs[j]].fields);
        pass->projection = fields_projection(pass->fields);
        plan_arrange_joins(plan, pass);
    }
}
