// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_VERIFY_H
#define PRESSRUN_PIPELINE_VERIFY_H
/*
 * Whether the outputs on the disk are those that the runs made: the digest of a run, computed again from the files.
 * It runs nothing, loads no records and writes nothing.
 *
 * What is to be there is in the books below the output directory: the journal has each named output with its share of
 * the digest, and cache/lengths.h has the items of each stream, by which its text is taken apart again. An output is
 *
 *   verified   its share of the digest, computed from its bytes, is the one that is kept
 *   edited     it is there and is not
 *   missing    it is not there
 *   unknown    nobody can say: nothing sound is kept of it, it cannot be read, or it is of a kind that does not keep
 *              its texts: rows of a table, standard output
 *
 * A stream counts as one output. An output that no longer belongs to the last complete run is not looked at. Digests
 * add up: a job's is the sum of its outputs', the whole is the sum of the jobs'. `expected` is what the books say,
 * `digest` what was computed; what is unknown is in neither.
 *
 * Whoever verifies while a run is at work sees some of both.
 *
 * Threads: it uses as many as it is given; all that is in the report is the same from any number of them.
 */
#include "base/arena.h"
#include "base/digest.h"
#include "base/fs.h"
#include "pipeline/manifest/manifest.h"

enum verify_state { VERIFY_VERIFIED, VERIFY_MISSING, VERIFY_EDITED, VERIFY_UNKNOWN, VERIFY_STATES };
extern const char *const verify_state_names[VERIFY_STATES]; // "verified", ...

struct verify_count {
    uint64_t outputs[VERIFY_STATES];
    uint64_t items; // of the streams that are verified
    struct digest digest, expected;
};

struct verify_job {
    struct str name; // empty: of outputs whose job is not known any more
    struct verify_count count;
    const char *reason; // why what is to be there is not known as a whole; NULL: it is
};

struct verify_finding { // an output that is not verified
    struct str path;    // of a stream or file; empty: standard output
    struct str job;     // empty: not known
    enum verify_state state;
    const char *why; // NULL: the state says it all
};

enum { VERIFY_FINDINGS = 1000 }; // more are counted, and not listed

struct verify_options {
    const struct fs *fs;
    const struct manifest *manifest;
    const char *output; // NULL: the manifest's
    uint32_t workers;   // at least 1
    bool selected;      // only the manifest's jobs, which are not all
};

struct verify_report {
    struct verify_count count;
    struct verify_job
        *jobs; // those of the manifest in its order, then others that the journal knows, by name
    size_t jobs_n;
    struct verify_finding *findings; // by path
    size_t findings_n;
    uint64_t damaged; // places of the journal that cannot be read
    bool at_work;     // a run was at work, or was killed
};

// Everything in the report is in the arena. Not STATUS_OK: nothing can be said at all.
enum status verify_outputs(const struct verify_options *options, struct arena *arena,
                           struct verify_report *report, struct err *err);

enum verify_answer { VERIFY_EQUAL, VERIFY_DIFFERENT, VERIFY_CANNOT_SAY };
// Different where something is missing or edited; else it cannot be said where a job has a reason.
enum verify_answer verify_answer(const struct verify_report *report);
void verify_write_json(const struct verify_report *report, struct buf *out); // one object in one line

#endif
