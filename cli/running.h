// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_RUNNING_H
#define PRESSRUN_CLI_RUNNING_H
/*
 * What `run` and `render --each` share: the options of a run, carrying it out, and telling what came of it.
 */
#include "cli/alerting.h"
#include "cli/command.h"
#include "cli/exporters.h"
#include "cli/worker_choice.h"
#include "pipeline/run/run.h"
#include "scheduler/scheduler.h"

// Rows of a command that runs.
#define OPTIONS_RUN                                                                                          \
    {"jobs", 'j', "N|N..N",                                                                                  \
     "workers, or the fewest and the most (default: what the machine gives; PRESSRUN_JOBS)"},                \
        {"strategy", 0, "NAME",                                                                              \
         "minimal, sequential, parallel, cache_heavy, balanced, or auto, which finds out "                   \
         "(PRESSRUN_STRATEGY)"},                                                                             \
        {"explain-strategy", 0, NULL, "with auto: the decisions, and the numbers they were made from"},      \
        {"partition", 0, "POLICY",                                                                           \
         "how batches are shared: least_loaded (usual), longest_first, round_robin or static"},              \
        {"define", 'D', "NAME=TEXT", "set a global; NAME:=JSON for any value; may be repeated"},             \
        {"force", 0, NULL, "write all outputs, also those that are there already with the same bytes"},      \
        {"durable", 0, NULL, "outputs survive a power failure: synced before they take their names"},        \
        {"only-failed", 0, NULL, "only what the last run could not do (.pressrun/errors.jsonl)"},            \
        {"max-failed", 0, "N", "stop when more than N records or outputs have failed"},                      \
        {"batch", 0, "N", "records or groups of a batch (default: by what they cost)"},                      \
        {"wait", 0, NULL, "wait for another run that writes to the same directory"},                         \
        {"verbose", 'v', NULL, "also the critical path: what decided how long the run took"},                \
        {"trace", 0, "FILE", "write what each worker did when, for Perfetto (Chrome trace format)"},         \
        {"statsd", 0, "HOST:PORT", "tell a StatsD server how the run goes; \"none\": do not"},               \
        {"openmetrics", 0, "FILE", "keep a file of the run's figures in the OpenMetrics format"},            \
        {"profile", 0, "[FILE]",                                                                             \
         "what lines of templates cost; into FILE as folded stacks, for flame graphs"},                      \
        {"cache", 0, "SPEC",                                                                                 \
         "tiers to use: off, or such as local:r, memory,file:rw (PRESSRUN_CACHE; PRESSRUN_CACHE_DIR)"},      \
        {"refresh", 0, "[CATEGORY]", "look up nothing in the cache, but keep anew; may be repeated"},        \
        {"audit", 0, "[PERCENT]",                                                                            \
         "make 1 % of the cache's hits again, compare, and fail where they differ"},                         \
        {"history", 0, "DIR",                                                                                \
         "keep what is known about the run there; \"none\": do not (PRESSRUN_HISTORY)"},                     \
    {                                                                                                        \
        "json", 0, NULL, "print the summary as one JSON object, the last line on stdout"                     \
    }

struct running {
    const struct options *options;
    struct run_options run;
    struct worker_choice workers;
    const char *report;  // the file for a report; NULL: none
    bool report_history; // with how figures went in earlier runs
    struct exporters exporters;
    bool explains, explains_all; // why outputs are made: the first reason, all
    int alert_exit;              // least severity for exit code 3, ALERT_SEVERITIES: none; -1: the manifest's
    struct alerting *alerting;   // NULL: the run is held to no rules
};

// Reads what the command line asks of a run. False: what is wrong has been told.
bool running_init(struct running *running, struct cli *cli, const struct command *command,
                  const struct options *options);

// The same for a dry run of which nothing is told; the command has the options output and jobs.
bool running_init_dry(struct run_options *run, struct cli *cli, const struct command *command,
                      const struct options *options);
// Puts the definitions (-D) over the manifest's globals. False: what is wrong has been told.
bool running_define(struct cli *cli, const struct options *options, struct manifest *manifest);

// The number of workers and where it came from: -j wins, then the environment, then the machine.
enum status running_choose_workers(const struct options *options, struct worker_count *count,
                                   struct err *err);
// Leaves the jobs that --only names. False: err says which of them there is not.
bool running_select_jobs(const struct options *options, struct manifest *manifest, struct err *err);

// Runs a sound manifest, which is freed in the end. The exit code.
int running_run(struct running *running, struct cli *cli, struct manifest *manifest);

#endif
