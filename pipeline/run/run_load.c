// SPDX-License-Identifier: MIT
// The load node of a pass: pulls batches while there are credits and sends each off as a flight.
#include <stdio.h>

#include "base/digest.h"
#include "base/mem.h"
#include "pipeline/run/run_join.h"
#include "pipeline/run/run_watch.h"

// Records that are still to come, as far as the part of the source says that was read; 0: unknown.
static double records_left(const struct pass_run *pass) {
    const uint64_t total = load_bytes_total(pass->loader), read = load_bytes_read(pass->loader);
    if (total == 0 || read == 0)
        return 0;
    return read < total ? (double)pass->pulled * (double)(total - read) / (double)read : 1;
}

// What is read and not used goes to the next batch, so no more is asked for than so many records are likely to have.
static size_t bytes_to_ask(const struct pass_run *pass, const struct batch_size_next *next) {
    enum { SPARE = 4 << 10 };
    if (pass->pulled == 0 || pass->pulled_bytes == 0)
        return next->weight;
    const double likely =
        (double)next->units * 1.25 * (double)pass->pulled_bytes / (double)pass->pulled + SPARE;
    return likely < (double)next->weight ? (size_t)likely : next->weight;
}

static struct flight *take_flight(struct pass_run *pass) {
    struct run *run = pass->run;
    const double left = records_left(pass);
    pthread_mutex_lock(&run->lock);
    const struct batch_size_next next = batch_size_next(&pass->size, left);
    struct flight *flight = pass->free;
    if (flight)
        pass->free = flight->next;
    const struct path_mark freed = pass->freed;
    pthread_mutex_unlock(&run->lock);
    load_set_batch(pass->loader, next.units, bytes_to_ask(pass, &next));
    if (!flight) {
        flight = MEM_NEW(struct flight);
        flight->pass = pass;
        flight->batch = batch_new();
        arena_init(&flight->past, 0);
        flight->lots = MEM_NEW_ARRAY(struct lot *, pass->pass->jobs_n);
        flight->renderers = MEM_NEW_ARRAY(struct lot *, pass->pass->jobs_n);
        flight->claimers = MEM_NEW_ARRAY(struct lot *, pass->pass->jobs_n);
    }
    flight->done = freed;
    flight->kept = false;
    flight->keys = NULL;
    flight->raws = NULL;
    flight->known = NULL;
    flight->lot_of = NULL;
    arena_clear(&flight->past);
    batch_clear(flight->batch);
    flight->asked = arena_asked(&flight->batch->arena);
    return flight;
}

// `worked` 0: nothing became of it.
static void give_flight(struct flight *flight, struct path_mark last, uint64_t worked) {
    struct pass_run *pass = flight->pass;
    pthread_mutex_lock(&pass->run->lock);
    if (worked)
        batch_size_observe(&pass->size, flight->batch->items_n, flight->batch->bytes_n, worked);
    struct flight **list = flight->kept ? &pass->kept : &pass->free;
    flight->next = *list;
    *list = flight;
    pass->freed = path_later(pass->freed, last);
    pthread_mutex_unlock(&pass->run->lock);
}

void run_flight_end(struct flight *flight, const struct worker *worker, struct path_mark last) {
    if (atomic_fetch_sub_explicit(&flight->open, 1, memory_order_acq_rel) != 1)
        return;
    struct pass_run *pass = flight->pass;
    const struct run_span life = {.kind = SPAN_BATCH,
                                  .subject = pass->source->name,
                                  .batch = flight->batch->sequence,
                                  .items = flight->batch->items_n,
                                  .from = flight->began,
                                  .worked = atomic_load(&flight->worked),
                                  .flow = (size_t)(pass - pass->run->passes)};
    const uint64_t bytes = flight->batch->bytes_n, records = flight->batch->items_n;
    give_flight(flight, last, life.worked);
    run_batch_ends(pass->run, worker, &life);
    run_auto_ended(pass->run, bytes, records, life.worked);
    credits_give(&pass->credits);
}

static void free_flights(struct flight *flight) {
    while (flight) {
        struct flight *next = flight->next;
        batch_free(flight->batch);
        arena_release(&flight->past);
        mem_free(flight->lots);
        mem_free(flight->renderers);
        mem_free(flight->claimers);
        mem_free(flight);
        flight = next;
    }
}

