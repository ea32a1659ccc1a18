// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_SESSION_H
#define PRESSRUN_REPORT_REPORT_SESSION_H
/*
 * The sections of a session's report, in files by what they are about. Each takes the session's document and adds a
 * section where that has anything for it.
 */
#include "report/report.h"

double report_session_metric(const json_t *session, const char *name); // NAN: not known

// report_session_time.c: when, where and how long.
void report_session_timeline(struct report *report, const json_t *session);
void report_session_path(struct report *report, const json_t *session);
void report_session_percentiles(struct report *report, const json_t *session);
void report_session_slowest(struct report *report, const json_t *session);
void report_session_resources(struct report *report, const json_t *session);

// report_session_profile.c
void report_session_profile(struct report *report, const json_t *session);

// report_session_facts.c: what was done, with what, where.
void report_session_failures(struct report *report, const json_t *session);
void report_session_jobs(struct report *report, const json_t *session);
void report_session_cache(struct report *report, const json_t *session);
void report_session_databases(struct report *report, const json_t *session);
void report_session_joins(struct report *report, const json_t *session);
void report_session_strategy(struct report *report, const json_t *session);
void report_session_alerts(struct report *report, const json_t *session);
void report_session_work(struct report *report, const json_t *session);
void report_session_machine(struct report *report, const json_t *session);

// report_trend.c: figures over sessions, as `history --trend --json` has them.
void report_add_trends(struct report *report, const json_t *trends);

#endif
