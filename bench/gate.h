// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_H
#define PRESSRUN_BENCH_GATE_H
/*
 * What a gate found: a suite of benchmarks, each a comparison of the baseline A with the candidate B, and what they come
 * to together. All formats of output are made of this and of nothing else.
 *
 * A row is filled in two steps. Running (gate_run.h) or reading (gate_json.h) puts down what was measured: `comparison`,
 * `mirror`, and what the row is. gate_judge makes the rest of it: verdicts, figures and sentences, each time the same, so
 * that a verdict can be had again without running anything.
 *
 * The suite is INVALID where a benchmark is, or where the control moved, which compares A with itself: then nothing that
 * was measured can be believed. Else it is FAIL where a benchmark is, else INCONCLUSIVE where one is, else PASS.
 *
 * The share of suites in which nothing changed and that FAIL is at most `alpha_suite`: each of m benchmarks errs in the first
 * session with alpha; those flagged are measured again in a second session, independent of the first, that errs with
 * alpha_suite / (m alpha), 5 % at most.
 *
 * Ratios are B over A, 0 where there is none. Seconds, bytes and counts are plain. Texts are UTF-8 without line ends, and
 * live in the arena; what they quote has not been escaped for any format. One thread.
 */
#include "base/arena.h"
#include "bench/comparison.h"

#define GATE_ALPHA_SUITE 0.01 // of suites in which nothing changed, so many FAIL
enum { GATE_BENCHMARKS_MOST = 256, GATE_NAME_MOST = 100 };

enum gate_kind { GATE_SCENARIO, GATE_MANIFEST, GATE_COMMAND, GATE_REGRET, GATE_CONTROL, GATE_KINDS };
extern const char *const gate_kinds[GATE_KINDS]; // "scenario", "manifest", "command", "regret", "control"

enum gate_reason {
    GATE_BY_OUTPUT,       // INVALID: A and B do not make the same
    GATE_BY_WORK,         // FAIL: a work counter grew
    GATE_BY_INSTRUCTIONS, // FAIL: more of them, in user space
    GATE_BY_PAIRS,        // PASS, FAIL, INCONCLUSIVE
    GATE_UNCONFIRMED,     // INCONCLUSIVE: flagged, but not so in the second session
    GATE_BY_CONTROL,      // INVALID: A is not like itself
    GATE_BY_RECORD,       // A did not run: what was kept of it was compared, which says little of time
    GATE_STOPPED,         // INCONCLUSIVE: interrupted, or time was up
    GATE_BY_ERROR,        // INVALID: a run failed
    GATE_REASONS
};
extern const char *const gate_reasons[GATE_REASONS]; // "output", "work", ...

enum gate_change {
    GATE_SAME,     // nothing worth a line
    GATE_SLOWER,   // FAIL
    GATE_FASTER,   // by 3 % or more as estimated, and confirmed in a second session
    GATE_HINTED,   // the same, not confirmed
    GATE_UNCLEAR,  // INCONCLUSIVE
    GATE_UNUSABLE, // INVALID
    GATE_CHANGES
};
extern const char *const gate_changes[GATE_CHANGES]; // "same", "slower", ...

struct gate_counter { // work that is not the same
    const char *name; // "render.opcodes"
    uint64_t a, b;
    bool grown;    // by more than 1 %
    bool accepted; // and that may be
};

struct gate_stage { // seconds of a run, summed over workers; medians
    const char *name;
    double a, b;
};

struct gate_row {
    // ---- what it is, and what was measured
    const char *name; // unique in the suite
    enum gate_kind kind;
    const char *of;    // scenario, manifest or command
    const char *error; // of a run that failed; NULL: none did
    const char *note;  // what else there is to know, or NULL
    struct comparison comparison;
    struct comparison
        mirror;       // A and B exchanged, to confirm an improvement; no rounds: there was no reason to
    bool only_record; // A did not run
    double cpu_seconds, wall_seconds; // and a run of B took so many, medians of a few; 0: not taken
    bool counts_instructions;         // by the same compiler, so that instructions can be compared
    double seconds;                   // that it took, all sessions

    // ---- what comes of it (gate_judge)
    enum verdict verdict; // never VERDICT_MORE
    enum gate_reason reason;
    enum gate_change change;
    const char *text;  // one sentence: "B takes 1.107 times the CPU time of A (+10.7 %)"
    const char *cause; // what moved: a work counter or a stage; NULL where nothing stands out
    enum paired_metric metric;
    const char *metric_words;   // "CPU time"
    const char *unit;           // of the medians: "s", "bytes", "instructions"
    double ratio, lower, upper; // lower 0, upper INFINITY: no such bound
    double sure;                // that the bounds hold: 0.955
    uint32_t pairs, dropped;    // of the session that decided
    uint32_t session;           // 1 or 2; 0: no time was taken
    struct comparison_median medians[2];
    double ratios[PAIRED_METRICS]; // of all metrics
    struct gate_counter *counters;
    size_t counters_n;
    struct gate_stage stages[WORK_STAGES];
    size_t stages_n;
    double smallest; // INCONCLUSIVE: the slowdown (ratio less 1) it would have seen; 0: not known
    uint32_t wanted; // and how many pairs would decide; 0: not known
};

struct gate_side {
    const char *shown;   // as given: a path, "this program", the name of a capsule
    const char *version; // "pressrun 1.2.3", or NULL
    const char *capsule; // its digest, 32 hexadecimal digits; NULL: it is none
};

struct gate_result {
    struct arena arena;
    // ---- what was asked
    const char *suite;
    struct gate_side baseline, candidate;
    uint64_t seed;
    double alpha, alpha_suite;
    bool interrupted;
    const char *started; // 2026-01-31T12:00:00Z
    double seconds;
    const char *program;          // that compared: "pressrun 1.2.3"
    const char *const *arguments; // of that program
    size_t arguments_n;
    struct host host;
    const char **warnings; // nothing that changes the verdict
    size_t warnings_n, warnings_cap;
    struct gate_row *rows; // owned; in the order of the suite, the control last
    size_t rows_n, rows_cap;

    // ---- what comes of it (gate_judge)
    enum verdict verdict;
    const char *text;                   // one sentence
    double alpha_confirming;            // of second sessions
    size_t counts[VERDICT_INVALID + 1]; // rows by verdict, the control left out
    size_t benchmarks;                  // rows, the control left out
    size_t faster;                      // GATE_FASTER
    const char *moved;                  // the baseline is now this capsule; NULL: it is as it was
};

void gate_result_init(struct gate_result *r);
void gate_result_release(struct gate_result *r);
const char *gate_keep(struct gate_result *r, const char *text); // a copy in its arena
const char *gate_printf(struct gate_result *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gate_warn(struct gate_result *r, const char *text); // a copy of it

// A new row, whose comparisons have been initialised; valid until the next one.
struct gate_row *gate_add(struct gate_result *r, const char *name, enum gate_kind kind, const char *of);
const struct gate_row *gate_find(const struct gate_result *r, const char *name); // or NULL

// Of second sessions, for so many benchmarks.
double gate_confirming_alpha(double alpha, double alpha_suite, size_t benchmarks);
// Whether a row's first session asks for a second one, to confirm that B is slower, or that it is faster.
bool gate_is_flagged(const struct gate_row *row);
bool gate_is_hinted(const struct gate_row *row);

void gate_judge(struct gate_result *r); // all that comes of what was measured; as often as one likes

#endif
