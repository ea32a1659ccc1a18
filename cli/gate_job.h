// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_GATE_JOB_H
#define PRESSRUN_CLI_GATE_JOB_H
/*
 * What the parts of `pressrun gate` share: a job, filled from the command line step by step. cmd_gate.c has the options and the
 * order, gate_choose.c finds out what is compared, and gate_capsules.c is about what is kept.
 *
 * Owns its suite, its capsule and its scratch directory. One thread.
 */
#include "bench/gate_run.h"
#include "cli/command.h"

struct gate_job {
    struct cli *cli;
    const struct options *options;
    char self[4096];
    char *scratch; // owned; NULL: there is none yet
    bool whole;    // A and B are all there is to run, and not what runs benchmarks
    struct gate_suite suite;
    struct gate_side baseline, candidate; // as they are shown
    const char *texts[2];                 // as they are run; A NULL: it does not run here
    struct gate_run_options run;
};

// Baseline, candidate and suite from the command line. EXIT_DONE, or what has been told.
int gate_choose_sides(struct gate_job *job);
int gate_choose_suite(struct gate_job *job);

#endif
