// SPDX-License-Identifier: MIT
// Joins of a pass: their sources become indexes, batch by batch.
#include "base/mem.h"
#include "pipeline/plan/join_misfits.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_watch.h"

// Pieces -----------------------------------------------------------------------------------------------------------

static struct run_join_piece *take_piece(struct run_join *join) {
    struct run *run = join->pass->run;
    pthread_mutex_lock(&run->lock);
    struct run_join_piece *piece = join->free;
    if (piece)
        join->free = piece->next;
    pthread_mutex_unlock(&run->lock);
    struct batch *batch = piece ? piece->batch : batch_new();
    if (!piece)
        piece = MEM_NEW(struct run_join_piece);
    batch_clear(batch);
    *piece = (struct run_join_piece){.join = join, .batch = batch, .sequence = join->batches};
    return piece;
}

static void give_piece(struct run_join_piece *piece) {
    struct run_join *join = piece->join;
    struct run *run = join->pass->run;
    pthread_mutex_lock(&run->lock);
    piece->next = join->free;
    join->free = piece;
    pthread_mutex_unlock(&run->lock);
}

void run_join_free_pieces(struct run_join *join) {
    for (struct run_join_piece *piece = join->free, *next; piece; piece = next) {
        next = piece->next;
        batch_free(piece->batch);
        mem_free(piece);
    }
    join->free = NULL;
}

static struct path_mark tell(struct run_join *join, const struct worker *worker, enum run_span_kind kind,
                             const struct run_join_piece *piece, uint64_t from, struct path_mark after) {
    struct run *run = join->pass->run;
    const struct run_span span = {.kind = kind,
                                  .subject = join->join->source->name,
                                  .batch = piece->sequence,
                                  .items = piece->batch->items_n,
                                  .from = from,
                                  .to = run_now(run),
                                  .index = (uint32_t)(join->pass - run->passes),
                                  .after = {after}};
    run_observe(run, worker, RUN_LOAD, span.to - from);
    return run_spent(run, worker, &span);
}

// A batch's values and keys ------------------------------------------------------------------------------------------

// A record without a key gets what is joined to it, too, though nobody sees that: so it is known what belongs to nobody.
static void make_record(struct run_attaching *a, struct run_join_piece *piece, size_t i) {
    struct arena *arena = &piece->batch->arena;
    struct item *item = &piece->batch->items[i];
    struct str key;
    item->error_byte = item->byte;
    if (!join_key(a->pass->run->plan, a->vm, piece->join->join->on, item->record, arena, &key, &item->error))
        return;
    piece->keys[i] = key.p ? arena_str(arena, key) : key; // the machine's memory is for the next one
    if (key.p && !piece->keys[i].p)
        piece->status = err_set(&piece->err, STATUS_MEMORY, "no memory for the key of a join");
    if (a->n > 0)
        run_attach(a, arena, item->ordinal, &item->record, &item->error);
}

static void make_records(struct run_join_piece *piece, struct worker *worker) {
    struct run_join *join = piece->join;
    struct run *run = join->pass->run;
    struct worker_run *mine = &run->workers[worker->index];
    struct batch *batch = piece->batch;
    struct run_attaching a;
    const struct field_count fields = mine->reader.fields;
    mine->reader.projection = join->join->projection;
    load_parse(join->loader, &mine->reader, batch);
    piece->fields.parsed = mine->reader.fields.parsed - fields.parsed;
    piece->fields.skipped = mine->reader.fields.skipped - fields.skipped;
    piece->keys = arena_zero(&batch->arena, batch->items_n * sizeof *piece->keys);
    if (!piece->keys)
        mem_fail(batch->items_n * sizeof *piece->keys);
    run_attaching_begin(&a, join->pass, join->joins, join->joins_n, run_vm(run, worker, UNDEFINED_DEFAULT));
    for (size_t i = 0; i < batch->items_n; i++) {
        struct digest raw = {0, 0};
        load_raw_digest(join->loader, &batch->items[i], &raw);
        if (run->past)
            run_source_add(&piece->sum, &batch->items[i], &raw, join->imprint, mine);
        if (!batch->items[i].error)
            make_record(&a, piece, i);
    }
    run_attaching_end(&a);
}

// Adding, in turn ----------------------------------------------------------------------------------------------------

// A record that cannot be joined is left out, as one that cannot be loaded is.
static void report_bad(struct run_join *join, const struct item *item) {
    struct pass_run *pass = join->pass;
    const struct manifest_source *source = join->join->source;
    const struct failure failure = {.source = source->name,
                                    .path = manifest_source_shown(source),
                                    .line = item->line,
                                    .byte = item->error_byte,
                                    .record = item->ordinal + 1,
                                    .detail = item->error};
    failures_report(pass->run->failures, &failure);
    join->failed++;
    atomic_store(&pass->source_known, false);
    run_count_failures(pass->run, 1);
    for (size_t i = 0; i < pass->jobs_n; i++) {
        struct job_run *job = &pass->run->jobs[pass->jobs[i]];
        if (job->job->job->on_error == ON_ERROR_FAIL)
            atomic_store(&job->stopped, true);
    }
}