void run_pass_release(struct pass_run *pass) {
    free_flights(pass->free);
    free_flights(pass->kept);
    turns_free(pass->claim_turns);
    histogram_release(&pass->batches);
    imprint_free(pass->imprint);
    mem_free(pass->jobs);
    mem_free(pass->routes_wanted);
    mem_free(pass->left_out_first);
    run_joins_release(pass);
    if (pass->loader)
        load_close(pass->loader);
    for (uint32_t i = 0; i < pass->tried; i++)
        load_close(pass->failed[i]);
}

// A record that has no key of its own failed to give one: the record fails for all jobs.
static void evaluate_keys(struct flight *flight, struct worker *worker) {
    struct pass_run *pass = flight->pass;
    struct batch *batch = flight->batch;
    const struct program *program = pass->run->plan->sources[pass->pass->source].key;
    if (program)
        flight->keys = arena_zero(&batch->arena, sizeof *flight->keys * batch->items_n);
    if (!flight->keys)
        return;
    struct vm *vm = run_vm(pass->run, worker, UNDEFINED_STRICT);
    for (size_t i = 0; i < batch->items_n; i++) {
        struct item *item = &batch->items[i];
        const struct diag *fault = NULL;
        struct value key;
        if (item->error || item->unwanted)
            continue;
        if (vm_eval(vm, program, item->record, NULL, 0, &key, &fault)) {
            if (key.tag == VALUE_UNDEFINED || key.tag == VALUE_NONE)
                item->error = diag_make(&batch->arena, NULL, (struct span){0, 0},
                                        "the record has no key (%.*s)", STR_ARG(pass->source->key));
            else
                flight->keys[i] = arena_str(&batch->arena, vm_text(vm, key));
        } else {
            const struct failing failing = {pass, vm, program, item, NULL};
            item->error = run_explain(&failing, &batch->arena, fault);
        }
        if (item->error)
            item->error_byte = item->byte;
    }
}

void run_report_bad_records(const struct flight *flight, size_t *told, size_t end) {
    struct pass_run *pass = flight->pass;
    for (; flight->bad_records && *told < end; ++*told) {
        const struct item *item = &flight->batch->items[*told];
        if (!item->error)
            continue;
        struct failure failure = {.source = pass->source->name,
                                  .path = manifest_source_shown(pass->source),
                                  .line = item->line,
                                  .byte = item->error_byte,
                                  .record = item->ordinal + 1,
                                  .detail = item->error};
        failures_report(pass->run->failures, &failure);
    }
}

// All lots begin before any is rendered, so that nobody's claims wait for rendering. Lots that gather may take the
// flight with them when the last one ends; as long as another one is to be rendered, the flight is there.
static void start_lots(struct flight *flight, struct worker *worker) {
    const size_t lots_n = flight->lots_n, renderers_n = flight->renderers_n;
    for (size_t i = 0; i < lots_n; i++)
        run_lot_start(flight->lots[i], worker);
    if (renderers_n > 0)
        run_lots_claim(flight, worker);
    for (size_t i = 0; i < renderers_n; i++)
        run_lot_render(flight->renderers[i], worker);
}

static struct run_span span_of(const struct flight *flight, enum run_span_kind kind, uint64_t from,
                               uint64_t to) {
    return (struct run_span){.kind = kind,
                             .subject = flight->pass->source->name,
                             .batch = flight->batch->sequence,
                             .items = flight->batch->items_n,
                             .from = from,
                             .to = to,
                             .index = (uint32_t)(flight->pass - flight->pass->run->passes),
                             .after = {flight->done}};
}

// Makes the values, and counts what that takes. Once per pass, however many jobs it feeds.
static void parse(struct flight *flight, struct reader *reader, struct run_counters *counters) {
    struct batch *batch = flight->batch;
    const struct field_count fields = reader->fields;
    reader->projection = flight->pass->pass->projection;
    load_parse(flight->pass->loader, reader, batch);
    const struct arena_asked asked = arena_asked(&batch->arena);
    for (size_t k = 0; flight->lot_of && k < batch->items_n; k++)
        flight->lots[flight->lot_of[k]]->counters.loaded++;
    counters->loaded += flight->lot_of ? 0 : batch->items_n;
    counters->source_bytes += batch->bytes_n;
    counters->fields_parsed += reader->fields.parsed - fields.parsed;
    counters->fields_skipped += reader->fields.skipped - fields.skipped;
    counters->allocations += asked.pieces - flight->asked.pieces;
    counters->allocated_bytes += asked.bytes - flight->asked.bytes;
}

