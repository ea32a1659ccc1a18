// SPDX-License-Identifier: MIT
/*
 * One output's way from the machine into its sink. A small one is rendered first and then written at once, so that
 * one that fails never was begun. Of a large one (beyond VM_PIECE) the sink gets pieces while it is rendered; it keeps
 * them from sight until the commit.
 *
 * A large output can take long: an interrupt ends it between two pieces. Then it has neither failed nor been made, and
 * its job stops, as a stream must not have what comes behind it.
 */
#include <stdio.h>

#include "pipeline/run/run_watch.h"

struct output {
    struct lot *lot;
    struct entry *entry;
    struct str name;
    char ordinal[RUN_ORDINAL_SIZE];
    struct digest_stream *digest; // of the pieces; NULL: the sink has been given none
    uint64_t text_n;              // of the pieces
    struct buf tail;              // white space that they end with, where it is kept
    struct err err;               // why the sink did not take one
    bool refused, stopped;
    uint64_t nanoseconds; // spent in the sink
};

struct str run_entry_key(const struct entry *entry, char ordinal[RUN_ORDINAL_SIZE]) {
    if (entry->key.p)
        return entry->key;
    if (entry->path.p)
        return entry->path;
    if (entry->group)
        return entry->group->text;
    if (entry->group_text.p)
        return entry->group_text;
    int n = snprintf(ordinal, RUN_ORDINAL_SIZE, "%llu", (unsigned long long)entry->item->ordinal + 1);
    return (struct str){ordinal, (size_t)n};
}

static const struct sink_kind *sink_of(const struct output *o) {
    return o->lot->job->job->sink;
}

// A stream of raw lines leaves out the white space at a text's end, which is needed to know the text again.
static bool keeps_tail(const struct output *o) {
    return o->lot->job->lengths && o->lot->job->job->job->raw;
}

static void note_tail(struct output *o, struct str text) {
    size_t content = text.n;
    if (text.n == 0) // and it may be nowhere
        return;
    while (content > 0 && memchr(" \t\r\n", text.p[content - 1], 4))
        content--;
    if (content > 0)
        buf_clear(&o->tail);
    buf_add_str(&o->tail, str_from(text, content));
}

// Only sinks that write while others render are timed apart; the clock is not free.
static uint64_t timer(const struct output *o) {
    return sink_of(o)->named ? run_now(o->lot->job->run) : 0;
}

static enum status begin(struct output *o, struct err *err) {
    struct lot *lot = o->lot;
    o->name = sink_of(o)->named ? o->entry->path : run_entry_key(o->entry, o->ordinal);
    if (!lot->lane)
        lot->lane = sink_of(o)->lane_new(lot->job->sink);
    return sink_of(o)->begin(lot->lane, o->name, err);
}

static enum status write_piece(void *self, struct str piece, struct err *err) {
    struct output *o = self;
    struct job_run *job = o->lot->job;
    uint64_t from = timer(o);
    if (run_is_interrupted(job->run) || atomic_load_explicit(&job->stopped, memory_order_relaxed)) {
        o->stopped = true;
        return err_set(err, STATUS_CANCELLED, "interrupted");
    }
    enum status status = STATUS_OK;
    if (!o->digest) {
        o->digest = digest_stream_new();
        status = begin(o, err);
    }
    if (status == STATUS_OK)
        status = sink_of(o)->write(o->lot->lane, piece, err);
    if (status == STATUS_OK) {
        digest_stream_add(o->digest, piece);
        o->text_n += piece.n;
        if (keeps_tail(o))
            note_tail(o, piece);
    }
    o->refused = status != STATUS_OK;
    if (o->refused)
        o->err = *err;
    o->nanoseconds += timer(o) - from;
    return status;
}

// The text, or the end of one whose beginning is in the sink already.
static enum status finish(struct output *o, struct str text, struct err *err) {
    enum status status = STATUS_OK;
    if (!o->digest)
        status = begin(o, err);
    if (status == STATUS_OK)
        status = sink_of(o)->write(o->lot->lane, text, err);
    return status == STATUS_OK ? sink_of(o)->commit(o->lot->lane, err) : status;
}

