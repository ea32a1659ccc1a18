// SPDX-License-Identifier: MIT
/*
 * Outputs of earlier runs that no longer belong: told by every run that is complete, removed where that is asked for.
 * Only what a run of this manifest has made, and what nobody has changed since: before a file goes it is read, and must
 * have the bytes that were written; a stream or a table must have the size, time and inode that it was left with.
 * Directories that are left empty by it go with it.
 */
#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "pipeline/run/run_private.h"
#include "pipeline/verify/verify_output.h"

enum { SHOWN = 5 };

struct pruning {
    struct run *run;
    struct journal_batch gone;
    struct buf shown;
    uint64_t kept, edited, failed;
    struct readback *readback; // made when first needed
};

// Of a stream or a table there is no more than the look at it, which found it untouched or did not.
static bool has_its_bytes(struct pruning *p, const struct journal_entry *entry, bool untouched) {
    const struct digest none = {0, 0};
    struct verified verified;
    if (digest_equal(entry->record, none))
        return untouched;
    if (!p->readback)
        p->readback = readback_new(p->run->options->fs, p->run->root);
    verify_file(p->readback, entry, &verified);
    return verified.state == VERIFY_VERIFIED;
}

static bool remove_file(struct pruning *p, const char *path) {
    const struct fs *fs = p->run->options->fs;
    int result = fs->unlink(fs->self, p->run->root, path);
    return result == 0 || result == -ENOENT;
}

// Those above a file, as long as they are empty.
static void remove_directories(const struct pruning *p, char *path) {
    const struct fs *fs = p->run->options->fs;
    for (char *slash; (slash = strrchr(path, '/')) != NULL;) {
        *slash = 0;
        if (fs->remove_dir(fs->self, p->run->root, path) < 0)
            return;
    }
}

static void show(struct pruning *p, uint64_t before, const char *path) {
    if (before < SHOWN)
        buf_printf(&p->shown, "%s%s", before ? ", " : " (", path);
}

static void prune_file(struct pruning *p, const struct journal_entry *entry) {
    const struct lane_stamp stamp = run_past_stamp(entry);
    struct run *run = p->run;
    char path[RUN_PATH_SIZE];
    uint32_t why = 0;
    snprintf(path, sizeof path, "%.*s", STR_ARG(entry->path));
    const bool own = job_entry_is(entry);
    const bool untouched = !own && run_past_is_untouched(run, entry->path, &stamp, &why);
    const bool there = !own && why != REASON_MISSING;
    // Copies have other inodes, and files that were touched another time: the bytes tell whether they were edited.
    if (there && (!untouched || run->options->prune) && !has_its_bytes(p, entry, untouched)) {
        p->edited++;
        return;
    }
    if (there && (!run->options->prune || run->options->dry)) {
        show(p, p->kept++, path);
        return;
    }
    if (run->options->dry)
        return;
    if (there && !remove_file(p, path)) {
        p->failed++;
        return;
    }
    journal_batch_remove(&p->gone, run->past->journal, entry->path);
    if (there) {
        run->pruned++;
        remove_directories(p, path);
    }
}

// What a dry run has not seen, the run would not have seen either.
static bool is_left(const struct pruning *p, const struct journal_entry *entry) {
    const struct run *run = p->run;
    return run->options->dry ? !journal_is_seen(run->past->journal, entry->number) : entry->left;
}

// The files of streams, which are no record's.
static void see_streams(const struct run *run) {
    struct journal_entry entry;
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++)
        if (run->jobs[j].job->stream.p &&
            journal_find(&run->workers[0].past, run->jobs[j].job->stream, &entry))
            journal_see(run->past->journal, entry.number);
}

static bool prune_entry(void *context, const struct journal_entry *entry) {
    struct pruning *p = context;
    struct err err;
    const bool ours = is_left(p, entry) && recipe_is_of(entry->recipe, p->run->plan->manifest);
    // What a damaged journal says is no path until it is looked at.
    if (ours && (job_entry_is(entry) || emit_check_path(entry->path, &err) == STATUS_OK))
        prune_file(p, entry);
    return true;
}

static void tell(void (*how)(const struct run *run, const char *text), const struct run *run, uint64_t n,
                 const char *one, const char *many) {
    char text[128];
    if (n == 0)
        return;
    snprintf(text, sizeof text, n == 1 ? one : many, (unsigned long long)n);
    how(run, text);
}

void run_prune(struct run *run, bool complete) {
    struct pruning p = {.run = run};
    struct err err;
    if (!complete || run->loses_sight)
        return; // what left before may belong again to what was not looked at
    if (run->options->dry)
        see_streams(run);
    else if (journal_figures(run->past->journal).left == 0)
        return;
    journal_each(&run->workers[0].past, prune_entry, &p);
    if (p.gone.entries && run->past->writable &&
        journal_append(run->past->journal, &p.gone, run->options->durable, &err) != STATUS_OK)
        run_past_give_up(run, &err);
    run->left = p.kept;
    if (p.kept) {
        struct buf text = BUF_INIT;
        const char *it = p.kept == 1 ? "it" : "them";
        buf_printf(&text, "%llu output%s no longer belong%s%s%s); ", (unsigned long long)p.kept,
                   p.kept == 1 ? "" : "s", p.kept == 1 ? "s" : "", buf_text(&p.shown),
                   p.kept > SHOWN ? ", ..." : "");
        buf_printf(&text, run->options->prune ? "the run would remove %s" : "--prune removes %s", it);
        run_note(run, buf_text(&text));
        buf_release(&text);
    }
    tell(run_note, run, p.edited, "%llu output that no longer belongs was edited, and stays",
         "%llu outputs that no longer belong were edited, and stay");
    tell(run_warn, run, p.failed, "%llu output that no longer belongs could not be removed",
         "%llu outputs that no longer belong could not be removed");
    buf_release(&p.shown);
    readback_free(p.readback);
    journal_batch_release(&p.gone);
}
