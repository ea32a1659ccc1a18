// SPDX-License-Identifier: MIT
#include "pipeline/review/staging_publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "pipeline/review/staging_journal.h"

#define PRUNE "prune"

// A generation in one of its directories, open.
struct work {
    struct staging_root at;
    const struct staging_how *how;
    struct moving moving;
    int generation;
    struct staging_outcome *outcome;
};

static void note(const struct staging_how *how, const char *text) {
    if (how->watcher && how->watcher->note)
        how->watcher->note(how->watcher->self, text);
}

static void tell_obstacle(const struct work *w, struct str path, enum staging_obstacle obstacle) {
    if (w->how->watcher && w->how->watcher->obstacle)
        w->how->watcher->obstacle(w->how->watcher->self, path, obstacle);
}

static void close_work(struct work *w) {
    const struct fs *fs = w->at.fs;
    if (w->moving.files >= 0)
        fs->close(fs->self, w->moving.files);
    if (w->generation >= 0)
        fs->close(fs->self, w->generation);
    w->moving.files = w->generation = -1;
}

// The facts' digest proves the list before anything is moved by it.
static enum status open_work(struct work *w, const char *directory, struct err *err) {
    const struct fs *fs = w->at.fs;
    struct stat st;
    w->moving = (struct moving){.fs = fs, .root = w->at.root, .files = -1};
    int result = w->generation = staging_open(w->at, directory);
    if (result >= 0)
        result = staging_get_facts(fs, w->generation, &w->outcome->facts);
    if (result == 0)
        result = w->moving.files =
            fs->open_beneath(fs->self, w->generation, STAGING_FILES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (result >= 0) {
        result = fs->stat_beneath(fs->self, w->generation, PRUNE, &st);
        w->moving.prune = result == 0;
    }
    if (result == 0 || result == -ENOENT)
        return STATUS_OK;
    close_work(w);
    char what[64];
    snprintf(what, sizeof what, "cannot open %s", directory);
    return staging_error(err, result, what);
}

static enum status rename_to(struct staging_root at, const char *from, const char *to, struct err *err) {
    int result = at.fs->rename(at.fs->self, at.root, from, at.root, to);
    return result < 0 ? err_os(err, -result, "cannot rename %s to %s", from, to) : STATUS_OK;
}

static enum status find_directory(struct staging_root at, const char *directory, bool *there,
                                  struct err *err) {
    struct stat st;
    int result = at.fs->stat_beneath(at.fs->self, at.root, directory, &st);
    *there = result == 0;
    return result == 0 || result == -ENOENT ? STATUS_OK
                                            : err_os(err, -result, "cannot look for %s", directory);
}

// Passes over the list -------------------------------------------------------------------------------------------

typedef enum status (*change_fn)(struct work *w, const struct staging_change *change, struct err *err);

static enum status each_change(struct work *w, change_fn fn, struct err *err) {
    struct staging_reader list;
    struct staging_change change;
    enum status status = staging_read(&list, w->at.fs, w->generation, &w->outcome->facts.list, err);
    int more = 0;
    while (status == STATUS_OK && (more = staging_next(&list, &change)) > 0)
        status = fn(w, &change, err);
    staging_read_end(&list);
    return more < 0 ? staging_error(err, more, "cannot read the list of changes") : status;
}

static enum status move_fault(struct err *err, const struct staging_change *change, int result,
                              const char *what) {
    char shown[EMIT_SHOWN_SIZE];
    return err_os(err, -result, "cannot %s %s", what, emit_show_path(change->path, shown));
}

static enum status look_at(struct work *w, const struct staging_change *change, struct err *err) {
    enum staging_obstacle obstacle;
    int result = staging_obstacle_of(&w->moving, change, &obstacle);
    if (result < 0)
        return move_fault(err, change, result, "look at");
    if (obstacle == STAGING_FREE || (w->how->force && staging_may_force(obstacle)))
        return STATUS_OK;
    w->outcome->obstacles++;
    tell_obstacle(w, change->path, obstacle);
    return STATUS_OK;
}

static void count(struct work *w, const struct staging_change *change, enum staging_done done) {
    uint64_t *counts[] = {&w->outcome->added, &w->outcome->changed, &w->outcome->removed};
    ++*(done == STAGING_KEPT ? &w->outcome->kept : counts[change->kind]);
}

static enum status move_in(struct work *w, const struct staging_change *change, struct err *err) {
    enum staging_done done;
    int result = staging_move_in(&w->moving, change, &done);
    if (result < 0)
        return move_fault(err, change, result, "publish");
    count(w, change, done);
    return STATUS_OK;
}

static enum status move_back(struct work *w, const struct staging_change *change, struct err *err) {
    enum staging_done done;
    if (change->kind == STAGING_REMOVED && !w->moving.prune) // it never went
        return STATUS_OK;
    int result = staging_move_back(&w->moving, change, &done);
    if (result < 0)
        return move_fault(err, change, result, "take back");
    count(w, change, done);
    if (done == STAGING_KEPT)
        tell_obstacle(w, change->path, STAGING_EDITED);
    return STATUS_OK;
}

// Publishing -----------------------------------------------------------------------------------------------------

typedef enum status (*books_fn)(const struct staging_books *books, struct staging_reader *list,
                                const struct moving *moving, struct err *err);

static enum status books_publish(const struct staging_books *books, struct staging_reader *list,
                                 const struct moving *moving, struct err *err) {
    return staging_books_publish(books, list, moving->prune, err);
}

static enum status books_restore(const struct staging_books *books, struct staging_reader *list,
                                 const struct moving *moving, struct err *err) {
    (void)moving;
    return staging_books_restore(books, list, err);
}

static enum status books_absorb(const struct staging_books *books, struct staging_reader *list,
                                const struct moving *moving, struct err *err) {
    (void)list, (void)moving;
    return staging_books_absorb(books, err);
}

static enum status open_books(const struct work *w, struct staging_books *books, struct err *err) {
    struct journal_found found;
    *books = (struct staging_books){.fs = w->at.fs,
                                    .journal = w->how->journal,
                                    .root = w->at.root,
                                    .generation = w->generation,
                                    .durable = w->how->durable,
                                    .salt = w->how->salt};
    if (books->journal)
        return STATUS_OK;
    return journal_open(
        (struct journal_options){.fs = w->at.fs, .root = w->at.root, .writable = true, .salt = w->how->salt},
        &books->journal, &found, err);
}

static enum status keep_books(struct work *w, books_fn fn, struct err *err) {
    struct staging_books books;
    struct staging_reader list;
    enum status status = open_books(w, &books, err);
    if (status != STATUS_OK)
        return status;
    status = staging_read(&list, w->at.fs, w->generation, NULL, err);
    if (status == STATUS_OK)
        status = fn(&books, &list, &w->moving, err);
    staging_read_end(&list);
    if (!w->how->journal)
        journal_close(books.journal);
    return status;
}

// What the journal does not learn costs making outputs again, so it is no reason to take back what is published.
static void keep_books_if_possible(struct work *w, books_fn fn) {
    struct err err;
    if (keep_books(w, fn, &err) == STATUS_OK)
        return;
    char text[sizeof err.text + 64];
    snprintf(text, sizeof text, "the next run makes these outputs again: %s", err.text);
    note(w->how, text);
}

// Some of it is published: all is swapped back, and waits again.
static enum status undo(struct work *w, struct err *err) {
    struct err second;
    struct staging_outcome before = *w->outcome;
    enum status status = each_change(w, move_back, &second);
    *w->outcome = (struct staging_outcome){.facts = before.facts};
    if (status == STATUS_OK)
        status = rename_to(w->at, STAGING_PUBLISHING, STAGING_STAGE, &second);
    size_t n = strlen(err->text);
    if (status == STATUS_OK)
        snprintf(err->text + n, sizeof err->text - n, "; nothing was published");
    else
        snprintf(err->text + n, sizeof err->text - n,
                 "; some outputs are published and some are not: \"pressrun publish\" goes on when that is "
                 "mended, \"pressrun rollback\" takes back");
    return err->status;
}

static enum status sync_all(const struct work *w, struct err *err) {
    int result = w->how->durable ? staging_sync(w->at) : 0;
    return result < 0 ? err_os(err, -result, "cannot bring the outputs to the disk") : STATUS_OK;
}

// Everything after the decision; begun anew after a kill.
static enum status finish_publishing(struct work *w, struct err *err) {
    if (open_work(w, STAGING_PUBLISHING, err) != STATUS_OK)
        return err->status;
    enum status status = each_change(w, move_in, err);
    if (status == STATUS_OK)
        status = sync_all(w, err);
    if (status != STATUS_OK)
        status = undo(w, err);
    else
        keep_books_if_possible(w, books_publish);
    close_work(w);
    if (status == STATUS_OK)
        status = staging_drop(w->at, STAGING_PREVIOUS, err);
    if (status == STATUS_OK)
        status = rename_to(w->at, STAGING_PUBLISHING, STAGING_PREVIOUS, err);
    return status == STATUS_OK ? sync_all(w, err) : status;
}

static int mark_prune(const struct work *w) {
    const struct fs *fs = w->at.fs;
    if (!w->how->prune) {
        int result = fs->unlink(fs->self, w->generation, PRUNE);
        return result == -ENOENT ? 0 : result;
    }
    int fd = fs->open_beneath(fs->self, w->generation, PRUNE, O_WRONLY | O_CREAT | O_NOFOLLOW, 0666);
    return fd < 0 ? fd : fs->close(fs->self, fd);
}

static enum status check_stage(struct staging_root at, struct staging_outcome *outcome, struct err *err) {
    enum staging_state state;
    if (staging_look(at, STAGING_STAGE, &state, &outcome->facts, err) != STATUS_OK)
        return err->status;
    if (state == STAGING_NONE)
        return err_set(err, STATUS_CONFLICT, "nothing is staged; \"pressrun run --stage\" does that");
    if (state == STAGING_INCOMPLETE)
        return err_set(
            err, STATUS_CONFLICT,
            "what is staged is incomplete, since the run did not come to its end; \"pressrun drop\" "
            "removes it, \"pressrun run --stage\" makes it again");
    return STATUS_OK;
}

enum status staging_publish(struct staging_root at, const struct staging_how *how,
                            struct staging_outcome *outcome, struct err *err) {
    *outcome = (struct staging_outcome){.kept = 0};
    struct work w = {.at = at, .how = how, .outcome = outcome};
    if (check_stage(at, outcome, err) != STATUS_OK || open_work(&w, STAGING_STAGE, err) != STATUS_OK)
        return err->status;
    enum status status = each_change(&w, look_at, err);
    if (status == STATUS_OK && outcome->obstacles > 0)
        status = err_set(err, STATUS_CONFLICT, "%llu output%s cannot be published, so nothing was",
                         (unsigned long long)outcome->obstacles, outcome->obstacles == 1 ? "" : "s");
    int result = status == STATUS_OK ? mark_prune(&w) : 0;
    if (result < 0)
        status = err_os(err, -result, "cannot write to %s", STAGING_STAGE);
    close_work(&w);
    if (status == STATUS_OK)
        status = sync_all(&w, err);
    if (status == STATUS_OK)
        status = rename_to(at, STAGING_STAGE, STAGING_PUBLISHING, err);
    return status == STATUS_OK ? finish_publishing(&w, err) : status;
}

// Back -----------------------------------------------------------------------------------------------------------

static enum status finish_rollback(struct work *w, struct err *err) {
    if (open_work(w, STAGING_ROLLBACK, err) != STATUS_OK)
        return err->status;
    enum status status = each_change(w, move_back, err);
    if (status == STATUS_OK)
        status = sync_all(w, err);
    if (status == STATUS_OK) // without it, what was pruned and is put back would be nobody's
        status = keep_books(w, books_restore, err);
    close_work(w);
    if (status == STATUS_OK)
        return staging_drop(w->at, STAGING_ROLLBACK, err);
    size_t n = strlen(err->text);
    snprintf(
        err->text + n, sizeof err->text - n,
        "; some outputs are taken back and some are not: \"pressrun rollback\" goes on when that is mended");
    return status;
}

// A publishing that was killed is taken back into the stage.
static enum status unpublish(struct work *w, struct err *err) {
    w->outcome->unfinished = true;
    if (open_work(w, STAGING_PUBLISHING, err) != STATUS_OK)
        return err->status;
    enum status status = each_change(w, move_back, err);
    close_work(w);
    return status == STATUS_OK ? rename_to(w->at, STAGING_PUBLISHING, STAGING_STAGE, err) : status;
}

enum status staging_rollback(struct staging_root at, const struct staging_how *how,
                             struct staging_outcome *outcome, struct err *err) {
    *outcome = (struct staging_outcome){.kept = 0};
    struct work w = {.at = at, .how = how, .outcome = outcome};
    bool publishing, rolling, previous;
    int result = staging_remove_tree(at.fs, at.root, STAGING_DROPPED);
    if (result < 0)
        return err_os(err, -result, "cannot remove %s", STAGING_DROPPED);
    if (find_directory(at, STAGING_PUBLISHING, &publishing, err) != STATUS_OK ||
        find_directory(at, STAGING_ROLLBACK, &rolling, err) != STATUS_OK ||
        find_directory(at, STAGING_PREVIOUS, &previous, err) != STATUS_OK)
        return err->status;
    if (publishing)
        return unpublish(&w, err);
    if (!rolling) {
        if (!previous)
            return err_set(err, STATUS_CONFLICT,
                           "there is nothing to go back to: what was there before is kept only by \"pressrun "
                           "publish\" and by runs with bounds, for one generation");
        if (rename_to(at, STAGING_PREVIOUS, STAGING_ROLLBACK, err) != STATUS_OK)
            return err->status;
    }
    return finish_rollback(&w, err);
}

void staging_absorb(struct staging_root at, const struct staging_how *how) {
    struct staging_outcome outcome = {.kept = 0};
    struct work w = {.at = at, .how = how, .outcome = &outcome};
    struct err err;
    if (open_work(&w, STAGING_STAGE, &err) != STATUS_OK) {
        note(how, err.text);
        return;
    }
    keep_books_if_possible(&w, books_absorb);
    close_work(&w);
}

enum status staging_settle(struct staging_root at, const struct staging_how *how, struct err *err) {
    struct staging_outcome outcome = {.kept = 0};
    struct work w = {.at = at, .how = how, .outcome = &outcome};
    int result = staging_remove_tree(at.fs, at.root, STAGING_DROPPED);
    if (result < 0)
        return err_os(err, -result, "cannot remove %s", STAGING_DROPPED);
    bool publishing, rolling;
    if (find_directory(at, STAGING_PUBLISHING, &publishing, err) != STATUS_OK ||
        find_directory(at, STAGING_ROLLBACK, &rolling, err) != STATUS_OK)
        return err->status;
    if (rolling) {
        note(how, "a rollback was killed: going on with it");
        if (finish_rollback(&w, err) != STATUS_OK)
            return err->status;
    }
    if (!publishing)
        return STATUS_OK;
    note(how, "publishing was killed: going on with it");
    return finish_publishing(&w, err);
}

int staging_measure(struct staging_root at, const char *directory, uint64_t *bytes) {
    struct staging_reader list;
    struct staging_change change;
    struct staging_file file;
    struct stat st;
    struct err err;
    int files = -1, generation = staging_open(at, directory);
    *bytes = 0;
    int more = generation;
    if (generation >= 0)
        more = files = at.fs->open_beneath(at.fs->self, generation, STAGING_FILES,
                                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (files >= 0 && staging_read(&list, at.fs, generation, NULL, &err) == STATUS_OK) {
        while ((more = staging_next(&list, &change)) > 0)
            if (staging_see_file(at.fs, files, change.path.p, &file, &st) == 0)
                *bytes += file.size;
        staging_read_end(&list);
    }
    if (files >= 0)
        at.fs->close(at.fs->self, files);
    if (generation >= 0)
        at.fs->close(at.fs->self, generation);
    return more < 0 ? more : 0;
}
