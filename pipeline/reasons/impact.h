// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_IMPACT_H
#define PRESSRUN_PIPELINE_IMPACT_H
/*
 * Which outputs would be made again if something changed, without running: what jobs depend on comes from the plan (their
 * recipes and the fields that they read), how many outputs they have from the journal. Of a field it is the most that a
 * change can come to: an output is made again where the field of its own record changes.
 *
 * A field is asked for as SOURCE.FIELD. What is beneath it counts (`users.address` includes `address.city`), and what it
 * is part of, where that is read as a whole. Lists on the way are transparent; `[]` may be written behind them.
 */
#include "base/arena.h"
#include "base/err.h"
#include "pipeline/plan/plan.h"

enum impact_kind { IMPACT_FIELD, IMPACT_TEMPLATE, IMPACT_GLOBAL, IMPACT_OPTION, IMPACT_KINDS };
extern const char *const impact_kinds[IMPACT_KINDS]; // names

struct impact_question {
    const struct fs *fs;
    const char *output; // the output directory
    int64_t now;
    enum impact_kind kind;
    struct str name;
    bool lists; // paths are wanted
};

enum impact_shape { IMPACT_OUTPUTS, IMPACT_GROUPS, IMPACT_STREAM };

struct impact_job {
    struct str name;
    enum impact_shape shape;
    struct str *by; // parts of the recipe, or fields, that make it depend
    size_t by_n;    // 0: it does not
    bool has_run;
    uint64_t outputs; // known; of a stream: that went into it, 0: not known
    struct str *paths;
    size_t paths_n, paths_cap;
};

struct impact {
    struct arena arena;
    struct impact_job *jobs; // all of the manifest
    size_t jobs_n;
    uint64_t outputs;   // of those that depend
    size_t affected;    // jobs
    bool damaged;       // the journal, in parts: there may be more
    struct str nearest; // of a field that no job reads: one that is read
};

// The plan is compiled. STATUS_DATA: there is nothing of that name. impact_release in any case.
enum status impact_find(const struct plan *plan, const struct impact_question *question,
                        struct impact *impact, struct err *err);
void impact_release(struct impact *impact);

#endif
