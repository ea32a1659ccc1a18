// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_EMIT_JOB_H
#define PRESSRUN_TESTS_SUPPORT_EMIT_JOB_H
/*
 * One sink with one lane, as most tests of emitting want it. `total` is what flushes and the close reported, `err` the
 * last fault.
 */
#include "stages/emit/emit.h"
#include "tests/support/scene.h"

struct job {
    const struct sink_kind *kind;
    struct sink *sink;
    struct lane *lane;
    struct lane_result total;
    struct err err;
};

struct sink_options options_for(const struct scene *scene, const char *path, const char *separator);
void job_open(struct job *job, const struct sink_kind *kind, struct sink_options options);
enum status job_output(struct job *job, const char *name, struct str text);
enum status job_text(struct job *job, const char *name, const char *text);
enum status job_flush(struct job *job);
enum status job_close(struct job *job, bool publish);
void assert_result(const struct job *job, uint64_t written, uint64_t unchanged, uint64_t bytes);

#endif
