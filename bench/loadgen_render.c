// SPDX-License-Identifier: MIT
#include "bench/loadgen_render.h"

#include "base/digest.h"
#include "base/mem.h"
#include "bench/target.h"
#include "pipeline/plan/finder.h"
#include "pipeline/plan/limits.h"
#include "stages/load/load.h"
#include "stages/render/through.h"
#include "stages/render/vm.h"

enum { MODES = UNDEFINED_KEEP + 1 };

struct unit {            // what one rendering is of
    struct value record; // of a group: VALUE_MISSING
    struct list *records;
    struct value group;
    struct str text; // of the group
};

struct job {
    struct loadgen_render *render;
    const struct plan_job *job;
    char *name; // owned
    struct unit *units;
    size_t units_n, units_cap;
    uint32_t *
        buckets; // of groups by text: their numbers, from 1; 0: free. Twice as many as records, a power of two
    size_t buckets_n;
};

struct user {
    struct vm *machines[MODES];
    struct through *through; // NULL: no job has a filter
    struct through_task task;
};

struct loadgen_render {
    const struct loadgen_render_options *options;
    struct job *jobs;
    size_t jobs_n;
    struct user *users;
    uint32_t users_n;
    struct shapes *shapes;
    struct arena arena; // groups
    struct batch **batches;
    size_t batches_n, batches_cap;
    uint64_t left_out;
};

// ---- making a text

static void say_fault(const struct diag *fault, struct err *err) {
    if (fault->file.n)
        err_set(err, STATUS_DATA, "%.*s:%u:%u: %.*s", STR_ARG(fault->file), (unsigned)fault->line,
                (unsigned)fault->column, STR_ARG(fault->message));
    else
        err_set(err, STATUS_DATA, "%.*s", STR_ARG(fault->message));
}

static bool filter(struct user *user, const struct plan_job *job, struct str text, uint64_t *bytes,
                   struct err *err) {
    struct through_task *task = &user->task, *done = NULL;
    struct buf kept = task->text, output = task->output, complaint = task->complaint;
    buf_clear(&kept);
    buf_clear(&output);
    buf_clear(&complaint);
    buf_add_str(&kept, text);
    *task = (struct through_task){
        .command = &job->filter, .text = kept, .output = output, .complaint = complaint};
    for (bool more = through_add(user->through, task); more;)
        more = through_serve(user->through, true, &done);
    *bytes = task->output.n;
    if (task->end != THROUGH_DONE)
        err_set(err, STATUS_DATA, "the filter %s failed%s%.*s", job->filter.argv[0],
                task->complaint.n ? ": " : "", STR_ARG(target_last_lines(buf_str(&task->complaint))));
    return task->end == THROUGH_DONE;
}

static bool render(void *self, uint32_t index, uint64_t choice, uint64_t *bytes, struct err *err) {
    const struct job *job = self;
    struct user *user = &job->render->users[index];
    const struct unit *unit = &job->units[((choice >> 32) * job->units_n) >> 32];
    struct vm *vm = user->machines[job->job->job->undefined];
    const struct vm_extra extras[2] = {{STR("records"), value_list(unit->records)},
                                       {STR("group"), unit->group}};
    size_t extras_n = !unit->records ? 0 : unit->group.tag == VALUE_MISSING ? 1 : 2;
    const struct diag *fault;
    if (!vm_render(vm, job->job->body, unit->record, extras, extras_n, &fault)) {
        say_fault(fault, err);
        return false;
    }
    struct str text = vm_output(vm);
    *bytes = text.n;
    return !job->job->filter.argv || filter(user, job->job, text, bytes, err);
}

// ---- what there is to render

static struct unit *add_unit(struct job *job) {
    MEM_GROW(job->units, job->units_cap, job->units_n + 1);
    struct unit *unit = &job->units[job->units_n++];
    *unit = (struct unit){.record = value_missing(), .group = value_missing()};
    return unit;
}

static struct unit *add_group(struct job *job, struct value group, struct str text) {
    struct arena *arena = &job->render->arena;
    struct unit *unit = add_unit(job);
    unit->text = arena_str(arena, text);
    unit->records = list_new_mutable(arena);
    if (!unit->records || !unit->text.p || !value_copy(arena, group, &unit->group))
        mem_fail(sizeof *unit->records);
    return unit;
}

