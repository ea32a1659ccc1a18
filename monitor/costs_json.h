// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_COSTS_JSON_H
#define PRESSRUN_MONITOR_COSTS_JSON_H
/*
 * Costs as JSON, for sessions and `run --json`: the dearest COSTS_TOLD lines, and all templates up to as many. Apart from
 * costs.h, so that who adds costs need not know jansson. docs/profile.md has the members.
 */
#include <jansson.h>

#include "monitor/costs.h"

json_t *costs_json(const struct costs *costs); // owned by the caller

#endif
