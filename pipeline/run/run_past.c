// SPDX-License-Identifier: MIT
#include "pipeline/run/run_past.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/mem.h"
#include "pipeline/reasons/values.h"
#include "pipeline/run/run_private.h"

#define JOB_ENTRY     ".pressrun/job/"
#define NOTHING_READ  "nothing is known of earlier runs"
#define NOTHING_KNOWN "nothing is known of earlier runs, and this one will not be remembered"

enum { PATH_SIZE = 4096 };

// The end and the beginning -------------------------------------------------------------------------------------

static void note_found(const struct run *run, const struct journal_found *found) {
    char text[256];
    if (found->set_aside && found->version)
        snprintf(text, sizeof text,
                 "the journal is of another version (%u): it is now %s, and everything is made again",
                 found->version, JOURNAL_OLD_FILE);
    else if (found->set_aside)
        snprintf(text, sizeof text, "%s is no journal: it is now %s, and everything is made again",
                 JOURNAL_FILE, JOURNAL_OLD_FILE);
    else if (found->damaged)
        snprintf(text, sizeof text,
                 "the journal is damaged in %" PRIu64 " place%s: the outputs concerned are made again",
                 found->damaged, found->damaged == 1 ? "" : "s");
    else
        return;
    run_note(run, text);
}

static void note_error(const struct run *run, const char *what, const struct err *err) {
    char text[sizeof err->text + 128];
    snprintf(text, sizeof text, "%s: %s", what, err->text);
    run_note(run, text);
}

static uint64_t draw_salt(const struct run *run) {
    uint64_t salt;
    if (getrandom(&salt, sizeof salt, GRND_NONBLOCK) != sizeof salt)
        salt = run_now(run) ^ (uint64_t)run->options->clock.wall(run->options->clock.self);
    return salt;
}

static bool goes_to_stdout(const struct job_run *job) {
    return job->job->stream.p && str_is(job->job->stream, "-");
}

static struct str job_path(const struct job_run *job, char path[PATH_SIZE]) {
    struct str name = job->job->job->name;
    int n = snprintf(path, PATH_SIZE, JOB_ENTRY "%.*s", STR_ARG(name));
    return (struct str){path, n < PATH_SIZE ? (size_t)n : PATH_SIZE - 1};
}

void run_past_forget_job(const struct job_run *job, struct journal_batch *batch) {
    const struct past *past = job->run->past;
    char path[PATH_SIZE];
    const struct journal_entry nothing = {
        .path = job_path(job, path), .recipe = job->past->noted, .fields_n = job->past->noted->fields_n};
    if (past->notes == past->journal)
        journal_batch_remove(batch, past->notes, nothing.path);
    else
        journal_batch_add(batch, past->notes, &nothing, past->no_fields);
}

static void look_for_job(struct run *run, struct job_run *job, struct journal_reader *reader) {
    struct job_past *past = job->past;
    struct journal_entry entry;
    char path[PATH_SIZE];
    past->has_entry = journal_find(reader, job_path(job, path), &entry);
    if (job->job->stream.p && !goes_to_stdout(job)) {
        run_why_look_at_stream(job, reader, past->has_entry ? &entry : NULL);
        if (past->has_entry && !journal_find(reader, job_path(job, path), &entry))
            past->has_entry = false;
    }
    past->trusted = run->options->trust && past->has_entry;
    if (!past->has_entry || entry.recipe != past->recipe || entry.left || !past->looks)
        return;
    past->source = (struct source_sum){.all = entry.raw, .first = entry.record};
    past->output = entry.output;
    past->outputs = entry.size;
    past->excluded = entry.inode;
    past->settled = !goes_to_stdout(job) && !run->options->retry &&
                    run_lengths_are_kept(job); // until something speaks against it
}

