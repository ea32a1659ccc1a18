// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_SUITE_H
#define PRESSRUN_BENCH_GATE_SUITE_H
/*
 * A suite: the benchmarks that a gate runs, as a YAML or JSON text says. What is wrong with it is said with its place, all of
 * it at once. docs/gate.md describes the keys; gate_suite_standard is the suite of who has none.
 *
 * To add a key: a row in the table of gate_suite.c, a member here, a row in docs/gate.md.
 *
 * All it points to lives in its arena. One thread.
 */
#include "base/diag.h"
#include "base/fs.h"
#include "bench/gate.h"
#include "bench/scenario.h"

enum { GATE_SECONDS = 600 }; // that a run may take where nothing else is said

struct gate_benchmark {
    const char *name;
    enum gate_kind kind;
    const char *of;                  // scenario, manifest (as it was written) or command
    const char *manifest;            // where it is; NULL: it is made (scenario), or there is none (command)
    const char *baseline;            // of a command: what A runs where that is another one; else NULL
    const struct scenario *scenario; // that is made; NULL: none
    double scale;                    // of it
    bool warm;                       // run again into the same directory
    bool metric_given, ignores_output;
    enum paired_metric metric;
    uint32_t pairs;              // exactly so many; 0: as many as it takes
    uint32_t seconds;            // that a run may take
    uint32_t budget;             // of regret: seconds to find the best strategy
    double limit;                // of regret: more is FAIL, as a share
    const char *const *accepted; // work counters that may grow
    size_t accepted_n;
};

struct gate_suite {
    struct arena arena;
    struct source_text text; // as it was read
    const char *name;
    const char *directory; // that manifests are relative to
    uint64_t seed;
    bool has_control;
    const char *control; // the benchmark to be run as the control; NULL: the first that can be
    struct gate_benchmark *benchmarks;
    size_t n;
};

extern const char gate_suite_standard[]; // the text of one: the scenarios
#define GATE_SUITE_STANDARD "standard"   // and its name

// Of a text that is called `name`. False: `diags` has what is wrong. The suite is to be released either way.
bool gate_suite_read(struct gate_suite *suite, const char *name, struct str text, struct diags *diags);
bool gate_suite_open(struct gate_suite *suite, const struct fs *fs, const char *path, struct diags *diags);
void gate_suite_release(struct gate_suite *suite);

// Leaves those of these names, in the suite's order. STATUS_DATA: there is none of a name.
enum status gate_suite_select(struct gate_suite *suite, const char *const *names, size_t n, struct err *err);

#endif
