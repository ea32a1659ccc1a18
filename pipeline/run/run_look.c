// SPDX-License-Identifier: MIT
// What is as it was: by a record's bytes, by the fields that are read, and by the file itself.
#include <errno.h>
#include <string.h>

#include "pipeline/run/run_past.h"
#include "pipeline/run/run_private.h"

static bool same_stamp(const struct lane_stamp *a, const struct lane_stamp *b) {
    return a->size == b->size && a->inode == b->inode && a->mtime == b->mtime && a->mtime != 0;
}

bool run_past_is_untouched(const struct run *run, struct str path, const struct lane_stamp *stamp,
                           uint32_t *why) {
    char name[RUN_PATH_SIZE];
    struct stat st;
    if (path.n >= sizeof name)
        return false;
    memcpy(name, path.p, path.n);
    name[path.n] = 0;
    const int result = run->options->fs->stat_at(run->options->fs->self, run->root, name, &st);
    if (result < 0) { // what cannot be looked at may be there, but nobody knows how it is
        *why |= result == -ENOENT || result == -ENOTDIR ? REASON_MISSING : REASON_EDITED;
        return false;
    }
    const struct lane_stamp found = lane_stamp_of(&st);
    if (S_ISREG(st.st_mode) && same_stamp(&found, stamp))
        return true;
    *why |= REASON_EDITED;
    return false;
}

void run_past_take(struct entry *entry, struct entry_past *past) {
    entry->past = past;
    entry->digest = past->output;
    entry->state = ENTRY_UP_TO_DATE;
}

static void take_found(struct entry_past *past, const struct journal_entry *entry) {
    past->found = true;
    past->number = entry->number;
    past->output = entry->output;
    past->stamp = run_past_stamp(entry);
}

static bool find_raw(struct flight *flight, const struct job_run *job, struct journal_reader *reader,
                     struct digest raw, struct known *known) {
    struct journal_entry entry;
    uint32_t why = 0;
    if (!journal_find_raw(reader, job->job->job->name, raw, &entry) || entry.recipe != job->past->recipe ||
        entry.left)
        return false;
    const struct lane_stamp stamp = run_past_stamp(&entry);
    if (!job->past->trusted && !run_past_is_untouched(job->run, entry.path, &stamp, &why))
        return false;
    struct entry_past *past = ARENA_NEW(&flight->past, struct entry_past);
    known->path = arena_str(&flight->past, entry.path);
    if (!past || !known->path.p)
        return false;
    take_found(past, &entry);
    known->past = past;
    return true;
}

// Jobs that take records one by one, and of whose outputs each is an entry.
static bool looks_at_records(const struct job_run *job) {
    return job->past->looks && !job->job->gathers && job->job->sink->named && !job->run->options->asked_n;
}

void run_past_look_raw(struct flight *flight, struct worker *worker) {
    const struct pass_run *pass = flight->pass;
    struct run *run = pass->run;
    struct batch *batch = flight->batch;
    flight->raws = arena_zero(&flight->past, sizeof *flight->raws * batch->items_n);
    flight->known = arena_zero(&flight->past, sizeof *flight->known * batch->items_n * flight->lots_n);
    if (!flight->raws || !flight->known)
        mem_fail(sizeof *flight->known * batch->items_n * flight->lots_n);
    for (size_t k = 0; k < batch->items_n; k++) {
        struct item *item = &batch->items[k];
        size_t known = 0;
        if (!load_raw_digest(pass->loader, item, &flight->raws[k]))
            continue;
        for (size_t i = 0; i < flight->lots_n; i++) {
            const struct job_run *job = flight->lots[i]->job;
            known += !pass->joins && looks_at_records(job) &&
                     find_raw(flight, job, &run->workers[worker->index].past, flight->raws[k],
                              &flight->known[i * batch->items_n + k]);
        }
        item->unwanted = known == flight->lots_n;
    }
}

// What the entry is made of: the job's fields of its record, or of all its group's. `fields`: a hash of each, and as much
// room again; NULL: nobody asks.
static struct digest take_imprint(const struct lot *lot, const struct entry *entry, struct worker_run *mine,
                                  uint64_t *fields) {
    const struct imprint *imprint = lot->job->past->imprint;
    const uint32_t n = imprint_fields(imprint);
    uint64_t *one = fields ? fields + n : NULL;
    if (entry->item)
        return imprint_take(imprint, entry->item->record, &mine->scratch, fields);
    struct digest sum = digest_of(entry->group->text);
    for (uint32_t r = 0; r < entry->group->records->n; r++) {
        struct digest both[2] = {sum};
        both[1] = imprint_take(imprint, entry->group->records->items[r], &mine->scratch, one);
        sum = digest_of((struct str){(const char *)both, sizeof both});
        for (uint32_t i = 0; fields && i < n; i++) {
            uint64_t two[2] = {fields[i], one[i]};
            fields[i] = digest_of((struct str){(const char *)two, sizeof two}).low;
        }
    }
    return sum;
}

// The same, to be kept. False: no memory, so that nothing will be.
static bool take_fields(struct lot *lot, const struct entry *entry, struct worker_run *mine,
                        struct entry_past *past) {
    const size_t n = imprint_fields(lot->job->past->imprint);
    uint64_t *fields = arena_zero(&lot->arena, (2 * n + 1) * sizeof *fields);
    past->fields = fields;
    if (fields)
        past->record = take_imprint(lot, entry, mine, fields);
    return fields != NULL;
}

static bool same_fields(const struct journal_recipe *a, const struct journal_recipe *b) {
    bool same = a->fields_n == b->fields_n;
    for (uint32_t i = 0; same && i < a->fields_n; i++)
        same = str_equal(a->fields[i], b->fields[i]);
    return same;
}

