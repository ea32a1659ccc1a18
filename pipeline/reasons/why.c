// SPDX-License-Identifier: MIT
#include "pipeline/reasons/why.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "pipeline/reasons/job_entry.h"
#include "pipeline/reasons/recipe.h"
#include "stages/record/item.h"

const char *const why_states[] = {
    [WHY_UNKNOWN] = "unknown",       [WHY_LEFT_OVER] = "left_over", [WHY_UNDECIDED] = "undecided",
    [WHY_UP_TO_DATE] = "up_to_date", [WHY_TO_DO] = "would_be_made", [WHY_FAILS] = "fails"};

static struct str keep(struct why *why, struct str text) {
    struct str kept = text.p ? arena_str(&why->arena, text) : text;
    if (text.p && !kept.p)
        mem_fail(text.n);
    return kept;
}

// What the list borrows goes with the run.
static size_t keep_explanation(struct why *why, const struct cause *cause, struct explained **list) {
    size_t n = explanation_of(cause, &why->arena, list);
    for (size_t i = 0; i < n; i++) {
        struct explained *item = &(*list)[i];
        item->name = keep(why, item->name);
        item->old_text = keep(why, item->old_text);
        item->new_text = keep(why, item->new_text);
    }
    return n;
}

// The dry run ---------------------------------------------------------------------------------------------------

struct asking {
    struct why *why;
    const struct run_observer *outer; // may be NULL
};

static void take(struct why *why, struct why_answer *a, const struct run_reason *reason) {
    static const enum why_state states[] = {
        [RUN_MADE] = WHY_TO_DO, [RUN_LEFT_ALONE] = WHY_UP_TO_DATE, [RUN_NOT_MADE] = WHY_FAILS};
    if (a->state != WHY_UNKNOWN && reason->fate == RUN_NOT_MADE) // another record has it
        return;
    a->state = states[reason->fate];
    a->job = keep(why, reason->job);
    a->source = keep(why, reason->source);
    a->origin = keep(why, reason->origin);
    a->key = keep(why, reason->key);
    a->stream = reason->stream;
    a->records = reason->records;
    a->line = reason->item ? reason->item->line : 0;
    a->record = reason->item ? reason->item->ordinal + 1 : 0;
    a->fault = reason->fault ? keep(why, reason->fault->message) : STR("");
    if (reason->fate == RUN_MADE)
        a->reasons_n = keep_explanation(why, &reason->cause, &a->reasons);
}

static void take_reason(void *self, const struct run_reason *reason) {
    struct why *why = ((struct asking *)self)->why;
    for (size_t i = 0; i < why->n; i++)
        if (str_equal(why->answers[i].path, reason->path))
            take(why, &why->answers[i], reason);
}

static void pass_note(void *self, const char *text) {
    const struct run_observer *outer = ((struct asking *)self)->outer;
    if (outer && outer->note)
        outer->note(outer->self, text);
}

static enum status decide(struct plan *plan, const struct run_options *options, struct why *why,
                          const struct str *paths, struct diags *diags, struct err *err) {
    struct asking asking = {.why = why, .outer = options->observer};
    const struct run_observer observer = {.self = &asking, .reason = take_reason, .note = pass_note};
    struct run_options dry = *options;
    dry.dry = dry.remember = true;
    dry.asked = paths;
    dry.asked_n = why->n;
    dry.observer = &observer;
    dry.session = NULL;
    dry.trace = NULL;
    return run_execute(plan, &dry, &why->report, diags, err);
}

// The journal ---------------------------------------------------------------------------------------------------

static void take_recipe(struct why *why, struct why_answer *a, const struct journal *journal,
                        const struct journal_entry *entry) {
    const struct journal_recipe *recipe = entry->recipe;
    const struct cause cause = {.why = entry->why,
                                .many = a->stream,
                                .before = recipe ? journal_recipe_before(journal, recipe) : NULL,
                                .now = recipe,
                                .record = value_missing()};
    a->past_n = keep_explanation(why, &cause, &a->past);
    if (!recipe)
        return;
    if (!a->job.n)
        a->job = keep(why, recipe->job);
    a->parts = ARENA_NEW_ARRAY(&why->arena, struct why_part, (size_t)recipe->parts_n + 1);
    a->fields = ARENA_NEW_ARRAY(&why->arena, struct str, (size_t)recipe->fields_n + 1);
    if (!a->parts || !a->fields)
        mem_fail(recipe->parts_n);
    for (uint32_t i = 0; i < recipe->parts_n; i++) {
        struct why_part *part = &a->parts[a->parts_n++];
        part->kind = explained_part(recipe->parts[i].name, &part->name);
        part->name = keep(why, part->name);
        part->text = keep(why, recipe->parts[i].text);
    }
    for (uint32_t i = 0; i < recipe->fields_n; i++)
        a->fields[a->fields_n++] = keep(why, recipe->fields[i]);
}

