// SPDX-License-Identifier: MIT
// Selecting: which records a job wants, which group they belong to, and where their outputs go.
#include "pipeline/plan/finder.h"
#include "pipeline/plan/limits.h"
#include "pipeline/run/run_private.h"

const struct diag *run_message(struct lot *lot, const char *text) {
    return diag_make(&lot->arena, NULL, (struct span){0, 0}, "%s", text);
}

void run_fail(struct lot *lot, struct entry *entry, const struct diag *fault) {
    if (entry->state == ENTRY_FAILED)
        return; // a fallback that could not be written either: the first fault is the one to tell
    entry->state = ENTRY_FAILED;
    entry->fault = fault;
    lot->counters.failed++;
}

// A fault of the machine, in a template or in an expression of the manifest. Its memory is the machine's.
void run_fail_from_vm(struct lot *lot, struct entry *entry, struct vm *vm, const struct program *program,
                      const struct diag *fault) {
    struct pass_run *pass = &lot->job->run->passes[lot->job->job->pass];
    const struct failing failing = {pass, vm, program, entry->item, entry->group};
    run_fail(lot, entry, run_explain(&failing, &lot->arena, fault));
}

struct vm *run_vm(struct run *run, struct worker *worker, enum undefined_mode mode) {
    struct worker_run *mine = &run->workers[worker->index];
    if (!mine->vms[mode]) {
        const struct manifest *manifest = run->plan->manifest;
        struct vm_options options = {.library = run->plan->compile.library,
                                     .undefined = mode,
                                     .now = run->options->now,
                                     .profile = mine->profile,
                                     .limits = limits_of_machine(&manifest->limits),
                                     .finder = finder_for(run->plan->templates),
                                     .globals =
                                         manifest->globals.tag == VALUE_MAP ? manifest->globals.map : NULL};
        mine->vms[mode] = vm_new(&options);
    }
    return mine->vms[mode];
}

size_t run_extras(const struct group *group, struct vm_extra extras[2]) {
    if (!group)
        return 0;
    extras[0] = (struct vm_extra){STR("records"), value_list(group->records)};
    extras[1] = (struct vm_extra){STR("group"), group->key};
    return group->key.tag == VALUE_MISSING ? 1 : 2;
}

struct value run_record(const struct entry *entry) {
    return entry->item ? entry->item->record : value_missing();
}

// Evaluates an expression over a record. False: the entry has failed.
static bool evaluate(struct lot *lot, struct entry *entry, struct vm *vm, const struct program *program,
                     struct value *out) {
    const struct diag *fault = NULL;
    const struct diag undefined = {.file = program->source.name,
                                   .line = 1,
                                   .column = 1,
                                   .caret_n = (uint32_t)program->source.text.n,
                                   .message = STR("the expression is undefined for this record")};
    if (!vm_eval(vm, program, run_record(entry), NULL, 0, out, &fault)) {
        run_fail_from_vm(lot, entry, vm, program, fault);
        return false;
    }
    if (out->tag == VALUE_UNDEFINED && lot->job->job->job->undefined == UNDEFINED_STRICT) {
        run_fail(lot, entry,
                 diag_copy(&lot->arena, plan_place(lot->job->run->plan, &lot->arena, program, &undefined)));
        return false;
    }
    return true;
}

void run_select(struct lot *lot, struct entry *entry, struct vm *vm) {
    const struct plan_job *job = lot->job->job;
    const struct run *run = lot->job->run;
    struct value v;
    // What is not wanted claims its path all the same, so that nothing takes the place of another record's output.
    entry->unwanted = lot->job->partial && !retry_wants(run->options->retry, run->plan->manifest, job->job,
                                                        entry->key, entry->item->ordinal + 1);
    if (job->where) {
        if (!evaluate(lot, entry, vm, job->where, &v))
            return;
        if (!vm_truth(v)) {
            entry->state = ENTRY_EXCLUDED;
            lot->counters.excluded++;
            return;
        }
    }
    if (job->group_by) {
        if (!evaluate(lot, entry, vm, job->group_by, &v))
            return;
        struct str text = v.tag < VALUE_LIST ? vm_text(vm, v) : (struct str){NULL, 0};
        if (!text.p || !value_copy(&lot->arena, v, &entry->group_key))
            run_fail(lot, entry, run_message(lot, "a group must be a string, a number, a boolean or none"));
        else
            entry->group_text = arena_str(&lot->arena, text);
    }
}

void run_make_path(struct lot *lot, struct entry *entry, struct vm *vm) {
    const struct plan_job *job = lot->job->job;
    const struct diag *fault = NULL;
    struct vm_extra extras[2];
    size_t extras_n = run_extras(entry->group, extras);
    if (!vm_render(vm, job->to, run_record(entry), extras, extras_n, &fault)) {
        run_fail_from_vm(lot, entry, vm, job->to, fault);
        return;
    }
    struct err err;
    struct str path = vm_output(vm);
    if (emit_check_path(path, &err) != STATUS_OK) {
        const struct manifest *manifest = lot->job->run->plan->manifest;
        run_fail(lot, entry, diag_make(&lot->arena, &manifest->text, job->job->to_span, "%s", err.text));
        return;
    }
    entry->path = arena_str(&lot->arena, path);
}
