// SPDX-License-Identifier: MIT
#include "pipeline/review/staging_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "cache/lengths.h"
#include "pipeline/reasons/job_entry.h"
#include "stages/emit/emit.h"

#define REPLACED "replaced"

enum { BATCH_BYTES = 256 << 10 };

// Entries on their way from one journal into another.
struct transfer {
    struct journal *to;
    struct journal_batch batch;
    const struct journal_recipe *from_recipe, *to_recipe; // the last one that was passed on
    uint64_t *fields;
    size_t fields_cap;
    bool durable;
    struct err *err;
    enum status status;
};

static void append(struct transfer *t) {
    if (t->status == STATUS_OK && t->batch.bytes.n > 0)
        t->status = journal_append(t->to, &t->batch, t->durable, t->err);
}

static void append_full(struct transfer *t) {
    if (t->batch.bytes.n >= BATCH_BYTES)
        append(t);
}

static void pass_recipe(struct transfer *t, const struct journal_recipe *recipe) {
    if (recipe == t->from_recipe)
        return;
    append(t); // of those with the recipe before
    if (t->status == STATUS_OK)
        t->status = journal_recipe(t->to, recipe, &t->to_recipe, t->err);
    t->from_recipe = recipe;
}

static bool pass_entry(void *context, const struct journal_entry *entry) {
    struct transfer *t = context;
    if (!entry->recipe) // lost to damage: the output is made again
        return true;
    if (job_entry_is(entry) && job_entry_is_undone(entry)) {
        journal_batch_remove(&t->batch, t->to, entry->path);
        return true;
    }
    pass_recipe(t, entry->recipe);
    if (t->status != STATUS_OK)
        return false;
    MEM_GROW(t->fields, t->fields_cap, entry->fields_n + 1);
    for (uint32_t i = 0; i < entry->fields_n; i++)
        t->fields[i] = journal_entry_field(entry, i);
    struct journal_entry copy = *entry;
    copy.recipe = t->to_recipe;
    journal_batch_add(&t->batch, t->to, &copy, t->fields);
    append_full(t);
    return t->status == STATUS_OK;
}

static enum status end_transfer(struct transfer *t) {
    append(t);
    journal_batch_release(&t->batch);
    mem_free(t->fields);
    return t->status;
}

static enum status open_journal(const struct staging_books *books, int root, bool writable,
                                struct journal **journal, struct err *err) {
    struct journal_found found;
    return journal_open((struct journal_options){.fs = books->fs, .root = root, .writable = writable},
                        journal, &found, err);
}

static enum status read_fault(int result, struct err *err) {
    return result < 0 ? err_os(err, -result, "cannot read the list of changes") : STATUS_OK;
}

// What the journal says of outputs as they were before; once they are published it says something else.
static enum status keep_entries(const struct staging_books *books, struct staging_reader *list,
                                struct journal *kept, struct err *err) {
    struct transfer t = {.to = kept, .durable = books->durable, .err = err};
    struct journal_reader reader;
    struct staging_change change;
    struct journal_entry entry;
    int more = 0;
    journal_reader_init(&reader, books->journal);
    while (t.status == STATUS_OK && (more = staging_next(list, &change)) > 0) {
        if (change.kind == STAGING_ADDED || !journal_find(&reader, change.path, &entry))
            continue;
        const struct staging_file noted = {entry.size, entry.inode, entry.mtime};
        if (staging_same_file(noted, change.old))
            pass_entry(&t, &entry);
    }
    int os = reader.os;
    journal_reader_release(&reader);
    enum status status = end_transfer(&t);
    if (status == STATUS_OK && os)
        status = err_os(err, os, "cannot read the journal");
    return status == STATUS_OK ? read_fault(more, err) : status;
}

