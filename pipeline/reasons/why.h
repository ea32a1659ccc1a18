// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_WHY_H
#define PRESSRUN_PIPELINE_WHY_H
/*
 * What becomes of single outputs, and why: whether the next run would make them, from which record; when and why the last
 * one did. The first is decided by a dry run (run.h), which is told the paths: so the answer is the run's own. The rest is
 * read from the journal, which keeps no values and only the bits of reason.h; why something was made once is told as far
 * as these go.
 *
 * Nothing is written. Texts come from records and the journal, to be made harmless by whoever prints them.
 */
#include "pipeline/run/run.h"

enum why_state {
    WHY_UNKNOWN,    // no job makes it, and none did
    WHY_LEFT_OVER,  // an earlier run made it, no job does any more
    WHY_UNDECIDED,  // as one of these two, but something failed that it might belong to
    WHY_UP_TO_DATE, // the next run leaves it alone
    WHY_TO_DO,      // the next run makes it
    WHY_FAILS,      // the next run would, but it fails before anything is rendered
};
extern const char *const why_states[]; // names

struct why_part {
    enum explained_kind kind;
    struct str name, text; // the text may be empty
};

struct why_answer {
    struct str path; // below the output directory
    enum why_state state;
    struct explained *reasons; // to make it now
    size_t reasons_n;
    struct str fault; // of one that fails
    // What it is made from; job.n 0: not known.
    struct str job, source, origin;
    bool stream;
    struct str key;
    uint64_t line, record, records; // 0: not known; records: of a group
    // What the journal says.
    bool known;
    uint32_t generation; // of the run that made it
    int64_t written;     // nanoseconds since 1970
    uint64_t size;
    uint32_t file_is;       // REASON_MISSING, REASON_EDITED or 0
    struct explained *past; // why it was made then
    size_t past_n;
    struct why_part *parts;
    size_t parts_n;
    struct str *fields;
    size_t fields_n;
    struct str nearest; // of an unknown one: a known path
};

struct why {
    struct arena arena;
    struct why_answer *answers; // in the order of the paths
    size_t n;
    uint32_t runs; // generation of the last run
    struct run_report report;
};

// `options` as for a run; what makes it a dry one is set here, and of its observer only notes are passed on. As
// run_execute: STATUS_DATA with errors in `diags`, or another one with `err`; why_release in any case.
enum status why_ask(struct plan *plan, const struct run_options *options, const struct str *paths, size_t n,
                    struct why *why, struct diags *diags, struct err *err);
void why_release(struct why *why);

#endif
