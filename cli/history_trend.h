// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_HISTORY_TREND_H
#define PRESSRUN_CLI_HISTORY_TREND_H
/*
 * `history --trend METRIC` and `history changes`: how a figure went, and which figures changed their level when
 * (bench/trend.h).
 */
#include "cli/history_sessions.h"

int history_trend(struct cli *cli, struct history *h, const struct history_question *q, struct str figure,
                  bool json); // exit code
// Of the runs of one manifest: the newest one's, where the conditions leave several.
int history_changes(struct cli *cli, const struct options *options, const struct history_question *q);

#endif
