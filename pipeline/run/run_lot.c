// SPDX-License-Identifier: MIT
// A lot's way: select (run_select.c), claim in turn, render, emit in turn.
#include "base/mem.h"
#include "pipeline/run/run_profile.h"
#include "pipeline/run/run_watch.h"

// Who goes on with a lot after its claim: the worker that entered the turn, or, when the turn came later, a
// task of whoever ran it. Whoever comes second to this mark goes on.
enum claim_phase { CLAIM_ENTERED, CLAIM_RETURNED, CLAIM_DONE };

// Lots ------------------------------------------------------------------------------------------------------

struct lot *run_lot_take(struct job_run *job, struct flight *flight, uint64_t sequence) {
    pthread_mutex_lock(&job->run->lock);
    struct lot *lot = job->free_lots;
    if (lot)
        job->free_lots = lot->next_free;
    pthread_mutex_unlock(&job->run->lock);
    if (!lot) {
        lot = MEM_NEW(struct lot);
        lot->job = job;
        arena_init(&lot->arena, 0);
    }
    lot->flight = flight;
    lot->strategy = run_strategy(job->run);
    lot->done = (struct path_mark){0, 0};
    lot->hits = (struct run_hits){0};
    lot->sequence = sequence;
    lot->entries_n = 0;
    lot->digest = (struct digest){0, 0};
    lot->counters = (struct run_counters){0};
    lot->emit_nanoseconds = 0;
    lot->worked = 0;
    lot->rendered_to = 0;
    lot->claimed_to = 0;
    buf_clear(&lot->remembered.bytes);
    lot->remembered.entries = 0;
    atomic_store_explicit(&lot->claim_phase, CLAIM_ENTERED, memory_order_relaxed);
    arena_clear(&lot->arena);
    atomic_fetch_add(&job->unrendered, 1);
    atomic_fetch_add(&job->unflushed, 1);
    return lot;
}

struct entry *run_lot_add(struct lot *lot) {
    MEM_GROW(lot->entries, lot->entries_cap, lot->entries_n + 1);
    struct entry *entry = &lot->entries[lot->entries_n++];
    *entry = (struct entry){.group_key = value_missing()};
    return entry;
}

static void leave(atomic_uint *count, struct run *run, uint32_t node) {
    if (atomic_fetch_sub(count, 1) == 1)
        graph_wake(run->graph, node);
}

static struct run_span span_of(const struct lot *lot, enum run_span_kind kind, uint64_t from, uint64_t to) {
    return (struct run_span){.kind = kind,
                             .subject = lot->job->job->job->name,
                             .batch = lot->sequence,
                             .of_groups = !lot->flight,
                             .items = lot->entries_n,
                             .from = from,
                             .to = to,
                             .index = lot->job->index,
                             .after = {lot->done}};
}

// What a worker did for a lot.
static struct path_mark spent(struct lot *lot, const struct worker *worker, const struct run_span *span) {
    lot->worked += span->to - span->from;
    return lot->done = run_spent(lot->job->run, worker, span);
}

static void end_lot(struct lot *lot, const struct worker *worker) {
    struct job_run *job = lot->job;
    struct run *run = job->run;
    struct flight *flight = lot->flight;
    const struct path_mark last = lot->done;
    struct run_span life = span_of(lot, SPAN_GROUPS, lot->began, 0);
    life.flow = run->plan->passes_n + job->index;
    life.worked = lot->worked;
    if (flight)
        atomic_fetch_add(&flight->worked, lot->worked);
    pthread_mutex_lock(&run->lock);
    if (!flight)
        batch_size_observe(&job->group_size, lot->entries_n, lot->group_records, lot->worked);
    lot->next_free = job->free_lots;
    job->free_lots = lot;
    if (!flight)
        job->freed = path_later(job->freed, last);
    pthread_mutex_unlock(&run->lock);
    if (flight)
        run_flight_end(flight, worker, last);
    else {
        run_batch_ends(run, worker, &life);
        credits_give(&job->credits);
    }
    leave(&job->unflushed, run, job->emit_node);
}