static struct unit *find_group(struct job *job, struct value group, struct str text) {
    size_t at = digest_of(text).low & (job->buckets_n - 1);
    for (; job->buckets[at]; at = (at + 1) & (job->buckets_n - 1)) {
        struct unit *unit = &job->units[job->buckets[at] - 1];
        if (unit->group.tag == group.tag && str_equal(unit->text, text))
            return unit;
    }
    struct unit *unit = add_group(job, group, text);
    job->buckets[at] = (uint32_t)job->units_n;
    return unit;
}

// False: it cannot be told whether, or where, the record belongs.
static bool add_record(struct job *job, struct vm *vm, struct value record) {
    const struct plan_job *plan = job->job;
    const struct diag *fault;
    struct value v;
    if (plan->where && (!vm_eval(vm, plan->where, record, NULL, 0, &v, &fault) || v.tag == VALUE_UNDEFINED))
        return false;
    if (plan->where && !vm_truth(v))
        return true;
    struct unit *unit;
    if (plan->group_by) {
        if (!vm_eval(vm, plan->group_by, record, NULL, 0, &v, &fault) || v.tag == VALUE_UNDEFINED ||
            v.tag >= VALUE_LIST)
            return false;
        struct str text = vm_text(vm, v);
        if (!text.p)
            return false;
        unit = find_group(job, v, text);
    } else if (plan->gathers) {
        unit = job->units_n ? job->units : add_group(job, value_missing(), STR(""));
    } else {
        add_unit(job)->record = record;
        return true;
    }
    if (!list_append(unit->records, record))
        mem_fail(sizeof record);
    return true;
}

// Of a routed pass, only what its route takes.
static bool is_taken(const struct loadgen_render *r, const struct plan_job *job, const struct item *item) {
    const struct plan *plan = r->options->plan;
    const struct plan_pass *pass = &plan->passes[job->pass];
    return !pass->routed || &plan->jobs[plan->sources[pass->source].route_jobs[item->route]] == job;
}

static void take_batch(struct loadgen_render *r, size_t pass, const struct batch *batch, uint64_t *records) {
    for (size_t k = 0; k < batch->items_n && *records < r->options->records; k++, ++*records) {
        const struct item *item = &batch->items[k];
        if (item->error) {
            r->left_out++;
            continue;
        }
        for (size_t j = 0; j < r->jobs_n; j++) {
            struct job *job = &r->jobs[j];
            if (job->job->pass == pass && is_taken(r, job->job, item) &&
                !add_record(job, r->users[0].machines[job->job->job->undefined], item->record))
                r->left_out++;
        }
    }
}

static enum status load_pass(struct loadgen_render *r, size_t pass, struct err *err) {
    const struct plan_pass *p = &r->options->plan->passes[pass];
    const struct manifest *manifest = r->options->plan->manifest;
    struct load_options options = manifest_load_options(manifest, &manifest->sources[p->source]);
    const struct load_routes routes = {.table = r->options->plan->sources[p->source].routes};
    struct loader *loader;
    struct reader reader;
    uint64_t records = 0;
    options.fs = r->options->fs;
    options.shapes = r->shapes;
    options.projection = p->projection;
    options.interrupt = r->options->interrupt;
    options.routes = p->routed ? &routes : NULL;
    enum status status = load_open(&options, &loader, err);
    if (status != STATUS_OK)
        return status;
    reader_init(&reader, r->shapes, p->projection);
    while (status == STATUS_OK && records < r->options->records) {
        struct batch *batch = batch_new();
        MEM_GROW(r->batches, r->batches_cap, r->batches_n + 1);
        r->batches[r->batches_n++] = batch;
        status = load_pull(loader, batch, err);
        if (status != STATUS_OK || batch->items_n == 0)
            break;
        load_parse(loader, &reader, batch);
        take_batch(r, pass, batch, &records);
    }
    reader_release(&reader);
    load_close(loader);
    return status;
}

static bool is_asked(const struct loadgen_render *r, size_t pass) {
    for (size_t j = 0; j < r->jobs_n; j++)
        if (r->jobs[j].job->pass == pass)
            return true;
    return false;
}

