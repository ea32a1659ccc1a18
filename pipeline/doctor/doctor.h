// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_DOCTOR_H
#define PRESSRUN_PIPELINE_DOCTOR_H
/*
 * Health checks: is this machine, and what runs keep, such that a run will do well? Each check looks and says what it
 * found, and where that is not well, what to do. Nothing is changed, repaired or made; what is large is sampled, so that
 * all of it takes a second or two.
 *
 * Checks need not have a manifest, nor a sound one: those that want one are skipped, or take what could be read.
 *
 * To add a check: a function that calls doctor_say once for each thing it looked at, in the file of its kind, and a row in
 * doctor.c. `root` is put before /proc and /sys, for tests; "" is the system.
 *
 * Findings and their texts live in the doctor's arena. One thread.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "pipeline/caching/caches.h"
#include "pipeline/doctor/query_looks.h"
#include "pipeline/manifest/manifest.h"
#include "scheduler/workers.h"

enum doctor_state { DOCTOR_OK, DOCTOR_SKIPPED, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_STATES };
extern const char *const doctor_state_names[DOCTOR_STATES]; // "ok", "skipped", "warn", "fail"

struct doctor_options {
    const struct fs *fs;
    struct clock clock;
    const char *root;
    struct workers_environment environment;
    const struct manifest *manifest; // NULL: there is none
    size_t manifest_errors;
    const char *output;  // the output directory; NULL: there is none
    const char *history; // its directory; NULL: none is kept
    struct caches_wish cache;
    uint32_t only;      // bits by check; 0: all of them
    uint64_t slow;      // nanoseconds from which on a query is
    uint64_t copy_most; // bytes of a database that indexes are tried on a copy of
};

struct doctor_detail { // more about what was found, a line each
    struct doctor_detail *next;
    uint32_t depth; // below the lines before it
    struct str text;
};

struct doctor_finding {
    const char *check;  // "disk"
    struct str subject; // of several of one check: which; {NULL, 0}: there is one only
    enum doctor_state state;
    struct str found;              // a sentence without its end
    struct str advice;             // {NULL, 0}: none is needed
    struct doctor_detail *details; // NULL: none
};

struct doctor {
    const struct doctor_options *options;
    struct arena arena;
    const char *check;               // that is at work
    struct doctor_finding *findings; // owned
    size_t n, cap;
    size_t counts[DOCTOR_STATES];
    struct query_looks looks;
};

// Runs the checks that are asked for.
void doctor_examine(struct doctor *doctor, const struct doctor_options *options);
void doctor_release(struct doctor *doctor);
// Names of the checks, in their order; NULL: no more.
const char *doctor_check_name(size_t i);

// For checks. `subject` and `advice` may be NULL, and are copied.
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *subject, const char *advice,
                const char *format, ...) __attribute__((format(printf, 5, 6)));
void doctor_add_detail(struct doctor *doctor, uint32_t depth, struct str text); // to the last finding; copied
const char *doctor_variable(const struct doctor *doctor, const char *name);     // NULL: not set, or empty
void doctor_write_bytes(uint64_t bytes, char *out, size_t size);                // "1.2 GB"

// doctor_machine.c
void doctor_check_processors(struct doctor *doctor);
void doctor_check_memory(struct doctor *doctor);
void doctor_check_openmp(struct doctor *doctor);
void doctor_check_limits(struct doctor *doctor);
// doctor_clock.c
void doctor_check_clock(struct doctor *doctor);
void doctor_check_times(struct doctor *doctor);
// doctor_disk.c
void doctor_check_manifest(struct doctor *doctor);
void doctor_check_disk(struct doctor *doctor);
// doctor_books.c
void doctor_check_journal(struct doctor *doctor);
void doctor_check_cache(struct doctor *doctor);
void doctor_check_redis(struct doctor *doctor);
void doctor_check_history(struct doctor *doctor);
// doctor_databases.c
void doctor_check_databases(struct doctor *doctor);
void doctor_check_connections(struct doctor *doctor); // of the last run, where its session is kept
// doctor_queries.c
void doctor_check_queries(struct doctor *doctor);

#endif
