// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_H
#define PRESSRUN_MONITOR_SESSION_H
/*
 * A session: what is known about one run when it is over. Filled by the pipeline, kept by history.h, shown by commands.
 *
 * Texts live in the session's arena; arrays are its own, histograms own their counts. Durations are nanoseconds in
 * histograms and seconds everywhere else. One thread.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "monitor/histogram.h"
#include "monitor/metrics.h"

struct session_distribution {
    struct str name; // "render", "job.cards", "template.card.j2"
    struct histogram histogram;
};

enum { SESSION_ERROR_KINDS = 64 }; // more are counted together, as "others"

struct session_error {
    struct str kind;
    uint64_t count;
};

// What a run used at one moment.
struct session_sample {
    double seconds; // since the start
    double cpu;     // cores busy since the last sample
    uint64_t rss_bytes;
    uint64_t read_bytes, written_bytes; // since the start
    uint32_t in_flight;                 // batches
};

// Time spent on a node of the run's graph, or by its critical path there; see docs/tracing.md.
struct session_part {
    const char *stage;  // "render", "waiting", ...
    const char *role;   // what the subject is: "job", "source"; NULL: there is none
    struct str subject; // its name
    double seconds;     // busy, summed over workers; of the path: seconds of the run
    const char *unit;   // what `n`, `p50` and `p95` are of: "outputs", "batches"; NULL: they are not known
    uint64_t n;
    double p50, p95; // seconds
    double through;  // of processes outside, summed
};
struct session_parts {
    struct session_part *parts;
    size_t n, cap; // owned
};

struct alerts;

struct session {
    struct arena arena;
    struct str id;   // 20261121T101500.123456Z-1234-9f3c
    struct str name; // of the manifest
    struct str strategy;
    struct str machine; // host and processor
    struct str version; // of pressrun
    struct str outcome; // done, failed, interrupted
    struct str digest;  // 32 hex digits
    int64_t started;    // nanoseconds since 1970
    double values[METRICS];
    bool known[METRICS];
    struct session_distribution *distributions;
    size_t distributions_n, distributions_cap; // owned
    struct session_error *errors;
    size_t errors_n, errors_cap; // owned
    struct session_sample *samples;
    size_t samples_n, samples_cap; // owned
    struct session_parts nodes, path;
    const struct alerts *alerts;   // borrowed; NULL: it was held to no rules
    struct session_faults *faults; // owned; NULL: nothing failed (session_faults.h)
    json_t *more; // owned; NULL: nothing. Members that are kept as they are: see session_set_more
    const struct costs *costs; // borrowed; NULL: no profile was asked for
};

void session_init(struct session *s);
void session_begin(struct session *s, int64_t started); // its id, when and where it is, and what runs it
void session_release(struct session *s);
struct str session_keep(struct session *s, struct str text); // a copy in the arena

void session_set(struct session *s, enum metric metric, double value);
// The distribution of that name, made where there is none.
struct histogram *session_distribution(struct session *s, struct str name);
void session_add_sample(struct session *s, const struct session_sample *sample);
struct session_part *session_add_part(struct session_parts *parts); // to be filled
// Counts an error under its kind: its message, with what is quoted and what is a number left out.
void session_count_error(struct session *s, struct str message);

// A member of the document that only passes through here, given up to the session; NULL is none.
void session_set_more(struct session *s, const char *key, json_t *value);

// One JSON object, the form that is documented and kept: history's and `history --json`'s.
void session_write_json(const struct session *s, struct buf *out);

#endif
