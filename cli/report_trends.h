// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_REPORT_TRENDS_H
#define PRESSRUN_CLI_REPORT_TRENDS_H
/*
 * What a session's report says of earlier sessions of the same name: the trends of a few figures, each as
 * `history --trend METRIC --json` has it.
 */
#include <jansson.h>

#include "monitor/history.h"

// Of the sessions of that name that began at `started` (seconds since 1970) or before. An array, owned by the
// caller.
json_t *report_trends(struct history *h, struct str name, double started);

#endif
