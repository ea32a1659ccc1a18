// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_GATE_JOB_H
#define PRESSRUN_CLI_GATE_JOB_H
/*
 * What the parts of `pressrun gate` share: a job, filled from the command line step by step. cmd_gate.c has the options and the
 * order, gate_choose.c finds out what is compared, and gate_capsules.c is about what is kept.
 *
 * Owns its suite, its capsule and its scratch directory. One thread.
 */
#include "bench/capsule.h"
#include "cli/command.h"

struct gate_job {
    struct cli *cli;
    const struct options *options;
    char self[4096];
    char *scratch;          // owned; NULL: there is none yet
    struct capsule capsule; // the baseline; without an executable: it is none
    const char *kept_as;    // its name; NULL: it came from a file
    bool past;              // the baseline is what earlier gates kept in the history
    bool whole;             // A and B are all there is to run, and not what runs benchmarks
    struct gate_suite suite;
    struct gate_side baseline, candidate; // as they are shown
    const char *texts[2];                 // as they are run; A NULL: it does not run here
    struct gate_run_options run;
};

// The history that capsules are kept in, in the cli's arena; NULL: there is none, which has been told.
const char *gate_capsules_place(struct gate_job *job);
// The capsule of a name, or of a file (--import), as the baseline. False: `err` says why there is none.
bool gate_capsules_take(struct gate_job *job, const char *name, struct err *err);
// The candidate as a capsule: kept under a name, written to a file, as --keep and --export say.
int gate_capsules_make(struct gate_job *job);
// After a gate that passed and found something faster: the baseline's name is the candidate's from now on.
int gate_capsules_advance(struct gate_job *job, struct gate_result *r);
// Of a baseline without an executable: what earlier gates kept, and what this one is to keep. EXIT_DONE, or what was told.
int gate_past_recall(struct gate_job *job);
int gate_past_remember(struct gate_job *job, const struct gate_result *r);
int gate_capsules_list(struct gate_job *job);
int gate_capsules_forget(struct gate_job *job, const char *name);

// Baseline, candidate and suite from the command line. EXIT_DONE, or what has been told.
int gate_choose_sides(struct gate_job *job, bool compares); // false: there is no baseline
int gate_choose_suite(struct gate_job *job);

#endif
