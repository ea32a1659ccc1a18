// SPDX-License-Identifier: MIT
#include "tests/support/emit_job.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

struct sink_options options_for(const struct scene *scene, const char *path, const char *separator) {
    return (struct sink_options){
        .fs = &scene->fs, .root = scene->root, .path = str_of(path), .separator = str_of(separator)};
}

void job_open(struct job *job, const struct sink_kind *kind, struct sink_options options) {
    *job = (struct job){.kind = kind};
    assert_int_equal(kind->open(&options, &job->sink, &job->err), STATUS_OK);
    job->lane = kind->lane_new(job->sink);
}

enum status job_output(struct job *job, const char *name, struct str text) {
    enum status status = job->kind->begin(job->lane, str_of(name), &job->err);
    if (status == STATUS_OK)
        status = job->kind->write(job->lane, text, &job->err);
    return status == STATUS_OK ? job->kind->commit(job->lane, &job->err) : status;
}

enum status job_text(struct job *job, const char *name, const char *text) {
    return job_output(job, name, str_of(text));
}

static void add_result(struct lane_result *total, struct lane_result result) {
    total->written += result.written;
    total->unchanged += result.unchanged;
    total->bytes += result.bytes;
    total->stored += result.stored;
}

enum status job_flush(struct job *job) {
    struct lane_result result;
    if (job->kind->seal && job->kind->seal(job->lane, &job->err) != STATUS_OK)
        return job->err.status;
    enum status status = job->kind->flush(job->lane, &result, &job->err);
    if (status == STATUS_OK)
        add_result(&job->total, result);
    return status;
}

enum status job_close(struct job *job, bool publish) {
    struct lane_result result;
    job->kind->lane_free(job->lane);
    enum status status = job->kind->close(job->sink, publish, &result, &job->err);
    if (status == STATUS_OK)
        add_result(&job->total, result);
    return status;
}

void assert_result(const struct job *job, uint64_t written, uint64_t unchanged, uint64_t bytes) {
    assert_int_equal(job->total.written, written);
    assert_int_equal(job->total.unchanged, unchanged);
    assert_int_equal(job->total.bytes, bytes);
}
