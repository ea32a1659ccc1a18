// SPDX-License-Identifier: MIT
/*
 * Why outputs are made: the observer is told of each in its lot's emit turn, while record and hashes are still there. And
 * what fields of changed records are now is kept, for the day on which they change again.
 */
#include "base/mem.h"
#include "pipeline/reasons/values.h"
#include "pipeline/run/run_private.h"

enum { VALUES_SHOWN = 4 << 20 }; // bytes of values that a run writes at most to find the short ones

bool run_why_is_asked(const struct run *run) {
    return run->options->observer && run->options->observer->reason;
}

static bool is_asked_of(const struct run *run, struct str path) {
    for (size_t i = 0; i < run->options->asked_n; i++)
        if (str_equal(run->options->asked[i], path))
            return true;
    return false;
}

bool run_why_wants_records(const struct job_run *job) {
    const struct run *run = job->run;
    struct journal_entry entry;
    if (!job->job->sink->named)
        return false;
    for (size_t i = 0; i < run->options->asked_n; i++)
        if (journal_find(&run->workers[0].past, run->options->asked[i], &entry) && entry.recipe &&
            str_equal(entry.recipe->job, job->job->job->name))
            return true;
    return false;
}

// Telling -------------------------------------------------------------------------------------------------------

static void tell(struct run *run, const struct run_reason *reason) {
    const struct run_observer *observer = run->options->observer;
    if (run->options->asked_n ? !is_asked_of(run, reason->path) : reason->fate != RUN_MADE)
        return;
    pthread_mutex_lock(&run->reason_lock);
    observer->reason(observer->self, reason);
    pthread_mutex_unlock(&run->reason_lock);
}

static struct run_reason reason_for(const struct job_run *job, struct str path, enum run_fate fate) {
    const struct manifest_source *source = job->run->passes[job->job->pass].source;
    return (struct run_reason){.fate = fate,
                               .job = job->job->job->name,
                               .path = path,
                               .source = source->name,
                               .origin = manifest_source_shown(source)};
}

static struct cause cause_of(const struct job_run *job, const struct entry *entry) {
    const struct entry_past *past = entry->past;
    if (!past)
        return (struct cause){.why = job->run->options->force ? REASON_NEW | REASON_FORCED : REASON_NEW,
                              .record = value_missing()};
    return (struct cause){.why = past->why,
                          .many = entry->group != NULL,
                          .before = past->before,
                          .now = job->past->recipe,
                          .fields_before = past->fields_before,
                          .fields_now = past->fields,
                          .imprint = job->past->imprint,
                          .record = run_record(entry),
                          .values = job->run->past->values};
}

static void tell_entry(const struct job_run *job, const struct entry *entry) {
    static const enum run_fate fates[] = {
        [ENTRY_PENDING] = RUN_MADE, [ENTRY_UP_TO_DATE] = RUN_LEFT_ALONE, [ENTRY_FAILED] = RUN_NOT_MADE};
    struct run_reason reason = reason_for(job, entry->path, fates[entry->state]);
    reason.item = entry->item;
    reason.key = entry->group ? entry->group->text : entry->key;
    reason.records = entry->group ? entry->group->records->n : 0;
    reason.fault = entry->fault;
    if (reason.fate == RUN_MADE)
        reason.cause = cause_of(job, entry);
    tell(job->run, &reason);
}

// Values --------------------------------------------------------------------------------------------------------

static bool has_room(struct past *past) {
    return past->values_shown < VALUES_SHOWN && (!past->fresh || values_count(past->fresh) < VALUES_MOST);
}

static void keep_value(struct past *past, uint64_t hash, struct str text) {
    past->values_shown += text.n;
    if (!past->fresh)
        past->fresh = values_new();
    values_add(past->fresh, hash, text);
}