// What the source is, for the next run to compare.
static void note_source(const struct flight *flight, struct worker_run *mine) {
    struct pass_run *pass = flight->pass;
    struct source_sum sum = {0};
    bool known = true;
    if (!pass->run->past)
        return;
    for (size_t k = 0; known && k < flight->batch->items_n; k++) {
        const struct item *item = &flight->batch->items[k];
        known = pass->pass->routed ? run_routes_note_record(flight, item, mine)
                                   : run_source_add(&sum, item, &flight->raws[k], pass->imprint, mine);
    }
    pthread_mutex_lock(&pass->run->lock);
    pass->sum.all = digest_add(pass->sum.all, sum.all);
    pass->sum.first = digest_add(pass->sum.first, sum.first);
    pthread_mutex_unlock(&pass->run->lock);
    if (!known)
        atomic_store(&pass->source_known, false);
}

static void take_known(struct entry *entry, const struct known *known) {
    if (!known->past)
        return;
    entry->path = known->path;
    run_past_take(entry, known->past);
}

// Of item k, in lot i.
static void add_entry(struct flight *flight, size_t i, size_t k) {
    const struct item *item = &flight->batch->items[k];
    if (item->error)
        return;
    struct entry *entry = run_lot_add(flight->lots[i]);
    entry->item = item;
    if (flight->keys)
        entry->key = flight->keys[k];
    if (flight->known)
        take_known(entry, &flight->known[i * flight->batch->items_n + k]);
}

static void observe_batch(struct flight *flight, uint64_t nanoseconds) {
    struct pass_run *pass = flight->pass;
    if (!pass->run->path)
        return;
    pthread_mutex_lock(&pass->run->lock);
    histogram_add(&pass->batches, nanoseconds);
    pthread_mutex_unlock(&pass->run->lock);
}

// Parse, then each job's lot. The first lot counts and reports what belongs to the records as such.
static void fly(void *self, struct worker *worker) {
    struct flight *flight = self;
    struct pass_run *pass = flight->pass;
    struct run *run = pass->run;
    struct worker_run *mine = &run->workers[worker->index];
    uint64_t from = run_now(run);
    struct run_counters *counters = &flight->lots[0]->counters;
    if (run->past)
        run_past_look_raw(flight, worker);
    parse(flight, &mine->reader, counters);
    evaluate_keys(flight, worker);
    note_source(flight, mine);
    if (pass->joins)
        run_joins_attach(flight, worker);
    const struct run_span span = span_of(flight, SPAN_PARSE, from, run_now(run));
    flight->done = run_spent(run, worker, &span);
    run_observe(run, worker, RUN_LOAD, flight->read_nanoseconds + span.to - from);
    observe_batch(flight, flight->read_nanoseconds + span.to - from);
    atomic_store(&flight->worked, flight->read_nanoseconds + span.to - from);

    flight->bad_records = 0;
    for (size_t k = 0; k < flight->batch->items_n; k++) {
        if (!flight->batch->items[k].error)
            continue;
        flight->bad_records++;
        flight->lots[flight->lot_of ? flight->lot_of[k] : 0]->counters.failed++;
    }
    if (flight->bad_records)
        atomic_store(&run->loses_sight, true);
    atomic_fetch_add_explicit(&run->loaded, flight->batch->items_n, memory_order_relaxed);
    for (size_t i = 0; !flight->lot_of && i < flight->lots_n; i++)
        for (size_t k = 0; k < flight->batch->items_n; k++)
            add_entry(flight, i, k);
    for (size_t k = 0; flight->lot_of && k < flight->batch->items_n; k++)
        add_entry(flight, flight->lot_of[k], k);
    start_lots(flight, worker);
}

static bool wanted(const struct pass_run *pass) {
    const struct run *run = pass->run;
    for (size_t i = 0; i < pass->jobs_n; i++)
        if (!atomic_load(&run->jobs[pass->jobs[i]].stopped))
            return true;
    return false;
}