void run_job_free_lots(struct job_run *job) {
    for (struct lot *lot = job->free_lots, *next; lot; lot = next) {
        next = lot->next_free;
        if (lot->lane)
            job->job->sink->lane_free(lot->lane);
        run_through_free_passages(lot);
        mem_free(lot->entries);
        arena_release(&lot->arena);
        journal_batch_release(&lot->remembered);
        mem_free(lot);
    }
    job->free_lots = NULL;
}

void run_job_release(struct job_run *job) {
    run_job_free_lots(job);
    turns_free(job->gather_turns);
    histogram_release(&job->batches);
    turns_free(job->claim_turns);
    turns_free(job->emit_turns);
    for (size_t i = 0; i < job->groups_n; i++)
        mem_free(job->groups[i]->items);
    mem_free(job->groups);
    mem_free(job->buckets);
    arena_release(&job->arena);
}

// Failures --------------------------------------------------------------------------------------------------

// In the order of the records: those that could not be loaded are told of by the first lot.
static void report_failures(struct lot *lot) {
    struct job_run *job = lot->job;
    const bool first = lot->flight && lot->flight->lots[0] == lot;
    const struct manifest_source *source = job->run->passes[job->job->pass].source;
    size_t told = 0; // items before this one
    for (size_t i = 0; i < lot->entries_n; i++) {
        struct entry *entry = &lot->entries[i];
        if (!entry->fault)
            continue;
        if (first)
            run_report_bad_records(lot->flight, &told, (size_t)(entry->item - lot->flight->batch->items));
        char ordinal[RUN_ORDINAL_SIZE];
        struct failure failure = {.job = job->job->job->name,
                                  .source = source->name,
                                  .path = manifest_source_shown(source),
                                  .line = entry->item ? entry->item->line : 0,
                                  .byte = entry->item ? entry->item->byte : 0,
                                  .record = entry->item ? entry->item->ordinal + 1 : 0,
                                  .key = run_entry_key(entry, ordinal),
                                  .detail = entry->fault};
        failures_report(job->run->failures, &failure);
    }
    if (first)
        run_report_bad_records(lot->flight, &told, lot->flight->batch->items_n);
}

// Claim -----------------------------------------------------------------------------------------------------

static const struct diag *collision(struct lot *lot, struct str path, const struct claim *holder) {
    const struct run *run = lot->job->run;
    const struct job_run *other = &run->jobs[holder->job]; // where it is a job
    struct buf text = BUF_INIT;
    buf_printf(&text, "the output path %.*s collides with ", STR_ARG(path));
    if (holder->job >= CLAIMS_INPUT)
        buf_add_text(&text, holder->job == CLAIMS_INPUT ? "an input of this run" : "the trace of this run");
    else if (other->job->stream.p)
        buf_printf(&text, "the stream of job \"%.*s\"", STR_ARG(other->job->job->name));
    else if (other->job->gathers)
        buf_printf(&text, "group number %llu of job \"%.*s\"", (unsigned long long)holder->record + 1,
                   STR_ARG(other->job->job->name));
    else
        buf_printf(&text, "record number %llu of source \"%.*s\" (job \"%.*s\")",
                   (unsigned long long)holder->record + 1,
                   STR_ARG(run->passes[other->job->pass].source->name), STR_ARG(other->job->job->name));
    const struct diag *diag = diag_make(&lot->arena, &run->plan->manifest->text, lot->job->job->job->to_span,
                                        "%s", buf_text(&text));
    buf_release(&text);
    return diag;
}