static enum status keep_replaced(const struct staging_books *books, struct staging_reader *list,
                                 struct err *err) {
    const struct fs *fs = books->fs;
    struct journal *kept;
    int result = fs_make_dirs(fs, books->generation, REPLACED "/" EMIT_BOOKS, 0777);
    int root = result < 0 ? result
                          : fs->open_beneath(fs->self, books->generation, REPLACED,
                                             O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (root < 0)
        return err_os(err, -root, "cannot keep what the journal says of replaced outputs");
    enum status status = open_journal(books, root, true, &kept, err);
    if (status == STATUS_OK) {
        status = keep_entries(books, list, kept, err);
        journal_close(kept);
    }
    fs->close(fs->self, root);
    return status;
}

// All entries of another journal, which may not be there.
static enum status each_entry(const struct staging_books *books, int root, journal_entry_fn fn,
                              struct transfer *t) {
    struct journal *from;
    struct journal_reader reader;
    if (open_journal(books, root, false, &from, t->err) != STATUS_OK)
        return t->err->status;
    journal_reader_init(&reader, from);
    journal_each(&reader, fn, t);
    int os = reader.os;
    journal_reader_release(&reader);
    enum status status = end_transfer(t);
    if (status == STATUS_OK && os)
        status = err_os(t->err, os, "cannot read the journal of what is staged");
    journal_close(from);
    return status;
}

static enum status pass_all(const struct staging_books *books, int root, struct err *err) {
    struct transfer t = {.to = books->journal, .durable = books->durable, .err = err};
    return each_entry(books, root, pass_entry, &t);
}

// Entries of outputs that are there no more.
static enum status forget_entries(const struct staging_books *books, struct staging_reader *list,
                                  enum staging_kind kind, struct err *err) {
    struct transfer t = {.to = books->journal, .durable = books->durable, .err = err};
    struct staging_change change;
    struct staging_file now;
    struct stat st;
    int more = 0;
    while (t.status == STATUS_OK && (more = staging_next(list, &change)) > 0)
        if (change.kind == kind && staging_see_file(books->fs, books->root, change.path.p, &now, &st) == 0 &&
            !now.inode) {
            journal_batch_remove(&t.batch, t.to, change.path);
            append_full(&t);
        }
    enum status status = end_transfer(&t);
    return status == STATUS_OK ? read_fault(more, err) : status;
}

// What is kept of streams (cache/lengths.h) goes to its place when they have gone to theirs.
struct lengths_move {
    const struct staging_books *books;
    int result;
};

static bool move_length(void *context, const char *name, enum fs_entry kind) {
    struct lengths_move *m = context;
    const struct fs *fs = m->books->fs;
    char path[LENGTHS_NAME_SIZE + 64];
    int n = snprintf(path, sizeof path, LENGTHS_DIRECTORY "/%s", name);
    if (kind == FS_FILE && n > 0 && (size_t)n < sizeof path)
        m->result = fs->rename(fs->self, m->books->generation, path, m->books->root, path);
    return m->result == 0;
}

static enum status move_lengths(const struct staging_books *books, struct err *err) {
    const struct fs *fs = books->fs;
    struct lengths_move m = {.books = books};
    struct stat st;
    int result = fs->stat_beneath(fs->self, books->generation, LENGTHS_DIRECTORY, &st);
    if (result == -ENOENT)
        return STATUS_OK;
    if (result == 0)
        result = fs_make_dirs(fs, books->root, LENGTHS_DIRECTORY, 0777);
    if (result == 0)
        result = fs->list(fs->self, books->generation, LENGTHS_DIRECTORY, move_length, &m);
    result = result < 0 ? result : m.result;
    return result < 0 ? err_os(err, -result, "cannot keep what is known of streams") : STATUS_OK;
}

// Of those that are as they were before, nothing is known.
static enum status forget_lengths(const struct staging_books *books, struct staging_reader *list,
                                  struct err *err) {
    struct staging_change change;
    struct stat st;
    int more = 0, result = books->fs->stat_beneath(books->fs->self, books->root, LENGTHS_DIRECTORY, &st);
    if (result == -ENOENT)
        return STATUS_OK;
    while (result == 0 && (more = staging_next(list, &change)) > 0)
        result = lengths_forget(books->fs, books->root, change.path);
    result = result < 0 ? result : more;
    return result < 0 ? err_os(err, -result, "cannot forget what is known of streams") : STATUS_OK;
}

static enum status again(struct staging_reader *list, const struct staging_books *books, struct err *err) {
    staging_read_end(list);
    return staging_read(list, books->fs, books->generation, NULL, err);
}

enum status staging_books_publish(const struct staging_books *books, struct staging_reader *list, bool prune,
                                  struct err *err) {
    enum status status = keep_replaced(books, list, err);
    if (status == STATUS_OK)
        status = move_lengths(books, err);
    if (status == STATUS_OK)
        status = pass_all(books, books->generation, err);
    if (status == STATUS_OK && prune)
        status = again(list, books, err);
    if (status == STATUS_OK && prune)
        status = forget_entries(books, list, STAGING_REMOVED, err);
    return status;
}

enum status staging_books_absorb(const struct staging_books *books, struct err *err) {
    return move_lengths(books, err) == STATUS_OK ? pass_all(books, books->generation, err) : err->status;
}

// Entries that are not of outputs, but of jobs, say that all is done; after a rollback it is not.
static bool forget_job(void *context, const struct journal_entry *entry) {
    struct transfer *t = context;
    if (job_entry_is(entry))
        journal_batch_remove(&t->batch, t->to, entry->path);
    return true;
}

static enum status forget_jobs(const struct staging_books *books, struct err *err) {
    struct transfer t = {.to = books->journal, .durable = books->durable, .err = err};
    return each_entry(books, books->generation, forget_job, &t);
}

enum status staging_books_restore(const struct staging_books *books, struct staging_reader *list,
                                  struct err *err) {
    const struct fs *fs = books->fs;
    int root =
        fs->open_beneath(fs->self, books->generation, REPLACED, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (root < 0 && root != -ENOENT)
        return err_os(err, -root, "cannot read what the journal said of replaced outputs");
    enum status status = forget_lengths(books, list, err);
    if (status == STATUS_OK)
        status = again(list, books, err);
    if (status == STATUS_OK)
        status = forget_jobs(books, err);
    if (status == STATUS_OK && root >= 0)
        status = pass_all(books, root, err);
    if (root >= 0)
        fs->close(fs->self, root);
    return status == STATUS_OK ? forget_entries(books, list, STAGING_ADDED, err) : status;
}
