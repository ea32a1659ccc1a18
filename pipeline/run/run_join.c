// SPDX-License-Identifier: MIT
// Joins of a pass: which there are, and the reading of their sources to indexes.
#include "pipeline/run/run_join.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "pipeline/run/run_watch.h"

// Which there are ------------------------------------------------------------------------------------------------

static struct run_join *add_join(struct run *run, struct run_joins *joins, const struct plan_join *planned,
                                 bool inner);

static struct run_join **add_joins(struct run *run, struct run_joins *joins, const struct plan_join *planned,
                                   size_t n, bool inner) {
    struct run_join **added = MEM_NEW_ARRAY(struct run_join *, n + 1);
    for (size_t i = 0; i < n; i++)
        added[i] = add_join(run, joins, &planned[i], inner);
    return added;
}

static struct join_index *new_index(const struct run *run, const struct plan_join *planned) {
    const struct join_index_options options = {.shapes = run->shapes,
                                               .name = planned->source->name,
                                               .one = planned->join->one,
                                               .most = run->plan->manifest->limits.join_bytes,
                                               .interrupt = run->options->interrupt};
    return join_index_new(&options);
}

static struct run_join *add_join(struct run *run, struct run_joins *joins, const struct plan_join *planned,
                                 bool inner) {
    struct run_join *join = MEM_NEW(struct run_join);
    join->join = planned;
    join->inner = inner;
    join->joins = add_joins(run, joins, planned->joins, planned->joins_n, true);
    join->joins_n = planned->joins_n;
    join->imprint = imprint_new(planned->projection);
    join->index = planned->read ? new_index(run, planned) : NULL;
    run_cache_keep_source(run, planned->source->name, &join->keeper);
    MEM_GROW(joins->all, joins->cap, joins->n + 1);
    joins->all[joins->n++] = join;
    return join;
}

void run_joins_prepare(struct run *run) {
    for (size_t p = 0; p < run->plan->passes_n; p++) {
        struct pass_run *pass = &run->passes[p];
        if (pass->pass->joins_n == 0)
            continue;
        struct run_joins *joins = MEM_NEW(struct run_joins);
        joins->own = add_joins(run, joins, pass->pass->joins, pass->pass->joins_n, false);
        joins->own_n = pass->pass->joins_n;
        joins->batch = batch_new();
        joins->known = true;
        pass->joins = joins;
    }
}

static void free_join(struct run_join *join) {
    if (join->loader)
        load_close(join->loader);
    join_index_free(join->index);
    imprint_free(join->imprint);
    buf_release(&join->missed_key);
    mem_free((void *)join->joins);
    mem_free(join);
}

void run_joins_release(struct pass_run *pass) {
    struct run_joins *joins = pass->joins;
    if (!joins)
        return;
    for (size_t i = 0; i < joins->n; i++)
        free_join(joins->all[i]);
    batch_free(joins->batch);
    mem_free(joins->all);
    mem_free(joins->own);
    mem_free(joins);
    pass->joins = NULL;
}

// What they are, for the next run to compare -----------------------------------------------------------------------

void run_joins_add_sum(size_t number, const struct source_sum *joined, struct source_sum *sum) {
    const uint64_t parts[] = {number, joined->all.high, joined->all.low};
    sum->all = digest_add(sum->all, digest_of((struct str){(const char *)parts, sizeof parts}));
}