// The journal's; a dry run takes the job's own where the journal has none.
static enum status take_recipe(struct run *run, const struct journal_recipe *recipe, struct job_past *past,
                               struct err *err) {
    if (!run->options->dry) {
        enum status status = journal_recipe(run->past->journal, recipe, &past->recipe, err);
        return status == STATUS_OK ? journal_recipe(run->past->notes, recipe, &past->noted, err) : status;
    }
    past->recipe = journal_find_recipe(run->past->journal, recipe);
    struct journal_recipe *own = past->recipe ? NULL : ARENA_NEW(&run->past->arena, struct journal_recipe);
    if (own) {
        *own = *recipe;
        past->recipe = own;
    }
    past->noted = past->recipe;
    return past->recipe ? STATUS_OK : err_set(err, STATUS_LIMIT, "out of memory");
}

static bool prepare_jobs(struct run *run, struct journal_reader *reader) {
    struct past *past = run->past;
    uint32_t most_fields = 0;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        struct job_run *job = &run->jobs[j];
        struct err err;
        job->past = &past->jobs[j];
        job->past->imprint = imprint_new(fields_projection(job->job->fields));
        const struct journal_recipe recipe =
            recipe_of(run->plan, job->job, job->past->imprint, run->options->now, &past->arena);
        job->past->made_with = recipe_digest(&recipe);
        most_fields = recipe.fields_n > most_fields ? recipe.fields_n : most_fields;
        job->past->looks = !run->options->force && !job->partial;
        if (take_recipe(run, &recipe, job->past, &err) == STATUS_OK) {
            look_for_job(run, job, reader);
            continue;
        }
        note_error(run, NOTHING_KNOWN, &err);
        return false;
    }
    past->no_fields = MEM_NEW_ARRAY(uint64_t, most_fields + 1);
    return true;
}

static enum status open_stage_notes(struct run *run, uint64_t salt, struct err *err) {
    const struct journal_options options = {
        .fs = run->options->fs, .root = run->stage, .writable = true, .salt = salt};
    struct journal_found found;
    return journal_open(options, &run->past->notes, &found, err);
}

// A dry run goes on without a journal that cannot be read, as a run would with a new one.
static struct journal *open_journal(struct run *run) {
    struct journal_options options = {
        .fs = run->options->fs, .root = run->root, .writable = !run->options->dry, .salt = draw_salt(run)};
    struct journal *journal;
    struct journal_found found = {0};
    struct err err;
    enum status status = journal_open(options, &journal, &found, &err);
    if (status != STATUS_OK)
        note_error(run, run->options->dry ? NOTHING_READ : NOTHING_KNOWN, &err);
    else
        note_found(run, &found);
    options.root = -1;
    if (status != STATUS_OK && run->options->dry)
        status = journal_open(options, &journal, &found, &err);
    return status == STATUS_OK ? journal : NULL;
}

void run_past_open(struct run *run) {
    struct journal *journal = open_journal(run);
    struct err err;
    if (!journal)
        return;
    const uint32_t generation = journal_figures(journal).generation;
    run->past = MEM_NEW(struct past);
    run->past->journal = run->past->notes = journal;
    if (run->stage >= 0 && open_stage_notes(run, draw_salt(run), &err) != STATUS_OK) {
        note_error(run, NOTHING_KNOWN, &err);
        journal_close(journal);
        mem_free(run->past);
        run->past = NULL;
        return;
    }
    run->past->writable = !run->options->dry;
    run->past->generation = generation;
    run->past->jobs = MEM_NEW_ARRAY(struct job_past, run->plan->manifest->jobs_n + 1);
    arena_init(&run->past->arena, 0);
    for (size_t p = 0; p < run->plan->passes_n; p++)
        run->passes[p].imprint = imprint_new(run->passes[p].pass->projection);
    for (uint32_t w = 0; w < run->options->workers; w++)
        journal_reader_init(&run->workers[w].past, journal);
    if (prepare_jobs(run, &run->workers[0].past))
        run_why_begin(run);
    else
        run_past_release(run);
}

