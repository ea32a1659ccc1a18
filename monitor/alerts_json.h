// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_ALERTS_JSON_H
#define PRESSRUN_MONITOR_ALERTS_JSON_H
/*
 * Alerts as JSON, the same in a session, in `run --json` and for a rule's command: the rule (`metric`, `op`, `value`,
 * `severity`, `for` in seconds where there is one), `state` ("fired", "quiet", or "unknown" where its figure was not known
 * at the end), and of one that fired `at` (seconds since the run began), `live` (before its end) and `observed` (the
 * figure then). `last` is the figure at the end, where it was known.
 */
#include <jansson.h>

#include "monitor/alerts.h"

json_t *alert_json(const struct alert *alert);    // the caller's
json_t *alerts_json(const struct alerts *alerts); // an array, the caller's

#endif
