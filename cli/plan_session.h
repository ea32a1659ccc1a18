// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_PLAN_SESSION_H
#define PRESSRUN_CLI_PLAN_SESSION_H
/*
 * The session whose times `pressrun plan --timing` shows: the one that is named, else the newest of this manifest.
 */
#include "cli/command.h"
#include "pipeline/plan/plan_timing.h"

// False: there is none, which has been told. In the cli's arena.
bool plan_session_read(struct cli *cli, const struct options *options, const struct plan *plan,
                       struct plan_timing *timing);

#endif