static enum status load(struct loadgen_render *r, struct err *err) {
    for (size_t p = 0; p < r->options->plan->passes_n; p++)
        if (is_asked(r, p) && load_pass(r, p, err) != STATUS_OK)
            return err->status;
    for (size_t j = 0; j < r->jobs_n; j++) {
        struct job *job = &r->jobs[j];
        if (job->job->job->collect && !job->units_n) // a page over no records is a page, too
            add_group(job, value_missing(), STR(""));
        if (!job->units_n)
            return err_set(err, STATUS_DATA, "job \"%s\" has nothing to render", job->name);
        for (size_t k = 0; k < job->units_n; k++)
            if (job->units[k].records)
                job->units[k].records->arena = NULL; // from here on all users read them
    }
    return STATUS_OK;
}

// ---- life

static void prepare_jobs(struct loadgen_render *r) {
    const struct loadgen_render_options *options = r->options;
    r->jobs_n = options->jobs_n;
    r->jobs = MEM_NEW_ARRAY(struct job, r->jobs_n + 1);
    for (size_t j = 0; j < r->jobs_n; j++) {
        struct job *job = &r->jobs[j];
        job->render = r;
        job->job = &options->plan->jobs[options->jobs[j]];
        struct str name = job->job->job->name;
        job->name = mem_alloc(name.n + 1);
        memcpy(job->name, name.p, name.n);
        job->buckets_n = 64;
        while (job->job->group_by && job->buckets_n < 2 * options->records)
            job->buckets_n *= 2;
        job->buckets = MEM_NEW_ARRAY(uint32_t, job->buckets_n);
    }
}

static void prepare_users(struct loadgen_render *r) {
    const struct loadgen_render_options *options = r->options;
    const struct manifest *manifest = options->plan->manifest;
    r->users_n = options->users;
    r->users = MEM_NEW_ARRAY(struct user, r->users_n);
    for (uint32_t u = 0; u < r->users_n; u++)
        for (size_t j = 0; j < r->jobs_n; j++) {
            const struct plan_job *job = r->jobs[j].job;
            struct user *user = &r->users[u];
            struct vm_options vm = {.library = options->plan->compile.library,
                                    .undefined = job->job->undefined,
                                    .now = options->now,
                                    .limits = limits_of_machine(&manifest->limits),
                                    .finder = finder_for(options->plan->templates),
                                    .globals =
                                        manifest->globals.tag == VALUE_MAP ? manifest->globals.map : NULL};
            if (!user->machines[vm.undefined])
                user->machines[vm.undefined] = vm_new(&vm);
            if (job->filter.argv && !user->through)
                user->through = through_new(&(struct through_options){
                    .processes = 1, .clock = options->clock, .interrupt = options->interrupt});
        }
}

enum status loadgen_render_new(const struct loadgen_render_options *options, struct loadgen_render **out,
                               struct err *err) {
    struct loadgen_render *r = MEM_NEW(struct loadgen_render);
    r->options = options;
    r->shapes = shapes_new();
    arena_init(&r->arena, 0);
    prepare_jobs(r);
    prepare_users(r);
    enum status status = load(r, err);
    if (status != STATUS_OK) {
        loadgen_render_free(r);
        r = NULL;
    }
    *out = r;
    return status;
}

void loadgen_render_free(struct loadgen_render *r) {
    if (!r)
        return;
    for (uint32_t u = 0; u < r->users_n; u++) {
        struct user *user = &r->users[u];
        for (size_t mode = 0; mode < MODES; mode++)
            if (user->machines[mode])
                vm_free(user->machines[mode]);
        if (user->through)
            through_free(user->through);
        buf_release(&user->task.text);
        buf_release(&user->task.output);
        buf_release(&user->task.complaint);
    }
    for (size_t i = 0; i < r->batches_n; i++)
        batch_free(r->batches[i]);
    for (size_t j = 0; j < r->jobs_n; j++) {
        mem_free(r->jobs[j].units);
        mem_free(r->jobs[j].buckets);
        mem_free(r->jobs[j].name);
    }
    mem_free(r->batches);
    mem_free(r->jobs);
    mem_free(r->users);
    arena_release(&r->arena);
    shapes_free(r->shapes);
    mem_free(r);
}

struct loadgen_operation loadgen_render_operation(struct loadgen_render *r, size_t i) {
    return (struct loadgen_operation){
        .name = r->jobs[i].name, .weight = 1, .self = &r->jobs[i], .run = render};
}

uint64_t loadgen_render_units(const struct loadgen_render *r, size_t i) {
    return r->jobs[i].units_n;
}

uint64_t loadgen_render_left_out(const struct loadgen_render *r) {
    return r->left_out;
}