// What the fields that have changed are now.
static void keep_values(struct run *run, const struct job_run *job, const struct entry *entry,
                        struct buf *text) {
    const struct entry_past *made = entry->past;
    const uint32_t fields = imprint_fields(job->past->imprint);
    pthread_mutex_lock(&run->lock);
    for (uint32_t i = 0; i < fields && has_room(run->past); i++) {
        if (!(made->why & reason_of_field(i)))
            continue;
        buf_clear(text);
        if (!imprint_show(job->past->imprint, i, run_record(entry), text))
            buf_clear(text);
        keep_value(run->past, made->fields[i], buf_str(text));
    }
    pthread_mutex_unlock(&run->lock);
}

static bool is_changed_record(const struct entry *entry) {
    return entry->past && entry->item && entry->past->fields && (entry->past->why & REASON_RECORD);
}

void run_why_tell(struct lot *lot) {
    struct run *run = lot->job->run;
    const bool asked = run_why_is_asked(run), dry = run->options->dry;
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < lot->entries_n; i++) {
        const struct entry *entry = &lot->entries[i];
        const bool undecided = entry->state == ENTRY_PENDING && !dry && !entry->emitted;
        if (!entry->path.p || entry->state == ENTRY_EXCLUDED || undecided)
            continue;
        if (asked)
            tell_entry(lot->job, entry);
        if (!dry && entry->state == ENTRY_PENDING && is_changed_record(entry) && run->past->writable)
            keep_values(run, lot->job, entry, &text);
    }
    buf_release(&text);
}

void run_why_begin(struct run *run) {
    if (!run_why_is_asked(run))
        return;
    run->past->values = values_new();
    values_read(run->past->values, run->options->fs, run->root);
}

void run_why_end(struct run *run) {
    struct past *past = run->past;
    if (!past->fresh)
        return;
    struct values *all = values_new();
    values_read(all, run->options->fs, run->root);
    values_take(all, past->fresh);
    values_write(all, run->options->fs, run->root); // without them less can be told, that is all
    values_free(all);
}

// Streams -------------------------------------------------------------------------------------------------------

void run_why_look_at_stream(struct job_run *job, struct journal_reader *reader,
                            const struct journal_entry *own) {
    struct job_past *past = job->past;
    const struct run *run = job->run;
    struct journal_entry entry;
    past->before = own ? own->recipe : NULL;
    past->source_before = own ? own->raw : (struct digest){0, 0};
    if (!journal_find(reader, job->job->stream, &entry)) {
        past->why = own ? REASON_LOST : REASON_NEW;
        return;
    }
    if (!own && entry.recipe && str_equal(entry.recipe->job, job->job->job->name))
        past->before = entry.recipe;
    if (!own || !past->before) // the last run did not bring it to its end
        past->why |= REASON_LOST;
    if (past->before && past->before != past->recipe)
        past->why = REASON_RECIPE;
    const struct lane_stamp stamp = run_past_stamp(&entry);
    if (!run->options->trust)
        run_past_is_untouched(run, entry.path, &stamp, &past->why);
    if (run->options->force)
        past->why |= REASON_FORCED;
}

uint32_t run_why_of_stream(const struct job_run *job) {
    const struct pass_run *pass = &job->run->passes[job->job->pass];
    const struct job_past *past = job->past;
    const bool other =
        past->has_entry && pass->source_known && !digest_equal(past->source_before, run_source_of(job).all);
    const uint32_t why = past->why | (other ? REASON_RECORD : 0);
    return why ? why : REASON_LOST;
}

void run_why_tell_stream(const struct job_run *job, bool complete) {
    struct run *run = job->run;
    if (!run_why_is_asked(run) || !job->job->stream.p)
        return;
    const bool settled = job->past && job->past->settled;
    struct run_reason reason = reason_for(job, job->job->stream,
                                          settled    ? RUN_LEFT_ALONE
                                          : complete ? RUN_MADE
                                                     : RUN_NOT_MADE);
    reason.stream = true;
    reason.cause = (struct cause){.why = REASON_NEW, .many = true, .record = value_missing()};
    if (job->past) {
        // Of a settled job nothing is read, and its source may still be, for others.
        reason.cause.why = settled ? job->past->why : run_why_of_stream(job);
        reason.cause.before = job->past->before;
        reason.cause.now = job->past->recipe;
    }
    tell(run, &reason);
}
