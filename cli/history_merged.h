// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_MERGED_H
#define PRESSRUN_CLI_HISTORY_MERGED_H
/*
 * `history merge`: several sessions as one (monitor/session_merge.h), those that are named or all that meet the conditions.
 */
#include "cli/history_sessions.h"

// The words after "merge". Exit code.
int history_merged(struct cli *cli, const struct options *options, const struct history_question *q,
                   const char *const *words, size_t n);

#endif