static void emit(struct output *o, struct str text) {
    struct str job = o->lot->job->job->job->name;
    struct err err;
    uint64_t from = timer(o);
    if (finish(o, text, &err) == STATUS_OK) {
        o->entry->emitted = true;
        o->entry->text_n = o->text_n + text.n;
        if (keeps_tail(o)) {
            note_tail(o, text);
            o->entry->tail = arena_str(&o->lot->arena, buf_str(&o->tail));
        }
        if (o->digest)
            digest_stream_add(o->digest, text);
        o->entry->digest =
            o->digest ? digest_stream_output(o->digest, job, o->name) : digest_output(job, o->name, text);
    } else {
        run_fail(o->lot, o->entry, run_message(o->lot, err.text));
    }
    o->nanoseconds += timer(o) - from;
}

// Nothing is left of it; the job's fallback may take its place.
static void fail(struct output *o, struct vm *vm, const struct diag *fault) {
    const struct plan_job *job = o->lot->job->job;
    if (o->digest)
        sink_of(o)->abort(o->lot->lane);
    digest_stream_free(o->digest);
    o->digest = NULL;
    o->text_n = 0;
    buf_clear(&o->tail);
    if (o->stopped) {
        atomic_store(&o->lot->job->stopped, true);
        return;
    }
    if (o->refused) {
        run_fail(o->lot, o->entry, run_message(o->lot, o->err.text));
        return;
    }
    run_fail_from_vm(o->lot, o->entry, vm, job->body, fault);
    if (job->job->on_error == ON_ERROR_FALLBACK)
        emit(o, job->job->fallback);
}

void run_output_text(struct lot *lot, struct entry *entry, struct str text) {
    struct output o = {.lot = lot, .entry = entry};
    emit(&o, text);
    buf_release(&o.tail);
    lot->emit_nanoseconds += o.nanoseconds;
}

void run_output_failed(struct lot *lot, struct entry *entry, const struct diag *fault) {
    const struct plan_job *job = lot->job->job;
    run_fail(lot, entry, fault);
    if (job->job->on_error == ON_ERROR_FALLBACK)
        run_output_text(lot, entry, job->job->fallback);
}

static enum status add_piece(void *self, struct str piece, struct err *err) {
    (void)err;
    buf_add_str(self, piece);
    return STATUS_OK;
}

bool run_output_whole(const struct entry *entry, struct vm *vm, const struct program *program,
                      struct buf *text, const struct diag **fault) {
    struct vm_extra extras[2];
    const size_t extras_n = run_extras(entry->group, extras);
    const struct vm_writer writer = {text, add_piece};
    const bool made = vm_render_to(vm, program, run_record(entry), extras, extras_n, &writer, fault);
    if (made)
        buf_add_str(text, vm_output(vm));
    else
        buf_release(text);
    return made;
}

struct str run_output(struct lot *lot, struct entry *entry, struct vm *vm) {
    if (lot->job->job->filter.argv) {
        run_through_render(lot, entry, vm);
        return (struct str){NULL, 0};
    }
    const struct diag *fault = NULL;
    struct vm_extra extras[2];
    size_t extras_n = run_extras(entry->group, extras);
    struct output o = {.lot = lot, .entry = entry};
    struct str whole = {NULL, 0};
    const struct vm_writer writer = {&o, write_piece};
    if (vm_render_to(vm, lot->job->job->body, run_record(entry), extras, extras_n, &writer, &fault)) {
        lot->counters.rendered++;
        if (!o.digest)
            whole = vm_output(vm);
        emit(&o, vm_output(vm));
    } else {
        fail(&o, vm, fault);
    }
    digest_stream_free(o.digest);
    buf_release(&o.tail);
    lot->emit_nanoseconds += o.nanoseconds;
    return whole;
}