static void note_empty(const struct pass_run *pass) {
    char text[512];
    snprintf(text, sizeof text, "source %.*s (%.*s) has no %s", STR_ARG(pass->source->name),
             STR_ARG(manifest_source_shown(pass->source)),
             pass->pass->routed ? "files that a route takes" : "records");
    run_note(pass->run, text);
}

// What of the source came from the cache.
static void take_hits(struct pass_run *pass, struct run_hits *hits) {
    *hits = (struct run_hits){.found = pass->keeper.found};
    pass->keeper.found = (struct cache_found){0};
}

static void take_lots(struct flight *flight) {
    struct pass_run *pass = flight->pass;
    if (pass->pass->routed) {
        run_routes_take_lots(flight);
    } else {
        flight->lots_n = pass->jobs_n;
        for (size_t i = 0; i < pass->jobs_n; i++)
            flight->lots[i] = run_lot_take(&pass->run->jobs[pass->jobs[i]], flight, pass->sequence);
    }
    run_lots_sort(flight);
    atomic_store(&flight->open, (unsigned)flight->lots_n);
}

static enum step load_step(struct pass_run *pass, struct worker *worker) {
    struct run *run = pass->run;
    struct err err;
    if (run_is_interrupted(run) || !wanted(pass)) {
        pass->source_known = false;
        if (run_joins_are_busy(pass))
            return STEP_BLOCKED;
        return STEP_DONE;
    }
    if (pass->resume_at > run_now(run))
        return run_source_wait(pass);
    if (pass->joins && pass->joins->built < pass->joins->n) {
        const enum step step = run_source_joins(pass, worker);
        return step == STEP_DONE && !run_is_interrupted(run) ? STEP_AGAIN : step;
    }
    if (!pass->loader && run_source_open(pass, &err) != STATUS_OK)
        return run_source_open_failed(pass, &err);
    if (run_govern_holds(pass) || !run_ahead_is_ready(pass, worker) || !credits_take(&pass->credits))
        return STEP_BLOCKED;
    if (!run_auto_admit(run)) {
        credits_give(&pass->credits);
        return STEP_BLOCKED;
    }
    uint64_t from = run_now(run);
    struct flight *flight = take_flight(pass);
    flight->batch->sequence = pass->sequence;
    struct run_hits hits;
    enum status status = load_pull(pass->loader, flight->batch, &err);
    uint64_t ahead = 0;
    flight->done = path_later(flight->done, run_ahead_take(pass, &ahead));
    struct run_span span = span_of(flight, SPAN_READ, from, run_now(run));
    span.after[1] = pass->read.id ? pass->read : run_path_released(run, pass->node);
    take_hits(pass, &hits);
    span.hits = &hits;
    flight->done = pass->read = run_spent(run, worker, &span);
    flight->began = from;
    flight->read_nanoseconds = span.to - from + ahead;
    if (status != STATUS_OK || flight->batch->items_n == 0) {
        give_flight(flight, (struct path_mark){0, 0}, 0);
        run_auto_unused(run);
        credits_give(&pass->credits);
        pass->whole = status == STATUS_OK;
        if (status == STATUS_OK && pass->sequence == 0)
            note_empty(pass);
        if (status == STATUS_OK)
            run_routes_note(pass, pass->loader);
        if (status == STATUS_CANCELLED && run_is_interrupted(run))
            pass->source_known = false;
        if (status == STATUS_OK || (status == STATUS_CANCELLED && run_is_interrupted(run)))
            return STEP_DONE;
        return run_source_failed(pass, &err);
    }
    take_lots(flight);
    pass->sequence++;
    pass->pulled += flight->batch->items_n;
    pass->pulled_bytes += flight->batch->bytes_n;
    run_batch_begins(run, worker);
    graph_spawn_batch(worker, flight->batch->sequence, flight->batch->bytes_n, fly, flight);
    return STEP_AGAIN;
}

enum step run_load_step(void *self, struct worker *worker) {
    struct pass_run *pass = self;
    const enum step step = load_step(pass, worker);
    if (step == STEP_DONE || step == STEP_FAILED)
        run_ahead_ended(pass);
    return step;
}
