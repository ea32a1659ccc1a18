// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_MERGE_H
#define PRESSRUN_MONITOR_SESSION_MERGE_H
/*
 * Several sessions as one: those of a week, or of the parts of a run that was split. Counters and durations are added,
 * peaks are the greatest, shares and rates follow from what was added, or are means weighted by the time they are of.
 * Histograms are added, so quantiles are those of all observations together, not means of quantiles; where a session has
 * no histogram (older ones), a distribution keeps its count, mean and greatest, and has no quantiles.
 *
 * Sessions are documents (session.h), added one by one; none is kept. What comes out is a document of the same form, with
 * `merged` besides; docs/history.md says what is in it. What belongs to one run alone (samples, the critical path) is left
 * out. To have a new metric not added, but treated otherwise: one row in `rules` of session_merge.c. One thread.
 */
#include <jansson.h>
#include <stdbool.h>

struct session_merge; // owned

struct session_merge *session_merge_new(void);
void session_merge_free(struct session_merge *m); // NULL is fine
// False: it is no session, or has been added before; nothing is changed.
bool session_merge_add(struct session_merge *m, const json_t *session);
json_t *session_merge_json(const struct session_merge *m); // the caller's; of one session at least

#endif