void run_past_release(struct run *run) {
    struct past *past = run->past;
    if (!past)
        return;
    for (uint32_t w = 0; w < run->options->workers; w++) {
        journal_reader_release(&run->workers[w].past);
        buf_release(&run->workers[w].scratch);
        mem_free(run->workers[w].hashes);
    }
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        imprint_free(past->jobs[j].imprint);
        run->jobs[j].past = NULL;
    }
    values_free(past->values);
    values_free(past->fresh);
    mem_free(past->jobs);
    mem_free(past->no_fields);
    arena_release(&past->arena);
    if (past->notes != past->journal)
        journal_close(past->notes);
    journal_close(past->journal);
    mem_free(past);
    run->past = NULL;
}

// Looking -----------------------------------------------------------------------------------------------------

static bool same_stamp(const struct lane_stamp *a, const struct lane_stamp *b) {
    return a->size == b->size && a->inode == b->inode && a->mtime == b->mtime && a->mtime != 0;
}

bool run_past_is_left(const struct run *run, struct str path, const struct lane_stamp *stamp, uint32_t *why) {
    char name[PATH_SIZE];
    struct stat st;
    if (path.n >= sizeof name)
        return false;
    memcpy(name, path.p, path.n);
    name[path.n] = 0;
    if (run->options->fs->stat_at(run->options->fs->self, run->root, name, &st) < 0) {
        *why |= REASON_MISSING;
        return false;
    }
    const struct lane_stamp found = lane_stamp_of(&st);
    if (S_ISREG(st.st_mode) && same_stamp(&found, stamp))
        return true;
    *why |= REASON_EDITED;
    return false;
}

static struct lane_stamp stamp_of(const struct journal_entry *entry) {
    return (struct lane_stamp){.size = entry->size, .inode = entry->inode, .mtime = entry->mtime};
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
    past->stamp = stamp_of(entry);
}

