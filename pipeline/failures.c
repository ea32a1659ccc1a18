// SPDX-License-Identifier: MIT
// What failed: one JSON object a line in the output directory, and the observer. Bounded memory.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "pipeline/run_private.h"

#define DIRECTORY ".pressrun"
#define FILE_NAME DIRECTORY "/errors.jsonl"

struct failures {
    struct run *run;
    pthread_mutex_t lock;
    int fd;    // -1: nothing failed yet
    bool lost; // the file cannot be written: said once
    struct buf line;
    char path[4096];
};

struct failures *failures_new(struct run *run) {
    struct failures *failures = MEM_NEW(struct failures);
    failures->run = run;
    failures->fd = -1;
    pthread_mutex_init(&failures->lock, NULL);
    const struct fs *fs = run->options->fs;
    fs->unlink(fs->self, run->root, FILE_NAME); // of the run before; mostly not there
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
    if (failure->job.p && diag->line) {
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
    int made = fs->make_dir(fs->self, run->root, DIRECTORY, 0777);
    if (made < 0 && made != -EEXIST)
        return err_os(err, -made, "cannot make the directory %s", DIRECTORY);
    failures->fd =
        fs->open_beneath(fs->self, run->root, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (failures->fd < 0)
        return err_os(err, -failures->fd, "cannot write %s", FILE_NAME);
    const char *output = run->options->output ? run->options->output : run->plan->manifest->output_shown.p;
    snprintf(failures->path, sizeof failures->path, "%s/%s", output, FILE_NAME);
    return STATUS_OK;
}

void failures_report(struct failures *failures, const struct failure *failure) {
    struct run *run = failures->run;
    struct err err;
    pthread_mutex_lock(&failures->lock);
    enum status status = failures->fd < 0 && !failures->lost ? open_file(failures, &err) : STATUS_OK;
    if (status == STATUS_OK && !failures->lost) {
        write_line(&failures->line, failure);
        status = fs_write_all(run->options->fs, failures->fd, failures->line.p, failures->line.n, &err);
    }
    if (status != STATUS_OK && !failures->lost) {
        failures->lost = true;
        run_break(run, &err);
    }
    const struct run_observer *observer = run->options->observer;
    if (observer && observer->failure)
        observer->failure(observer->self, failure);
    pthread_mutex_unlock(&failures->lock);
}