bool run_joins_can_be_read_twice(const struct pass_run *pass) {
    struct stat st;
    for (size_t i = 0; pass->joins && i < pass->joins->n; i++)
        if (!plan_stat_source(pass->run->options->fs, pass->joins->all[i]->join->source, &st) ||
            !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
            return false;
    return true;
}

static enum status open_join(struct pass_run *pass, struct run_join *join, struct loader **loader,
                             struct err *err) {
    return run_open_loader(pass->run, join->join->source, join->join->projection, NULL, &join->keeper, loader,
                           err);
}

static bool survey_join(struct pass_run *pass, struct run_join *join, struct worker_run *mine,
                        struct source_sum *sum) {
    struct loader *loader = NULL;
    struct err err;
    if (open_join(pass, join, &loader, &err) != STATUS_OK)
        return false;
    const bool fine = run_survey_records(pass, loader, join->join->projection, join->imprint, mine, sum);
    load_close(loader);
    return fine;
}

bool run_joins_survey(struct pass_run *pass, struct worker_run *mine, struct source_sum *sum) {
    for (size_t i = 0; pass->joins && i < pass->joins->n; i++) {
        struct source_sum joined = {0};
        if (!pass->joins->all[i]->index)
            continue;
        if (!survey_join(pass, pass->joins->all[i], mine, &joined))
            return false;
        run_joins_add_sum(i, &joined, sum);
    }
    return true;
}

// Reading ----------------------------------------------------------------------------------------------------------

void run_joins_start_over(struct run_join *join) {
    const struct run *run = join->keeper.run;
    if (join->loader)
        load_close(join->loader);
    join->loader = NULL;
    join_index_free(join->index);
    join->index = new_index(run, join->join);
}

// A record that cannot be joined is left out, as one that cannot be loaded is.
static void report_bad(struct pass_run *pass, struct run_join *join, const struct item *item) {
    const struct manifest_source *source = join->join->source;
    const struct failure failure = {.source = source->name,
                                    .path = manifest_source_shown(source),
                                    .line = item->line,
                                    .byte = item->error_byte,
                                    .record = item->ordinal + 1,
                                    .detail = item->error};
    failures_report(pass->run->failures, &failure);
    join->failed++;
    pass->joins->known = false;
    atomic_store(&pass->source_known, false);
    run_count_failures(pass->run, 1);
    for (size_t i = 0; i < pass->jobs_n; i++) {
        struct job_run *job = &pass->run->jobs[pass->jobs[i]];
        if (job->job->job->on_error == ON_ERROR_FAIL)
            atomic_store(&job->stopped, true);
    }
}

// One without a key gets what is joined to it, too, though nobody sees that: so it is known what belongs to nobody.
static enum status take_record(struct run_attaching *a, struct run_join *join, struct batch *batch,
                               struct item *item, struct err *err) {
    struct str key = {NULL, 0};
    item->error_byte = item->byte;
    if (!run_join_key(a->pass, a->vm, join->join->on, item->record, &batch->arena, &key, &item->error))
        return STATUS_OK;
    if (join->joins_n > 0) {
        const bool has_key = key.p != NULL;
        key = has_key ? arena_str(&batch->arena, key) : key; // the machine's memory is for the next keys
        if (has_key && !key.p)
            return err_set(err, STATUS_MEMORY, "no memory for the key of a join");
        if (!run_attach(a, &batch->arena, item->ordinal, &item->record, &item->error))
            return STATUS_OK;
    }
    if (!key.p) {
        join->keyless++;
        return STATUS_OK;
    }
    return join_index_add(join->index, key, item->record, err);
}

static enum status take_batch(struct pass_run *pass, struct run_join *join, struct worker *worker,
                              struct err *err) {
    struct run *run = pass->run;
    struct worker_run *mine = &run->workers[worker->index];
    struct batch *batch = pass->joins->batch;
    struct run_attaching a;
    enum status status = STATUS_OK;
    const struct field_count fields = mine->reader.fields;
    mine->reader.projection = join->join->projection;
    load_parse(join->loader, &mine->reader, batch);
    join->fields.parsed += mine->reader.fields.parsed - fields.parsed;
    join->fields.skipped += mine->reader.fields.skipped - fields.skipped;
    run_attaching_begin(&a, pass, join->joins, join->joins_n, run_vm(run, worker, UNDEFINED_DEFAULT));
    for (size_t i = 0; status == STATUS_OK && i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        struct digest raw = {0, 0};
        load_raw_digest(join->loader, item, &raw);
        if (run->past && !run_source_add(&join->sum, item, &raw, join->imprint, mine))
            pass->joins->known = false;
        if (!item->error)
            status = take_record(&a, join, batch, item, err);
        if (item->error)
            report_bad(pass, join, item);
    }
    run_attaching_end(&a);
    return status;
}

static void end_join(struct pass_run *pass, struct run_join *join) {
    struct run *run = pass->run;
    load_close(join->loader);
    join->loader = NULL;
    pthread_mutex_lock(&run->lock);
    run_joins_add_sum(pass->joins->built, &join->sum, &pass->sum);
    pthread_mutex_unlock(&run->lock);
}

static void tell_read(struct pass_run *pass, const struct run_join *join, const struct worker *worker,
                      uint64_t from) {
    struct run *run = pass->run;
    const struct run_span span = {.kind = SPAN_READ,
                                  .subject = join->join->source->name,
                                  .batch = join->batches,
                                  .items = pass->joins->batch->items_n,
                                  .from = from,
                                  .to = run_now(run),
                                  .index = (uint32_t)(pass - run->passes),
                                  .after = {pass->read.id ? pass->read : run_path_released(run, pass->node)}};
    pass->read = run_spent(run, worker, &span);
    run_observe(run, worker, RUN_LOAD, span.to - from);
}

// The next batch of it.
static enum status read_on(struct pass_run *pass, struct run_join *join, struct worker *worker,
                           struct err *err) {
    struct batch *batch = pass->joins->batch;
    if (!join->loader && open_join(pass, join, &join->loader, err) != STATUS_OK)
        return err->status;
    batch_clear(batch);
    enum status status = load_pull(join->loader, batch, err);
    if (status == STATUS_OK && batch->items_n > 0) {
        join->bytes += batch->bytes_n;
        status = take_batch(pass, join, worker, err);
        join->batches++;
    } else if (status == STATUS_OK) {
        status = join_index_end(join->index, err);
        if (status == STATUS_OK)
            end_join(pass, join);
    }
    return status;
}

enum step run_joins_step(struct pass_run *pass, struct worker *worker, struct run_join **failed,
                         struct err *err) {
    struct run_joins *joins = pass->joins;
    while (joins->built < joins->n && !joins->all[joins->built]->index)
        joins->built++;
    if (joins->built == joins->n)
        return STEP_DONE;
    struct run_join *join = joins->all[joins->built];
    const uint64_t from = run_now(pass->run);
    const enum status status = read_on(pass, join, worker, err);
    tell_read(pass, join, worker, from);
    *failed = join;
    if (status != STATUS_OK)
        return STEP_FAILED;
    joins->built += join->loader == NULL;
    return STEP_AGAIN;
}
