// SPDX-License-Identifier: MIT
#include "bench/scenario.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>

#include "bench/scenario_records.h"

enum { PIECE = 256 << 10 };

#define SHAPE(...)                                                                                           \
    { __VA_ARGS__ }
const struct scenario scenarios[] = {
#define SCENARIO(id, n, word, make, looks, set, path, flag, doc)                                             \
    {.name = #id,                                                                                            \
     .unit = word,                                                                                           \
     .to = path,                                                                                             \
     .what = doc,                                                                                            \
     .units = n,                                                                                             \
     .write = scenario_write_##make,                                                                         \
     .shape = looks,                                                                                         \
     .templates = scenario_templates_##set,                                                                  \
     .flags = flag},
#include "bench/scenarios.def"
    {0}};

const struct scenario *scenario_find(struct str name) {
    for (const struct scenario *s = scenarios; s->name; s++)
        if (str_is(name, s->name))
            return s;
    return NULL;
}

uint64_t scenario_units(const struct scenario *s, double scale) {
    uint64_t whole = s->shape.models ? s->shape.models : 1;
    uint64_t parts = (uint64_t)llround((double)s->units * scale / (double)whole);
    return (parts ? parts : 1) * whole;
}

uint64_t scenario_records(const struct scenario *s, uint64_t units) {
    return s->flags & SCENARIO_ONE_RECORD ? 1 : units;
}

// ---- files

struct file {
    const struct fs *fs;
    int fd;
    char path[4096];
    struct buf pending;
};