// Under the claims' lock.
static void claim_path(struct lot *lot, size_t i) {
    struct job_run *job = lot->job;
    struct entry *entry = &lot->entries[i];
    const uint64_t ordinal = entry->item ? entry->item->ordinal : lot->first_group + i;
    struct claim holder;
    if ((entry->state == ENTRY_PENDING || entry->state == ENTRY_UP_TO_DATE) &&
        !claims_take(job->run->claims, entry->path, (struct claim){job->index, ordinal}, &holder))
        run_fail(lot, entry, collision(lot, entry->path, &holder));
    if (entry->state == ENTRY_PENDING && entry->unwanted)
        entry->state = ENTRY_EXCLUDED;
}

static void render_lot(void *self, struct worker *worker);

static void claimed(struct lot *lot, struct worker *worker) {
    if (atomic_exchange(&lot->claim_phase, CLAIM_DONE) == CLAIM_RETURNED)
        graph_spawn(worker, render_lot, lot);
}

static void claim_groups_in_turn(void *self, struct worker *worker) {
    struct lot *lot = self;
    claims_lock(lot->job->run->claims);
    for (size_t i = 0; i < lot->entries_n; i++)
        claim_path(lot, i);
    claims_unlock(lot->job->run->claims);
    lot->done = lot->job->claimed = path_later(lot->job->claimed, lot->done);
    claimed(lot, worker);
}

static bool claims_for_records(const struct lot *lot) {
    return !lot->job->job->gathers && lot->job->job->sink->named;
}

// Each record is one job's.
static void claim_routed(const struct flight *flight) {
    for (size_t k = 0; k < flight->batch->items_n; k++) {
        struct lot *lot = flight->lots[flight->lot_of[k]];
        if (claims_for_records(lot) && lot->claimed_to < lot->entries_n &&
            lot->entries[lot->claimed_to].item == &flight->batch->items[k])
            claim_path(lot, lot->claimed_to++);
    }
}

// Record by record, and of one record job by job: who gets a path does not depend on where batches end.
static void claim_records_in_turn(void *self, struct worker *worker) {
    struct flight *flight = self;
    struct pass_run *pass = flight->pass;
    struct claims *claims = pass->run->claims;
    const size_t entries_n = flight->lot_of ? 0 : flight->claimers[0]->entries_n;
    struct lot **lots = flight->claimers;
    const size_t lots_n = flight->claimers_n;
    claims_lock(claims);
    if (flight->lot_of)
        claim_routed(flight);
    for (size_t i = 0; i < entries_n; i++)
        for (size_t k = 0; k < lots_n; k++)
            claim_path(lots[k], i);
    claims_unlock(claims);
    for (size_t k = 0; k < lots_n; k++)
        pass->claimed = path_later(pass->claimed, lots[k]->done);
    for (size_t k = 0; k < lots_n; k++)
        lots[k]->done = pass->claimed;
    for (size_t k = 0; k < lots_n; k++) // with the last one the flight may go
        claimed(lots[k], worker);
}

void run_lots_sort(struct flight *flight) {
    flight->renderers_n = flight->claimers_n = 0;
    for (size_t i = 0; i < flight->lots_n; i++) {
        struct lot *lot = flight->lots[i];
        if (!lot->job->job->gathers)
            flight->renderers[flight->renderers_n++] = lot;
        if (claims_for_records(lot))
            flight->claimers[flight->claimers_n++] = lot;
    }
    if (flight->claimers_n)
        flight->claim = flight->pass->claims++;
}

void run_lots_claim(struct flight *flight, struct worker *worker) {
    if (flight->claimers_n > 0)
        turns_enter(flight->pass->claim_turns, flight->claim, claim_records_in_turn, flight, worker);
}

// Render ----------------------------------------------------------------------------------------------------

static void emit_in_turn(void *self, struct worker *worker);

