// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_H
#define PRESSRUN_PIPELINE_RUN_H
/*
 * A run: executes a plan's stage graph and says what came of it.
 *
 * Per-record jobs: batches flow load → parse → render → emit as tasks; a worker takes a batch through as many
 * stages as it can while the data is in its cache. What must happen in record order (claims of output paths,
 * ordered sinks, the list of failures) goes through turns; nothing waits. Memory is bounded by credits: so
 * many batches are in flight and no more. Gathering jobs keep the batches that hold their records.
 *
 * One bad record costs one record: the failure is written to `.pressrun/errors.jsonl` in the output
 * directory, one JSON object a line, and counted.
 *
 * The digest, all counters but the times, and all outputs are independent of the number of workers.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/digest.h"
#include "base/fs.h"
#include "monitor/session.h"
#include "monitor/snapshot.h"
#include "monitor/trace.h"
#include "pipeline/plan/plan.h"
#include "pipeline/reasons/explanation.h"
#include "pipeline/review/staging.h"
#include "pipeline/run/forecast.h"
#include "pipeline/run/retry.h"
#include "pipeline/run/run_cache.h"
#include "scheduler/jobserver.h"
#include "scheduler/scheduler.h"

struct failure {
    struct str job;    // {NULL, 0}: the record could not be loaded, for any job
    struct str source; // its name in the manifest
    struct str path;   // of the source as the manifest has it
    uint64_t line;     // 0: unknown
    uint64_t byte;
    uint64_t record;           // the record's number in its source, from 1; 0: a group
    struct str key;            // the record's key, else its output's path or group; {NULL, 0}: unknown
    const struct diag *detail; // located in the record or in a template
};

struct run_counters;
struct item;

// What becomes of an output, and why. All of it is valid within the call.
enum run_fate { RUN_MADE, RUN_LEFT_ALONE, RUN_NOT_MADE }; // (of a dry run: would be made); up to date; failed
struct run_reason {
    enum run_fate fate;
    struct str job;
    struct str path;           // of a stream: its file
    bool stream;               // of the job as a whole
    struct str source, origin; // its name, and its path as the manifest has it
    const struct item *item;   // the record; NULL: a group's or a stream's
    struct str key;            // the record's, or the group's text; {NULL, 0}: none
    uint64_t records;          // of a group
    const struct diag *fault;  // of one that failed
    struct cause cause;        // of one that is made
};

// What an observer is told. Calls come from any worker, those of one kind one at a time.
struct run_observer {
    void *self;
    void (*failure)(void *self, const struct failure *failure); // may be NULL
    // How it is going, SNAPSHOTS_PER_SECOND times a second while stages run, from a thread of its own; may be NULL.
    void (*snapshot)(void *self, const struct snapshot *snapshot);
    void (*note)(void *self, const char *text); // a sentence about what goes on; may be NULL
    // The same, of what is or may be lost: something that is damaged, cannot be kept or is in doubt. NULL: it is a note.
    void (*warning)(void *self, const char *text);
    // Each output that is made, in the order of its job's; may be NULL.
    void (*reason)(void *self, const struct run_reason *reason);
    // What came of each job, in the end; may be NULL.
    void (*job)(void *self, struct str name, const struct run_counters *counters);
};

#define RUN_NO_BOUND UINT64_MAX

// How much of the outputs known before may change: a number, or percent of them. Nothing is bound where none are known.
struct run_bound {
    bool set, percent;
    double most;
};
bool run_bound_exceeded(const struct run_bound *bound, uint64_t n, uint64_t known);

// Review before publishing (staging.h). Bounds stage, too, and publish at the end unless one is exceeded.
struct run_review_options {
    bool stage; // and wait for a verdict
    struct run_bound max_changed, max_removed;
};

// How many of the workers work on the way (run_govern.c). All zero: all of them, always.
struct run_govern_options {
    uint32_t least,
        first; // the governor moves between `least` and run_options.workers; begins with `first`; 0: all
    double cpu, memory;          // its targets, shares; 0: none
    struct jobserver *jobserver; // each worker but the first needs a token; NULL: none does
};

struct run_options {
    const struct fs *fs;
    struct clock clock;
    int64_t now;      // that templates see: seconds since 1970
    uint32_t workers; // at least 1
    struct run_govern_options govern;
    const struct strategy *strategy;     // to begin with; NULL: none was asked for
    const struct forecast *forecast;     // not NULL: `auto`, which begins with it and chooses on the way
    const struct partition *partition;   // of batches among them; NULL: the usual one
    uint32_t batch;                      // records or groups of a batch; 0: by what they cost
    const char *output;                  // NULL: the manifest's
    const struct run_observer *observer; // may be NULL
    const atomic_bool *interrupt;        // may be NULL; true: stop loading, finish what is in flight
    bool force;                          // write also what is there already with the same bytes
    bool durable;                        // an output is on the disk before it takes its name
    bool remember;                       // keep journal and lengths, and use what they say
    bool trust;                          // that outputs are as they were left, without a look
    bool prune;                          // remove outputs that no longer belong
    bool dry;                            // find out what would be made, and write nothing
    const struct str *asked;   // of a dry run: the observer is told of these outputs, and of no others,
    size_t asked_n;            // whatever becomes of them
    bool wait;                 // for another run that works on the output directory
    uint64_t max_failed;       // when more than these have failed the run stops; RUN_NO_BOUND: never
    bool selected;             // jobs of the manifest were left out
    struct caches_wish cache;  // what of the cache may be used
    double audit;              // share of the cache's hits that are made again and compared
    const struct retry *retry; // not NULL: only what it names
    struct run_review_options review;
    struct session *session; // to be filled; NULL: nothing is watched but what the report needs
    struct trace
        *trace; // with a row per worker and one for the critical path, and times of `clock`; may be NULL
    struct costs *costs; // to be filled with what lines of templates cost (monitor/costs.h); may be NULL
    bool path;           // find the critical path also where there is neither
};

enum run_stage { RUN_COMPILE, RUN_LOAD, RUN_RENDER, RUN_EMIT, RUN_STAGES };
extern const char *const run_stage_names[RUN_STAGES];   // "compile", ...
extern const enum metric run_stage_metrics[RUN_STAGES]; // their busy times

struct run_counters {
    uint64_t loaded;       // records read, bad ones included
    uint64_t excluded;     // records a job's `where` left out
    uint64_t up_to_date;   // outputs that were as they would be made, so that nothing was
    uint64_t rendered;     // outputs made
    uint64_t would_render; // of a dry run: outputs that are not up to date
    uint64_t written;      // outputs published
    uint64_t files;        // of these, files of their own
    uint64_t unchanged;    // outputs that were there already with the same bytes
    uint64_t failed;       // records that could not be loaded, and outputs that could not be made
    uint64_t bytes;        // of the outputs, uncompressed
    uint64_t stored;       // bytes given to the file system
    uint64_t source_bytes; // of the records, uncompressed
    uint64_t filtered;     // processes of filters (`through`) started
    uint64_t filtering;    // nanoseconds that these took
    uint64_t retried;      // times that filters and sources were tried again
    // Work; docs/metrics.md tells what each of these counts.
    uint64_t templates;       // compiled
    uint64_t fields_parsed;   // of records, made into values
    uint64_t fields_skipped;  // of records, passed over
    uint64_t opcodes;         // run by the virtual machines
    uint64_t allocations;     // pieces of memory that records and templates asked for
    uint64_t allocated_bytes; // in these
};

struct run_review {
    bool staged;    // the generation is complete
    bool published; // at once, within its bounds
    bool exceeded;  // a bound
    struct staging_counts counts;
    uint64_t known; // outputs there were before
};

// What became of the number of workers.
struct run_govern_report {
    bool governed;
    uint32_t least, changes; // fewest at once; how often it became another one
    uint32_t pauses;         // of intake, for lack of memory
    const char *cause;       // of the last change that the governor made; NULL: it made none
};

// The time that the critical path spent at one node of the graph, or between nodes (run_path.h). Texts are the plan's.
struct run_path_part {
    const char
        *stage; // of the plan, or "start", "through", "waiting", "end", "unknown"; "others": the smallest
    const char *role;   // "job", "source"; NULL: it has no subject
    struct str subject; // its name
    double seconds;
};
enum { RUN_PATH_PARTS = 24 };

// What a pass of a source joined to its records.
struct run_join_report {
    struct str source, name, from; // the field, and the source of what is in it
    uint64_t records, keys;        // that were joined from
    uint64_t keyless;              // records of that source that have no key
    uint64_t failed;               // and those that are bad
    uint64_t repeated;             // of `one`: left out, since their key has a record already
    uint64_t lost;                 // of lists: records that belong to nobody
    uint64_t missed;               // of `one`: own records whose key is nobody's
    uint64_t shared;               // of lists by the source's own key: keys that several of its records have
    uint64_t spilled;              // bytes of a temporary file
};

// The connections to a database.
struct run_database_report {
    struct str name;         // as its first source calls it
    uint64_t opened, reused; // connections; how often one was taken that was in use before
    uint64_t failed;         // of them: they were not what they should be
    uint64_t waited;         // times that one was another source's
    double waited_seconds;   // in all
    uint64_t ranges;         // that sources were read in
    uint32_t at_once;        // connections in use, at most
    bool has_log;            // a write-ahead log
};

enum run_job_state { RUN_JOB_DONE, RUN_JOB_FAILED, RUN_JOB_SKIPPED }; // because of another one

// How a job ended.
struct run_job_end {
    struct str name;
    enum run_job_state state;
    struct str because; // {NULL, 0}: it is done
};

struct run_report {
    struct run_counters counters;
    struct digest digest;
    uint32_t workers;      // most at once
    double worker_seconds; // that they had, all together
    struct run_govern_report govern;
    const struct strategy *strategy; // the last one
    bool automatic;                  // it was chosen on the way, by
    struct chooser chooser;
    double seconds;
    double stage_seconds[RUN_STAGES]; // busy time summed over workers
    uint64_t peak_rss_bytes;
    bool begun;      // outputs could be opened; without it there is nothing else to report
    uint64_t pruned; // outputs that no longer belonged, removed
    uint64_t left;   // and those that are still there
    bool dry;
    uint64_t batches;                        // of records, and of groups
    double batch_p50;                        // seconds of work that half of them took at most
    double idle_seconds, scheduling_seconds; // of all workers together
    size_t jobs_done, jobs_failed, jobs_skipped;
    const struct run_join_report *joins; // live as long as the plan
    size_t joins_n;
    const struct run_database_report *databases; // likewise
    size_t databases_n;
    bool routed;                    // there are routes
    uint64_t unrouted;              // files that none takes
    const struct run_job_end *jobs; // in the manifest's order; live as long as the plan. NULL: no memory
    size_t jobs_n;
    bool interrupted;
    bool exceeded; // max_failed
    struct run_cache_report cache;
    struct run_review review;
    struct run_path_part path[RUN_PATH_PARTS]; // the longest first
    size_t path_n;                             // 0: it is not known
    char errors_path[4096];                    // "" where there were no failures
    const struct costs *costs;                 // the options'; NULL: none were asked for
    const struct alerts *alerts; // set by whoever judges them; NULL: the run is held to no rules
};

// STATUS_OK: it ran; the report tells how well. Otherwise nothing, or not all, could be run: STATUS_DATA
// means `diags` has the errors (of templates and expressions, nothing was written), else `err` says what.
enum status run_execute(struct plan *plan, const struct run_options *options, struct run_report *report,
                        struct diags *diags, struct err *err);

// The report's numbers by name (monitor/metrics.h); those that only a session has are not known.
struct run_figures {
    double values[METRICS];
    bool known[METRICS];
};
void run_figures_of(const struct run_report *report, struct run_figures *figures);
void run_figures_of_cache(const struct run_cache_report *cache, struct run_figures *figures); // adds those

// The report as one JSON object in one line (`run --json`).
void run_write_json(const struct run_report *report, struct str session, struct buf *out);

#endif