static bool find_raw(struct flight *flight, const struct job_run *job, struct journal_reader *reader,
                     struct digest raw, struct known *known) {
    struct journal_entry entry;
    uint32_t why = 0;
    if (!journal_find_raw(reader, job->job->job->name, raw, &entry) || entry.recipe != job->past->recipe ||
        entry.left)
        return false;
    const struct lane_stamp stamp = stamp_of(&entry);
    if (!job->past->trusted && !run_past_is_left(job->run, entry.path, &stamp, &why))
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
    flight->known = arena_zero(&flight->past, sizeof *flight->known * batch->items_n * pass->jobs_n);
    if (!flight->raws || !flight->known)
        mem_fail(sizeof *flight->known * batch->items_n * pass->jobs_n);
    for (size_t k = 0; k < batch->items_n; k++) {
        struct item *item = &batch->items[k];
        size_t known = 0;
        if (!load_raw_digest(pass->loader, item, &flight->raws[k]))
            continue;
        for (size_t i = 0; i < pass->jobs_n; i++) {
            const struct job_run *job = &run->jobs[pass->jobs[i]];
            known +=
                looks_at_records(job) && find_raw(flight, job, &run->workers[worker->index].past,
                                                  flight->raws[k], &flight->known[i * batch->items_n + k]);
        }
        item->unwanted = known == pass->jobs_n;
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
    if (!lot->job->past->trusted && !run_past_is_left(run, entry->path, &past->stamp, &past->why))
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
        run_past_is_left(job->run, entry->path, &past->stamp, &past->why);
    if ((past->why & (REASON_RECORD | REASON_FIELDS)) && run_why_is_asked(job->run))
        past->fields_before = fields_of(&lot->arena, found);
}

void run_past_look(struct lot *lot, struct entry *entry, struct worker *worker) {
    struct worker_run *mine = &lot->job->run->workers[worker->index];
    struct entry_past *past = ARENA_NEW(&lot->arena, struct entry_past);
    struct journal_entry found;
    if (!past)
        return;
    if (entry->item && lot->flight->raws)
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

// Remembering --------------------------------------------------------------------------------------------------

static void remember(struct lot *lot, const struct entry *entry, const struct lane_stamp *stamp) {
    const struct past *past = lot->job->run->past;
    if (!past->writable)
        return;
    const struct entry_past *made = entry->past;
    const struct journal_entry kept = {.path = entry->path,
                                       .recipe = lot->job->past->noted,
                                       .raw = made->raw,
                                       .record = made->record,
                                       .output = entry->digest,
                                       .size = stamp->size,
                                       .inode = stamp->inode,
                                       .mtime = stamp->mtime,
                                       .why = made->why,
                                       .fields_n = lot->job->past->noted->fields_n};
    journal_batch_add(&lot->remembered, past->notes, &kept, made->fields);
    if (made->found && past->notes != past->journal) // it belongs, which an entry in the journal would say
        journal_see(past->journal, made->number);
}

void run_past_remember(struct lot *lot, const struct lane_result *result) {
    struct job_run *job = lot->job;
    struct past *past = job->run->past;
    size_t output = 0;
    struct err err;
    for (size_t i = 0; i < lot->entries_n; i++) {
        const struct entry *entry = &lot->entries[i];
        const struct lane_stamp none = {0};
        const struct lane_stamp *stamp =
            entry->emitted && output < result->stamps_n ? &result->stamps[output] : &none;
        output += entry->emitted;
        job->newest = stamp->mtime > job->newest ? stamp->mtime : job->newest;
        if (entry->state == ENTRY_FAILED && !entry->path.p)
            atomic_store(&job->run->loses_sight, true);
        if (!entry->past)
            continue;
        if (entry->state == ENTRY_UP_TO_DATE && entry->past->moved && past->writable)
            remember(lot, entry, &entry->past->stamp);
        else if (entry->state == ENTRY_PENDING && stamp->mtime)
            remember(lot, entry, stamp);
        else if (entry->past->found && entry->state != ENTRY_EXCLUDED)
            journal_see(past->journal, entry->past->number);
    }
    if (lot->remembered.entries && past->writable &&
        journal_append(past->notes, &lot->remembered, false, &err) != STATUS_OK)
        run_past_give_up(job->run, &err);
}

void run_past_give_up(struct run *run, const struct err *err) {
    pthread_mutex_lock(&run->lock);
    const bool first = run->past->writable;
    run->past->writable = false;
    pthread_mutex_unlock(&run->lock);
    if (first)
        note_error(run, "not all that is made is remembered", err);
}

// What is done is done ------------------------------------------------------------------------------------------

static void add_job(struct run *run, const struct job_run *job, struct journal_batch *batch) {
    char path[PATH_SIZE];
    const struct pass_run *pass = &run->passes[job->job->pass];
    const struct journal_entry kept = {.path = job_path(job, path),
                                       .recipe = job->past->noted,
                                       .raw = pass->sum.all,
                                       .record = pass->sum.first,
                                       .output = job->digest,
                                       .size = job->outputs + job->counters.up_to_date,
                                       .inode = job->counters.excluded,
                                       .fields_n = job->past->noted->fields_n};
    journal_batch_add(batch, run->past->notes, &kept, run->past->no_fields);
}

// The file that a job's outputs went into, as it is now.
static void add_stream(struct run *run, struct job_run *job, struct journal_batch *batch) {
    const struct fs *fs = run->options->fs;
    struct stat st;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.*s", STR_ARG(job->job->stream));
    if (run->stage_files < 0 ||
        fs->stat_at(fs->self, run->stage_files, path, &st) < 0) // unchanged, it is not staged
        if (fs->stat_at(fs->self, run->root, path, &st) < 0 || !S_ISREG(st.st_mode))
            return;
    const struct lane_stamp stamp = lane_stamp_of(&st);
    job->newest = stamp.mtime > job->newest ? stamp.mtime : job->newest;
    const struct journal_entry kept = {.path = job->job->stream,
                                       .recipe = job->past->noted,
                                       .output = job->digest,
                                       .size = stamp.size,
                                       .inode = stamp.inode,
                                       .mtime = stamp.mtime,
                                       .why = run_why_of_stream(job),
                                       .fields_n = job->past->noted->fields_n};
    journal_batch_add(batch, run->past->notes, &kept, run->past->no_fields);
    struct journal_entry before;
    if (run->past->notes != run->past->journal &&
        journal_find(&run->workers[0].past, job->job->stream, &before)) // it belongs
        journal_see(run->past->journal, before.number);
}

static bool shares_stream(const struct run *run, const struct job_run *job) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        const struct job_run *other = &run->jobs[j];
        if (other != job && other->job->stream.p && !other->past->settled &&
            str_equal(other->job->stream, job->job->stream))
            return true;
    }
    return false;
}