static void render_lot(void *self, struct worker *worker) {
    struct lot *lot = self;
    struct job_run *job = lot->job;
    struct run *run = job->run;
    struct vm *vm = run_vm(run, worker, (enum undefined_mode)job->job->job->undefined);
    run_profile_job(run, worker, job->index);
    uint64_t from = run_now(run), emitting = lot->emit_nanoseconds;
    run_through_settle(lot);
    run_render_entries(lot, vm, worker);
    struct run_span render = span_of(lot, SPAN_RENDER, from, run_now(run));
    render.emitting = lot->emit_nanoseconds - emitting;
    render.hits = &lot->hits;
    lot->handed_over = spent(lot, worker, &render);
    lot->hits = (struct run_hits){0};
    if (run_through_hand_over(lot, render_lot, worker))
        return;
    struct err err;
    if (lot->lane && job->job->sink->seal && job->job->sink->seal(lot->lane, &err) != STATUS_OK) {
        run_break(run, &err);
        atomic_store(&job->stopped, true);
    }
    const struct run_span seal = span_of(lot, SPAN_SEAL, render.to, run_now(run));
    spent(lot, worker, &seal);
    lot->emit_nanoseconds += seal.to - seal.from;
    leave(&job->unrendered, run, job->render_node);
    turns_enter(job->emit_turns, lot->sequence, emit_in_turn, lot, worker);
}

// Emit ------------------------------------------------------------------------------------------------------

void run_add_counters(struct run_counters *sum, const struct run_counters *add) {
    sum->loaded += add->loaded;
    sum->excluded += add->excluded;
    sum->up_to_date += add->up_to_date;
    sum->rendered += add->rendered;
    sum->would_render += add->would_render;
    sum->failed += add->failed;
    sum->source_bytes += add->source_bytes;
    sum->written += add->written;
    sum->unchanged += add->unchanged;
    sum->bytes += add->bytes;
    sum->stored += add->stored;
    sum->filtered += add->filtered;
    sum->filtering += add->filtering;
    sum->retried += add->retried;
    sum->opcodes += add->opcodes;
    sum->fields_parsed += add->fields_parsed;
    sum->fields_skipped += add->fields_skipped;
    sum->allocations += add->allocations;
    sum->allocated_bytes += add->allocated_bytes;
}

void run_add_result(struct run_counters *sum, const struct lane_result *result) {
    sum->written += result->written;
    sum->unchanged += result->unchanged;
    sum->bytes += result->bytes;
    sum->stored += result->stored;
}

void run_count_failures(struct run *run, uint64_t failed) {
    if (atomic_fetch_add(&run->failures_n, failed) + failed <= run->options->max_failed)
        return;
    atomic_store(&run->exceeded, true);
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        atomic_store(&run->jobs[j].stopped, true);
}

// A record that could not be loaded is missing from every job of its source; a file with a route failed for that alone.
static void note_failures(const struct lot *lot) {
    if (lot->counters.failed)
        run_count_failures(lot->job->run, lot->counters.failed);
    const bool misses_records = lot->flight && lot->flight->bad_records && !lot->flight->lot_of;
    if (!lot->counters.failed && !misses_records)
        return;
    lot->job->lacking = true;
    if (lot->job->job->job->on_error == ON_ERROR_FAIL)
        atomic_store(&lot->job->stopped, true);
}

// Outputs that the sink did not take after all fail; the digest is of the others.
static void settle_emitted(struct lot *lot, const struct lane_result *result) {
    size_t output = 0, refused = 0;
    for (size_t i = 0; i < lot->entries_n; i++) {
        struct entry *entry = &lot->entries[i];
        if (entry->state == ENTRY_UP_TO_DATE) {
            lot->digest = digest_add(lot->digest, entry->digest);
            lot->counters.up_to_date++;
        }
        lot->counters.would_render += entry->state == ENTRY_PENDING && lot->job->run->options->dry;
        if (!entry->emitted)
            continue;
        if (refused < result->refusals_n && result->refusals[refused].output == output)
            run_fail(lot, entry, run_message(lot, result->refusals[refused++].text));
        else
            lot->digest = digest_add(lot->digest, entry->digest);
        output++;
    }
    lot->job->outputs += output - refused;
}