static enum status open_file(struct file *f, const struct fs *fs, const char *directory, const char *name,
                             struct err *err) {
    *f = (struct file){.fs = fs, .pending = BUF_INIT};
    int n = snprintf(f->path, sizeof f->path, "%s/%s", directory, name);
    f->fd = n < 0 || (size_t)n >= sizeof f->path
                ? -ENAMETOOLONG
                : fs->open(fs->self, AT_FDCWD, f->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return f->fd < 0 ? err_os(err, -f->fd, "cannot write %s", f->path) : STATUS_OK;
}

static enum status flush(struct file *f, size_t most, struct err *err) {
    if (f->pending.n <= most)
        return STATUS_OK;
    struct err fault;
    if (fs_write_all(f->fs, f->fd, f->pending.p, f->pending.n, &fault) != STATUS_OK)
        return err_os(err, fault.os, "cannot write %s", f->path);
    buf_clear(&f->pending);
    return STATUS_OK;
}

// Closes in any case.
static enum status close_file(struct file *f, enum status status, struct err *err) {
    if (status == STATUS_OK)
        status = flush(f, 0, err);
    buf_release(&f->pending);
    int failed = f->fs->close(f->fs->self, f->fd);
    if (status == STATUS_OK && failed < 0)
        status = err_os(err, -failed, "cannot write %s", f->path);
    return status;
}

static enum status write_text(const struct fs *fs, const char *directory, const char *name, struct str text,
                              struct err *err) {
    struct file f;
    if (open_file(&f, fs, directory, name, err) != STATUS_OK)
        return err->status;
    buf_add_str(&f.pending, text);
    return close_file(&f, STATUS_OK, err);
}

// ---- what is in them

static enum status write_records(const struct scenario *s, const struct fs *fs, const char *directory,
                                 const char *name, uint64_t units, uint64_t seed, uint64_t touched,
                                 const atomic_bool *interrupt, struct err *err) {
    struct file f;
    bool one = s->flags & SCENARIO_ONE_RECORD;
    if (open_file(&f, fs, directory, name, err) != STATUS_OK)
        return err->status;
    enum status status = STATUS_OK;
    if (one)
        buf_add_text(&f.pending, "{\"title\":\"Received & <open>\",\"rows\":[");
    for (uint64_t i = 0; i < units && status == STATUS_OK; i++) {
        if (i)
            buf_add_char(&f.pending, one ? ',' : '\n');
        s->write(&s->shape, seed, i, i == touched, &f.pending);
        status = flush(&f, PIECE, err);
        if (status == STATUS_OK && interrupt && atomic_load(interrupt))
            status = err_set(err, STATUS_CANCELLED, "interrupted");
    }
    buf_add_text(&f.pending, one ? "]}\n" : "\n");
    return close_file(&f, status, err);
}

enum { JOBS = 8 };

// Counts for some 5 ms before it hands on what it reads.
#define FILTER                                                                                               \
    "    through: { command: [awk, \"BEGIN { for (i = 0; i < 120000; i++) n += i } { print }\"] }\n"

// A source and a job for each application's database.
static void write_databases(uint64_t applications, const struct scenario *s, struct buf *out) {
    char name[SCENARIO_NAME_SIZE];
    for (uint64_t i = 0; i < applications; i++) {
        scenario_application(i, name);
        buf_printf(out, "  %s: { path: %s.db, schema: true }\n", name, name);
    }
    buf_add_text(out, "jobs:\n");
    for (uint64_t i = 0; i < applications; i++) {
        scenario_application(i, name);
        buf_printf(out, "  %s: { from: %s, template: %s, to: '%s/%s' }\n", name, name, s->templates->name,
                   name, s->to);
    }
}

static void write_source_and_jobs(const struct scenario *s, const char *records, struct buf *out) {
    if (s->flags & SCENARIO_DATABASE)
        buf_printf(out, "  records: %s\njobs:\n", scenario_query);
    else
        buf_printf(out, "  records: { path: %s }\njobs:\n", records);
    if (!(s->flags & SCENARIO_EIGHT_JOBS)) {
        buf_printf(out, "  %s:\n    from: records\n    template: %s\n    to: '%s'\n", s->unit,
                   s->templates->name, s->to);
        buf_add_text(out, s->flags & SCENARIO_FILTERED ? FILTER : "");
        return;
    }
    for (int job = 0; job < JOBS; job++)
        buf_printf(out, "  %s-%d: { from: records, where: id %% %d == %d, template: %s, to: '%d-%s' }\n",
                   s->unit, job, JOBS, job, s->templates->name, job, s->to);
}

static enum status write_manifest(const struct scenario *s, const struct fs *fs, const char *directory,
                                  const char *name, const char *records, uint64_t units, struct err *err) {
    struct buf text = BUF_INIT;
    buf_printf(&text, "name: %s\nsources:\n", s->name);
    if (s->flags & SCENARIO_SCHEMAS)
        write_databases(units / s->shape.models, s, &text);
    else
        write_source_and_jobs(s, records, &text);
    buf_add_text(&text, "jinja: { trim_blocks: true, lstrip_blocks: true }\n"
                        "output: out\n");
    enum status status = write_text(fs, directory, name, buf_str(&text), err);
    buf_release(&text);
    return status;
}

static enum status write_templates(const struct scenario *s, const struct fs *fs, const char *directory,
                                   struct err *err) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/templates", directory);
    int failed = n < 0 || (size_t)n >= sizeof path ? -ENAMETOOLONG : fs_make_dirs(fs, AT_FDCWD, path, 0777);
    if (failed < 0)
        return err_os(err, -failed, "cannot make %s", path);
    for (const struct scenario_template *t = s->templates; t->name; t++)
        if (write_text(fs, path, t->name, str_of(t->text), err) != STATUS_OK)
            return err->status;
    return STATUS_OK;
}

enum status scenario_make(const struct scenario *s, const struct fs *fs, const char *directory,
                          uint64_t units, uint64_t seed, const atomic_bool *interrupt, struct err *err) {
    if (write_templates(s, fs, directory, err) != STATUS_OK ||
        write_manifest(s, fs, directory, "pressrun.yaml", "records.jsonl", units, err) != STATUS_OK ||
        write_records(s, fs, directory, "records.jsonl", units, seed, UINT64_MAX, interrupt, err) !=
            STATUS_OK)
        return err->status;
    if (s->flags & SCENARIO_DATABASE)
        return scenario_write_database(s, directory, units, seed, interrupt, err);
    if (s->flags & SCENARIO_SCHEMAS)
        return scenario_write_schemas(s, directory, units, seed, interrupt, err);
    if (!(s->flags & SCENARIO_TOUCH_ONE))
        return STATUS_OK;
    if (write_manifest(s, fs, directory, "touched.yaml", "touched.jsonl", units, err) != STATUS_OK)
        return err->status;
    return write_records(s, fs, directory, "touched.jsonl", units, seed, units / 2, interrupt, err);
}