static uint32_t compare_records(const struct job_run *job, const struct journal_entry *entry,
                                const struct entry_past *past) {
    if (!entry->recipe)
        return REASON_LOST;
    if (!same_fields(entry->recipe, job->past->recipe))
        return digest_equal(entry->record, past->record) ? 0 : REASON_FIELDS;
    uint32_t why = digest_equal(entry->record, past->record) ? 0 : REASON_RECORD;
    for (uint32_t i = 0; why && i < entry->fields_n; i++)
        if (journal_entry_field(entry, i) != past->fields[i])
            why |= reason_of_field(i);
    return why;
}

// An output that is as it was although its record's bytes are others would be found sooner the next time if that were
// noted. But what changes like that once mostly does so every time: so it is noted of one in four, of others each time.
static bool is_worth_it(const struct run *run, struct digest raw) {
    return ((raw.low ^ run->past->generation) & 3) == 0;
}

// A settled job has claimed nothing, but its outputs are its own.
static const struct diag *collision(struct lot *lot, const struct journal_entry *entry) {
    const struct job_run *job = lot->job;
    const struct run *run = job->run;
    for (size_t j = 0; entry->recipe && j < run->plan->manifest->jobs_n; j++)
        if (run->jobs[j].past->settled && run->jobs[j].past->recipe == entry->recipe)
            return diag_make(&lot->arena, &run->plan->manifest->text, job->job->job->to_span,
                             "the output path %.*s collides with an output of job \"%.*s\"",
                             STR_ARG(entry->path), STR_ARG(run->jobs[j].job->job->name));
    return NULL;
}

// What the fields were, for whoever wants to know; NULL: not known.
static const uint64_t *fields_of(struct arena *arena, const struct journal_entry *entry) {
    uint64_t *fields = entry->recipe ? ARENA_NEW_ARRAY(arena, uint64_t, (size_t)entry->fields_n + 1) : NULL;
    for (uint32_t i = 0; fields && i < entry->fields_n; i++)
        fields[i] = journal_entry_field(entry, i);
    return fields;
}

// An entry that is made from what it was made from: is it there, too?
static bool is_up_to_date(struct lot *lot, const struct entry *entry, const struct journal_entry *found,
                          struct entry_past *past) {
    const struct run *run = lot->job->run;
    if (!lot->job->past->trusted && !run_past_is_untouched(run, entry->path, &past->stamp, &past->why))
        return false;
    // One that did not belong is said anew, too, since a run that stages writes no other notes.
    past->moved = found->left || (!digest_equal(found->raw, past->raw) && is_worth_it(run, past->raw));
    past->fields = past->moved ? fields_of(&lot->arena, found) : NULL;
    past->moved &= past->fields != NULL;
    past->why = found->why; // it was made for
    return true;
}

static void compare(struct lot *lot, struct entry *entry, const struct journal_entry *found,
                    struct worker_run *mine) {
    const struct job_run *job = lot->job;
    struct entry_past *past = entry->past;
    const bool same_recipe = found->recipe == job->past->recipe;
    take_found(past, found);
    past->before = found->recipe;
    if (same_recipe && job->past->looks) { // mostly all is as it was, and then nobody asks for the fields
        past->record = take_imprint(lot, entry, mine, NULL);
        if (digest_equal(past->record, found->record) && is_up_to_date(lot, entry, found, past)) {
            run_past_take(entry, past);
            return;
        }
    }
    if (!take_fields(lot, entry, mine, past)) {
        entry->past = NULL;
        return;
    }
    past->why |= compare_records(job, found, past) | (same_recipe ? 0 : REASON_RECIPE) |
                 (job->run->options->force ? REASON_FORCED : 0);
    if (!(past->why & (REASON_MISSING | REASON_EDITED)))
        run_past_is_untouched(job->run, entry->path, &past->stamp, &past->why);
    if ((past->why & (REASON_RECORD | REASON_FIELDS)) && run_why_is_asked(job->run))
        past->fields_before = fields_of(&lot->arena, found);
}

void run_past_look(struct lot *lot, struct entry *entry, struct worker *worker) {
    struct worker_run *mine = &lot->job->run->workers[worker->index];
    struct entry_past *past = ARENA_NEW(&lot->arena, struct entry_past);
    struct journal_entry found;
    if (!past)
        return;
    // With what is joined to it a record is more than its bytes.
    if (entry->item && lot->flight->raws && !lot->flight->pass->joins)
        past->raw = lot->flight->raws[entry->item - lot->flight->batch->items];
    if (!journal_find(&mine->past, entry->path, &found)) {
        past->why = REASON_NEW;
        entry->past = take_fields(lot, entry, mine, past) ? past : NULL;
        return;
    }
    const struct diag *collides = collision(lot, &found);
    if (collides) {
        run_fail(lot, entry, collides);
        return;
    }
    entry->past = past;
    compare(lot, entry, &found, mine);
}

struct digest run_past_fingerprint_of(struct digest recipe, struct digest record) {
    const struct digest parts[] = {recipe, record};
    return digest_of((struct str){(const char *)parts, sizeof parts});
}

bool run_past_fingerprint(const struct lot *lot, const struct entry *entry, const struct worker *worker,
                          struct digest *fingerprint) {
    if (!lot->job->past)
        return false;
    *fingerprint = run_past_fingerprint_of(
        lot->job->past->made_with,
        entry->past ? entry->past->record
                    : take_imprint(lot, entry, &lot->job->run->workers[worker->index], NULL));
    return true;
}