static void add_records(struct run_join *join, const struct run_join_piece *piece) {
    const struct batch *batch = piece->batch;
    for (size_t i = 0; join->failure.status == STATUS_OK && i < batch->items_n; i++) {
        const struct item *item = &batch->items[i];
        if (item->error)
            report_bad(join, item);
        else if (!piece->keys[i].p)
            join->keyless++;
        else
            join_index_add(join->index, piece->keys[i], item->record, &join->failure);
    }
}

static void add_in_turn(void *self, struct worker *worker) {
    struct run_join_piece *piece = self;
    struct run_join *join = piece->join;
    struct pass_run *pass = join->pass;
    const uint64_t from = run_now(pass->run);
    if (join->failure.status == STATUS_OK && piece->status != STATUS_OK)
        join->failure = piece->err;
    add_records(join, piece);
    if (join->failure.status != STATUS_OK)
        atomic_store(&join->broken, true);
    join->sum.all = digest_add(join->sum.all, piece->sum.all);
    join->bytes += piece->batch->bytes_n;
    join->fields.parsed += piece->fields.parsed;
    join->fields.skipped += piece->fields.skipped;
    join->added = tell(join, worker, SPAN_PARSE, piece, from, path_later(piece->done, join->added));
    give_piece(piece);
    credits_give(&pass->credits);
    if (atomic_fetch_sub(&join->open, 1) == 1) // the load node may wait for the last one
        graph_wake(pass->run->graph, pass->node);
}

static void make_piece(void *self, struct worker *worker) {
    struct run_join_piece *piece = self;
    const uint64_t from = run_now(piece->join->pass->run);
    make_records(piece, worker);
    piece->done = tell(piece->join, worker, SPAN_PARSE, piece, from, piece->done);
    turns_enter(piece->join->turns, piece->sequence, add_in_turn, piece, worker);
}

// The load node's steps ----------------------------------------------------------------------------------------------

bool run_joins_are_busy(const struct pass_run *pass) {
    const struct run_joins *joins = pass->joins;
    return joins && joins->built < joins->n && atomic_load(&joins->all[joins->built]->open) > 0;
}

void run_joins_start_over(struct run_join *join) {
    if (join->loader)
        load_close(join->loader);
    join->loader = NULL;
    join->ended = false;
    join->pulling.status = join->failure.status = STATUS_OK;
    atomic_store(&join->broken, false);
    join_index_free(join->index);
    join->index = run_join_index(join->pass->run, join->join);
}

// The next batch of it goes to whoever has time.
static enum step pull(struct run_join *join, struct worker *worker) {
    struct pass_run *pass = join->pass;
    if (!join->loader && run_join_open(pass, join, &join->loader, &join->pulling) != STATUS_OK)
        return STEP_FAILED;
    if (!credits_take(&pass->credits))
        return STEP_BLOCKED;
    const uint64_t from = run_now(pass->run);
    struct run_join_piece *piece = take_piece(join);
    const enum status status = load_pull(join->loader, piece->batch, &join->pulling);
    const struct path_mark after = pass->read.id ? pass->read : run_path_released(pass->run, pass->node);
    piece->done = pass->read = tell(join, worker, SPAN_READ, piece, from, after);
    if (status == STATUS_OK && piece->batch->items_n > 0) {
        join->batches++;
        atomic_fetch_add(&join->open, 1);
        graph_spawn_batch(worker, piece->sequence, piece->batch->bytes_n, make_piece, piece);
        return STEP_AGAIN;
    }
    give_piece(piece);
    credits_give(&pass->credits);
    join->ended = status == STATUS_OK;
    return status == STATUS_OK ? STEP_AGAIN : STEP_FAILED;
}

// All of it is in the index.
static enum step end(struct run_join *join, struct err *err) {
    struct pass_run *pass = join->pass;
    struct run *run = pass->run;
    if (join_index_end(join->index, err) != STATUS_OK)
        return STEP_FAILED;
    load_close(join->loader);
    join->loader = NULL;
    pthread_mutex_lock(&run->lock);
    run_joins_add_sum(pass->joins->built, &join->sum, &pass->sum);
    pthread_mutex_unlock(&run->lock);
    pass->joins->built++;
    return STEP_AGAIN;
}

enum step run_joins_step(struct pass_run *pass, struct worker *worker, struct run_join **failed,
                         struct err *err) {
    struct run_joins *joins = pass->joins;
    while (joins->built < joins->n && !joins->all[joins->built]->index)
        joins->built++;
    if (joins->built == joins->n)
        return STEP_DONE;
    struct run_join *join = joins->all[joins->built];
    *failed = join;
    if (!join->ended && !atomic_load(&join->broken)) {
        const enum step step = pull(join, worker);
        if (step != STEP_FAILED)
            return step;
        atomic_store(&join->broken, true);
    }
    if (run_joins_are_busy(pass))
        return STEP_BLOCKED;
    if (!atomic_load(&join->broken))
        return end(join, err);
    *err = join->pulling.status != STATUS_OK ? join->pulling : join->failure;
    return STEP_FAILED;
}
