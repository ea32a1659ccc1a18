// SPDX-License-Identifier: MIT
// What failed: one JSON object a line in the output directory, and the observer. Bounded memory.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "pipeline/run_private.h"

#define NEXT_FILE FAILURES_FILE ".next" // of a run that keeps the list of the one before for now

struct failures {
    struct run *run;
    pthread_mutex_t lock;
    int fd;    // -1: nothing failed yet
    bool lost; // the file cannot be written: said once
    const char *name;
    struct buf line;
    char path[4096];
};

struct failures *failures_new(struct run *run) {
    struct failures *failures = MEM_NEW(struct failures);
    failures->run = run;
    failures->fd = -1;
    pthread_mutex_init(&failures->lock, NULL);
    const struct fs *fs = run->options->fs;
    failures->name = run->options->retry ? NEXT_FILE : FAILURES_FILE;
    fs->unlink(fs->self, run->root, failures->name); // of the run before; mostly not there
    return failures;
}

void failures_free(struct failures *failures) {
    if (!failures)
        return;
    const struct fs *fs = failures->run->options->fs;
    if (failures->fd >= 0)
        fs->close(fs->self, failures->fd);
    buf_release(&failures->line);
    pthread_mutex_destroy(&failures->lock);
    mem_free(failures);
}

const char *failures_path(const struct failures *failures) {
    return failures->path;
}

static void write_line(struct buf *line, const struct failure *failure) {
    const struct diag *diag = failure->detail;
    buf_clear(line);
    buf_add_text(line, "{\"source\": ");
    buf_add_json(line, failure->source);
    buf_add_text(line, ", \"path\": ");
    buf_add_json(line, failure->path);
    buf_printf(line, ", \"line\": %llu, \"byte\": %llu", (unsigned long long)failure->line,
               (unsigned long long)failure->byte);
    if (failure->record)
        buf_printf(line, ", \"record\": %llu", (unsigned long long)failure->record);
    buf_add_text(line, ", \"key\": ");
    if (failure->key.p)
        buf_add_json(line, failure->key);
    else
        buf_add_text(line, "null");
    if (failure->job.p) {
        buf_add_text(line, ", \"job\": ");
        buf_add_json(line, failure->job);
    }
    bool elsewhere = failure->job.p || !str_equal(diag->file, failure->path);
    if (elsewhere && diag->line) {
        buf_add_text(line, ", \"at\": {\"file\": ");
        buf_add_json(line, diag->file);
        buf_printf(line, ", \"line\": %u, \"column\": %u}", diag->line, diag->column);
    } else if (diag->line) {
        buf_printf(line, ", \"column\": %u", diag->column);
    }
    buf_add_text(line, ", \"message\": ");
    buf_add_json(line, diag->message);
    if (diag->hint.p) {
        buf_add_text(line, ", \"hint\": ");
        buf_add_json(line, diag->hint);
    }
    buf_add_text(line, "}\n");
}

static enum status open_file(struct failures *failures, struct err *err) {
    struct run *run = failures->run;
    const struct fs *fs = run->options->fs;
    int made = fs->make_dir(fs->self, run->root, FAILURES_DIRECTORY, 0777);
    if (made < 0 && made != -EEXIST)
        return err_os(err, -made, "cannot make the directory %s", FAILURES_DIRECTORY);
    failures->fd =
        fs->open_beneath(fs->self, run->root, failures->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (failures->fd < 0)
        return err_os(err, -failures->fd, "cannot write %s", failures->name);
    snprintf(failures->path, sizeof failures->path, "%s/%s", run_output_shown(run), FAILURES_FILE);
    return STATUS_OK;
}

// With the lock held.
static void add_line(struct failures *failures, const struct failure *failure) {
    struct err err;
    enum status status = failures->fd < 0 && !failures->lost ? open_file(failures, &err) : STATUS_OK;
    if (status == STATUS_OK && !failures->lost) {
        write_line(&failures->line, failure);
        status =
            fs_write_all(failures->run->options->fs, failures->fd, failures->line.p, failures->line.n, &err);
    }
    if (status != STATUS_OK && !failures->lost) {
        failures->lost = true;
        run_break(failures->run, &err);
    }
}

void failures_report(struct failures *failures, const struct failure *failure) {
    pthread_mutex_lock(&failures->lock);
    add_line(failures, failure);
    const struct run_observer *observer = failures->run->options->observer;
    if (observer && observer->failure)
        observer->failure(observer->self, failure);
    pthread_mutex_unlock(&failures->lock);
}

void failures_report_job(struct failures *failures, const struct failure *failure) {
    pthread_mutex_lock(&failures->lock);
    add_line(failures, failure);
    pthread_mutex_unlock(&failures->lock);
}

void failures_end(struct failures *failures, bool complete) {
    struct run *run = failures->run;
    const struct fs *fs = run->options->fs;
    if (!run->options->retry)
        return;
    int result = 0;
    struct err err;
    if (!complete)
        fs->unlink(fs->self, run->root, NEXT_FILE);
    else if (failures->fd >= 0)
        result = fs->rename(fs->self, run->root, NEXT_FILE, run->root, FAILURES_FILE);
    else
        result = fs->unlink(fs->self, run->root, FAILURES_FILE);
    if (result < 0 && result != -ENOENT) {
        err_os(&err, -result, "cannot write %s", FAILURES_FILE);
        run_break(run, &err);
    }
}
