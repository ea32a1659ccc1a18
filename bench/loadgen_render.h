// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_LOADGEN_RENDER_H
#define PRESSRUN_BENCH_LOADGEN_RENDER_H
/*
 * Operations of a load that are renderings of jobs of a manifest, in this process: the job's template over one of its
 * records, or groups, and through its filter outside where it has one. Reading sources, `where` and grouping are done
 * beforehand, of the first so many records; nothing is written, cached or remembered.
 *
 * Records that cannot be read, or whose `where` or group cannot be told, are left out and counted. Each user has machines of
 * its own; values and programs are shared and only read. Borrows the plan, which is compiled.
 */
#include "base/clock.h"
#include "base/fs.h"
#include "bench/loadgen.h"
#include "pipeline/plan/plan.h"

struct loadgen_render_options {
    const struct fs *fs;
    struct clock clock;
    int64_t now; // that templates see: seconds since 1970
    struct plan *plan;
    const size_t *jobs; // indexes into the manifest's, each once
    size_t jobs_n;
    uint32_t users;
    uint64_t records;             // of each source, at most
    const atomic_bool *interrupt; // may be NULL
};

struct loadgen_render; // owned by whoever made it

// STATUS_DATA: a source cannot be read, or a job has nothing to render.
enum status loadgen_render_new(const struct loadgen_render_options *options, struct loadgen_render **out,
                               struct err *err);
void loadgen_render_free(struct loadgen_render *r);

// The i-th of the jobs; the caller sets the weight. Valid as long as `r`.
struct loadgen_operation loadgen_render_operation(struct loadgen_render *r, size_t i);
uint64_t loadgen_render_units(const struct loadgen_render *r, size_t i); // records or groups to choose from
uint64_t loadgen_render_left_out(const struct loadgen_render *r);

#endif