static void add_done(struct run *run, struct job_run *job, struct journal_batch *batch) {
    const struct pass_run *pass = &run->passes[job->job->pass];
    const bool done = graph_state(run->graph, job->emit_node) == NODE_DONE;
    const bool to_file = job->job->stream.p && !goes_to_stdout(job);
    if (!done || goes_to_stdout(job))
        return;
    if (to_file && (!job->past->settled || shares_stream(run, job)))
        add_stream(run, job, batch);
    if (!job->past->settled && !job->lacking && !run->options->retry && pass->source_known)
        add_job(run, job, batch);
}

static void append_done(struct run *run) {
    struct journal_batch batch = {0};
    struct err err;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        add_done(run, &run->jobs[j], &batch);
    if (batch.entries && journal_append(run->past->notes, &batch, run->options->durable, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    journal_batch_release(&batch);
}

// A change within the tick of the file system's clock that an output was written in would not show in its time.
static void let_tick_pass(const struct run *run) {
    int64_t newest = 0;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        newest = run->jobs[j].newest > newest ? run->jobs[j].newest : newest;
    clock_wait_past(newest);
}

// What could not be read was taken for unknown.
static void tell_unread(const struct run *run) {
    struct err err;
    for (uint32_t w = 0; w < run->options->workers; w++)
        if (run->workers[w].past.os) {
            err_os(&err, run->workers[w].past.os, "cannot read %s", JOURNAL_FILE);
            note_error(run, "not all that is remembered could be read", &err);
            return;
        }
}

void run_past_end(struct run *run, bool complete) {
    if (!run->past)
        return;
    if (run->options->dry && !run->options->asked_n)
        run_prune(run, complete);
    if (run->past->writable) {
        append_done(run);
        run_why_end(run);
        if (run->past->notes == run->past->journal)
            run_past_close(run, complete);
    }
    tell_unread(run);
    let_tick_pass(run); // what was remembered before that failed counts, too
}

struct leaving {
    struct run *run;
    run_past_left_fn fn;
    void *context;
};

static bool look_at_left(void *context, const struct journal_entry *entry) {
    const struct leaving *leaving = context;
    struct run *run = leaving->run;
    const struct lane_stamp stamp = stamp_of(entry);
    uint32_t why = 0;
    struct err err;
    if (!journal_is_seen(run->past->journal, entry->number) && stamp.mtime &&
        recipe_is_of(entry->recipe, run->plan->manifest) && emit_check_path(entry->path, &err) == STATUS_OK &&
        run_past_is_left(run, entry->path, &stamp, &why))
        leaving->fn(leaving->context, entry->path);
    return true;
}

void run_past_each_left(struct run *run, run_past_left_fn fn, void *context) {
    struct leaving leaving = {.run = run, .fn = fn, .context = context};
    if (run->past && run->past->writable && !run->loses_sight)
        journal_each(&run->workers[0].past, look_at_left, &leaving);
}

void run_past_close(struct run *run, bool complete) {
    struct past *past = run->past;
    struct err err;
    const int64_t now = run->options->clock.wall(run->options->clock.self);
    if (past->writable &&
        journal_end_run(past->journal, complete && !run->loses_sight, now, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    if (past->writable) // else what belongs again could not be said
        run_prune(run, complete);
    // When all that belongs was seen or made, what was lost to damage is known again.
    const bool mended = complete && !run->loses_sight && journal_figures(past->journal).damaged > 0;
    if (past->writable && (mended || journal_is_redundant(past->journal)) &&
        journal_compact(past->journal, &err) != STATUS_OK)
        note_error(run, "the journal keeps what is outdated", &err);
}
