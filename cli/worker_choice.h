// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_WORKER_CHOICE_H
#define PRESSRUN_CLI_WORKER_CHOICE_H
/*
 * How many workers a run has, and who said so. The command line wins, then PRESSRUN_JOBS; without them the machine, less
 * what the manifest (`workers`), the strategy and make's jobserver leave of it. docs/workers.md has the rules.
 */
#include "cli/command.h"
#include "pipeline/run/run.h"

struct worker_choice {
    struct worker_count most; // source NULL: the strategy
    uint32_t least;           // 0: as many
    bool said;                // on the command line or in PRESSRUN_JOBS
};

// "4", or least and most: "2..8", "2.." (as many as there may be), "..8" (from one on).
enum status worker_choice_read(const struct options *options, struct worker_choice *choice, struct err *err);

// What that comes to, with the manifest and the strategy of `run`, into its workers and what is to govern them.
void worker_choice_settle(struct worker_choice *choice, const struct manifest *manifest,
                          struct run_options *run);

// The jobserver that make offers, for a run whose workers nobody has said; before it opens files. It is closed with
// jobserver_close when the run has ended.
void worker_choice_share(struct cli *cli, struct worker_choice *choice, struct run_options *run);

#endif