static void emit_in_turn(void *self, struct worker *worker) {
    struct lot *lot = self;
    struct job_run *job = lot->job;
    struct run *run = job->run;
    struct lane_result result = {0};
    struct err err;
    uint64_t from = run_now(run);
    // A stream ends with the lot that stopped its job, wherever the ones behind it have got to.
    bool late = !job->job->sink->named && atomic_load(&job->stopped);
    if (!late && lot->lane && job->job->sink->flush(lot->lane, &result, &err) != STATUS_OK) {
        if (err.status != STATUS_CANCELLED || !run_is_interrupted(run))
            run_break(run, &err);
        atomic_store(&job->stopped, true);
        late = true;
    }
    settle_emitted(lot, &result);
    if (run->past && job->job->sink->named && !late) {
        run_past_remember(lot, &result);
        run_why_tell(lot);
    }
    if (!late)
        run_lengths_add(lot);
    report_failures(lot);
    note_failures(lot);
    run_add_counters(&job->counters, &lot->counters);
    run_add_result(&job->counters, &result);
    if (!late)
        job->digest = digest_add(job->digest, lot->digest);
    struct run_span span = span_of(lot, SPAN_WRITE, from, run_now(run));
    span.after[1] = job->written;
    job->written = spent(lot, worker, &span);
    run_observe(run, worker, RUN_EMIT, lot->emit_nanoseconds + span.to - from);
    if (run->path)
        histogram_add(&job->batches, lot->emit_nanoseconds + span.to - from);
    run_live_count(run, worker, lot, &result);
    end_lot(lot, worker);
}

// Gathering: in turn, the lot's records join their groups; nothing is rendered yet.
static void gather_in_turn(void *self, struct worker *worker) {
    struct lot *lot = self;
    uint64_t from = run_now(lot->job->run);
    run_gather(lot);
    report_failures(lot);
    note_failures(lot);
    run_add_counters(&lot->job->counters, &lot->counters);
    struct run_span span = span_of(lot, SPAN_GATHER, from, run_now(lot->job->run));
    span.after[1] = lot->job->gathered;
    lot->job->gathered = spent(lot, worker, &span);
    run_live_count(lot->job->run, worker, lot, &(struct lane_result){0});
    leave(&lot->job->unrendered, lot->job->run, lot->job->render_node);
    end_lot(lot, worker);
}

// ------------------------------------------------------------------------------------------------------------

void run_lot_start(struct lot *lot, struct worker *worker) {
    struct job_run *job = lot->job;
    bool gathering = lot->flight && job->job->gathers;
    struct vm *vm = run_vm(job->run, worker, (enum undefined_mode)job->job->job->undefined);
    run_profile_job(job->run, worker, job->index);
    uint64_t from = run_now(job->run);
    for (size_t i = 0; i < lot->entries_n; i++) {
        struct entry *entry = &lot->entries[i];
        if (entry->state == ENTRY_UP_TO_DATE) {
            lot->hits.up_to_date++;
            continue;
        }
        if (lot->flight)
            run_select(lot, entry, vm);
        if (entry->state != ENTRY_PENDING || gathering || !job->job->to)
            continue;
        run_make_path(lot, entry, vm);
        if (entry->state == ENTRY_PENDING && !entry->unwanted && job->run->past)
            run_past_look(lot, entry, worker);
        lot->hits.up_to_date += entry->state == ENTRY_UP_TO_DATE;
    }
    struct run_span span = span_of(lot, SPAN_SELECT, from, run_now(job->run));
    if (lot->flight)
        span.after[0] = lot->flight->done;
    spent(lot, worker, &span);
    if (gathering) {
        turns_enter(job->gather_turns, lot->sequence, gather_in_turn, lot, worker);
        return;
    }
    if (job->job->to && !lot->flight)
        turns_enter(job->claim_turns, lot->sequence, claim_groups_in_turn, lot, worker);
}

void run_lot_render(struct lot *lot, struct worker *worker) {
    if (!lot->job->job->to || atomic_exchange(&lot->claim_phase, CLAIM_RETURNED) == CLAIM_DONE)
        render_lot(lot, worker);
}
