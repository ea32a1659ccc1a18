// SPDX-License-Identifier: MIT
// What failed: one JSON object a line in the output directory, and the observer. Bounded memory.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "pipeline/run/run_detail.h"
#include "pipeline/run/run_private.h"
#include "stages/load/load.h"

#define NEXT_FILE                                                                                            \
    FAILURES_FILE ".next" // of a run that leaves the list of the one before in place until it ends

struct failures {
    struct run *run;
    pthread_mutex_t lock;
    int fd;    // -1: nothing failed yet
    bool lost; // the file cannot be written: said once
    const char *name;
    struct buf line;
    char path[4096];
};

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
    int made = fs->make_dir(fs->self, run->root, EMIT_BOOKS, 0777);
    if (made < 0 && made != -EEXIST)
        return err_os(err, -made, "cannot make the directory %s", EMIT_BOOKS);
    failures->fd =
        fs->open_beneath(fs->self, run->root, failures->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (failures->fd < 0)
        return err_os(err, -failures->fd, "cannot write %s", failures->name);
    return STATUS_OK;
}

static void lose(struct failures *failures, const struct err *err) {
    failures->lost = true;
    run_break(failures->run, err);
}

static enum status put(struct failures *failures, struct str bytes, struct err *err) {
    if (fs_write_all(failures->run->options->fs, failures->fd, bytes.p, bytes.n, err) == STATUS_OK)
        return STATUS_OK;
    return err_os(err, err->os, "cannot write %s/%s", run_output_shown(failures->run), FAILURES_FILE);
}

// With the lock held.
static void add_line(struct failures *failures, const struct failure *failure) {
    struct err err;
    if (failures->run->options->dry)
        return;
    enum status status = failures->fd < 0 && !failures->lost ? open_file(failures, &err) : STATUS_OK;
    if (status == STATUS_OK && !failures->lost) {
        write_line(&failures->line, failure);
        snprintf(failures->path, sizeof failures->path, "%s/%s", run_output_shown(failures->run),
                 FAILURES_FILE);
        status = put(failures, buf_str(&failures->line), &err);
    }
    if (status != STATUS_OK && !failures->lost)
        lose(failures, &err);
}

// Reading ----------------------------------------------------------------------------------------------------

static enum status read_lines(struct loader *loader, failures_line_fn fn, void *self, struct err *err) {
    struct shapes *shapes = shapes_new();
    struct batch *batch = batch_new();
    struct reader reader;
    reader_init(&reader, shapes, NULL);
    enum status status;
    while ((status = load_pull(loader, batch, err)) == STATUS_OK && batch->items_n > 0) {
        load_parse(loader, &reader, batch);
        for (size_t i = 0; i < batch->items_n && status == STATUS_OK; i++) {
            const struct item *item = &batch->items[i];
            if (item->error)
                status = err_set(err, STATUS_DATA, "%.*s:%u:%u: %.*s", STR_ARG(item->error->file),
                                 item->error->line, item->error->column, STR_ARG(item->error->message));
            else
                fn(self, item->record.map, item->raw);
        }
        if (status != STATUS_OK)
            break;
        batch_clear(batch);
    }
    batch_free(batch);
    reader_release(&reader);
    shapes_free(shapes);
    return status;
}

// Opens the list beneath the output directory: never a link, a pipe or a device. -errno.
static int open_list(const struct fs *fs, const char *output) {
    struct stat st;
    int root = fs->open(fs->self, AT_FDCWD, output, O_PATH | O_DIRECTORY, 0);
    if (root < 0)
        return root;
    int fd = fs->open_beneath(fs->self, root, FAILURES_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    fs->close(fs->self, root);
    int result = fd < 0 ? fd : fs->stat(fs->self, fd, &st);
    if (result == 0 && !S_ISREG(st.st_mode))
        result = -EINVAL;
    if (result < 0 && fd >= 0)
        fs->close(fs->self, fd);
    return result < 0 ? result : fd;
}

enum status failures_read(const struct fs *fs, const char *output, failures_line_fn fn, void *self,
                          struct err *err) {
    char path[4096], descriptor[64];
    struct loader *loader = NULL;
    snprintf(path, sizeof path, "%s/%s", output, FAILURES_FILE);
    int fd = open_list(fs, output);
    if (fd == -ENOENT)
        return STATUS_OK;
    if (fd < 0)
        return err_os(err, -fd, "cannot read %s", path);
    snprintf(descriptor, sizeof descriptor, "/proc/self/fd/%d", fd);
    const struct load_options options = {
        .fs = fs, .path = descriptor, .name = str_of(path), .format = STR("jsonl")};
    enum status status = load_open(&options, &loader, err);
    if (status == STATUS_OK)
        status = read_lines(loader, fn, self, err);
    load_close(loader);
    fs->close(fs->self, fd);
    return status;
}

// Of the last run's list, what this run does not decide again.
static void keep_line(void *self, const struct map *line, struct str text) {
    struct failures *failures = self;
    const struct manifest *manifest = failures->run->plan->manifest;
    struct value job = map_get(line, STR("job"));
    bool keep = failures->run->options->selected;
    for (size_t j = 0; keep && value_is_string(job) && j < manifest->jobs_n; j++)
        keep = !str_equal(manifest->jobs[j].name, value_str(job));
    struct err err;
    if (!keep || failures->lost)
        return;
    enum status status = failures->fd < 0 ? open_file(failures, &err) : STATUS_OK;
    buf_clear(&failures->line);
    buf_add_str(&failures->line, text);
    buf_add_char(&failures->line, '\n');
    if (status == STATUS_OK)
        status = put(failures, buf_str(&failures->line), &err);
    if (status != STATUS_OK)
        lose(failures, &err);
}

static bool is_partial(const struct run *run) {
    return run->options->retry || run->options->selected;
}

struct failures *failures_new(struct run *run) {
    struct failures *failures = MEM_NEW(struct failures);
    failures->run = run;
    failures->fd = -1;
    pthread_mutex_init(&failures->lock, NULL);
    const struct fs *fs = run->options->fs;
    if (run->options->dry)
        return failures;
    failures->name = is_partial(run) ? NEXT_FILE : FAILURES_FILE;
    fs->unlink(fs->self, run->root, NEXT_FILE); // of the run before; mostly not there
    if (!is_partial(run))
        fs->unlink(fs->self, run->root, FAILURES_FILE);
    struct err err;
    const char *output = run->options->output ? run->options->output : run->plan->manifest->output.p;
    if (is_partial(run)) // a list that is no list says nothing
        failures_read(fs, output, keep_line, failures, &err);
    return failures;
}

// Writing ----------------------------------------------------------------------------------------------------

void failures_report(struct failures *failures, const struct failure *failure) {
    pthread_mutex_lock(&failures->lock);
    add_line(failures, failure);
    run_detail_fault(failures->run, failure);
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

bool failures_end(struct failures *failures) {
    struct run *run = failures->run;
    const struct fs *fs = run->options->fs;
    int result = 0;
    struct err err;
    if (!is_partial(run) || run->options->dry || failures->lost)
        return !failures->lost;
    if (failures->fd >= 0)
        result = fs->rename(fs->self, run->root, NEXT_FILE, run->root, FAILURES_FILE);
    else
        result = fs->unlink(fs->self, run->root, FAILURES_FILE);
    if (result == 0 || result == -ENOENT)
        return true;
    err_os(&err, -result, "cannot write %s", FAILURES_FILE);
    run_break(run, &err);
    return false;
}
