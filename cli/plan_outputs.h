// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_PLAN_OUTPUTS_H
#define PRESSRUN_CLI_PLAN_OUTPUTS_H
/*
 * `plan --outputs`: how many outputs of each job are up to date, and for which reasons the others would be made. A dry run
 * finds that out; of each output the first reason counts.
 */
#include "cli/command.h"
#include "pipeline/run/run.h"

// Tells it, or what is wrong. `run` as running_init_dry made it. The exit code.
int plan_outputs(struct cli *cli, struct plan *plan, struct run_options *run, bool json);

#endif