static uint32_t look_at_file(const struct fs *fs, int root, const struct journal_entry *entry) {
    char path[4096];
    struct stat st;
    int n = snprintf(path, sizeof path, "%.*s", STR_ARG(entry->path));
    if (n < 0 || (size_t)n >= sizeof path || fs->stat_beneath(fs->self, root, path, &st) < 0)
        return REASON_MISSING;
    const struct lane_stamp found = lane_stamp_of(&st);
    return found.size == entry->size && found.inode == entry->inode && found.mtime == entry->mtime
               ? 0
               : REASON_EDITED;
}

static void take_entry(struct why *why, struct why_answer *a, const struct fs *fs, int root,
                       struct journal_reader *reader) {
    struct journal_entry entry;
    struct err err;
    if (!journal_find(reader, a->path, &entry) || job_entry_is(&entry) ||
        emit_check_path(a->path, &err) != STATUS_OK)
        return;
    a->known = true;
    a->generation = entry.generation;
    a->written = entry.mtime;
    a->size = entry.size;
    a->file_is = look_at_file(fs, root, &entry);
    take_recipe(why, a, reader->journal, &entry);
    if (a->state == WHY_UNKNOWN)
        a->state = WHY_LEFT_OVER;
}

struct nearest {
    struct why *why;
    struct suggestion suggestion;
};

static bool offer(void *context, const struct journal_entry *entry) {
    struct nearest *nearest = context;
    if (job_entry_is(entry))
        return true;
    suggest_offer(&nearest->suggestion, entry->path);
    if (nearest->suggestion.best.p == entry->path.p)
        nearest->suggestion.best = keep(nearest->why, entry->path);
    return true;
}

static void find_nearest(struct why *why, struct why_answer *a, struct journal_reader *reader) {
    struct nearest nearest = {.why = why, .suggestion = suggest_for(a->path)};
    journal_each(reader, offer, &nearest);
    a->nearest = nearest.suggestion.best;
}

static bool has_failures(const struct run_report *report) {
    return report->counters.failed || report->jobs_failed || report->jobs_skipped;
}

// A journal that cannot be read has been noted by the run, and knows nothing.
static void read_journal(const struct run_options *options, const char *output, struct why *why) {
    const struct fs *fs = options->fs;
    struct journal *journal;
    struct journal_found found;
    struct err err;
    int root = fs->open(fs->self, AT_FDCWD, output, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const struct journal_options reading = {.fs = fs, .root = root < 0 ? -1 : root};
    if (journal_open(reading, &journal, &found, &err) == STATUS_OK) {
        struct journal_reader reader;
        journal_reader_init(&reader, journal);
        why->runs = journal_figures(journal).generation - 1;
        for (size_t i = 0; i < why->n; i++) {
            struct why_answer *a = &why->answers[i];
            take_entry(why, a, fs, root, &reader);
            if (a->state == WHY_UNKNOWN)
                find_nearest(why, a, &reader);
            if ((a->state == WHY_UNKNOWN || a->state == WHY_LEFT_OVER) && has_failures(&why->report))
                a->state = WHY_UNDECIDED;
        }
        journal_reader_release(&reader);
        journal_close(journal);
    }
    if (root >= 0)
        fs->close(fs->self, root);
}

enum status why_ask(struct plan *plan, const struct run_options *options, const struct str *paths, size_t n,
                    struct why *why, struct diags *diags, struct err *err) {
    *why = (struct why){.n = n};
    arena_init(&why->arena, 0);
    why->answers = ARENA_NEW_ARRAY(&why->arena, struct why_answer, n + 1);
    if (!why->answers)
        mem_fail(n);
    for (size_t i = 0; i < n; i++)
        why->answers[i].path = keep(why, paths[i]);
    enum status status = decide(plan, options, why, paths, diags, err);
    if (status == STATUS_OK)
        read_journal(options, options->output ? options->output : plan->manifest->output.p, why);
    return status;
}

void why_release(struct why *why) {
    arena_release(&why->arena);
}
