// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_FAULTS_H
#define PRESSRUN_MONITOR_SESSION_FAULTS_H
/*
 * What failed in a session, located: the first SESSION_FAULTS places, each with the first message there, the line, and how
 * often it failed. One mistake in a template that fails a million records is one fault. What fails elsewhere when there
 * are as many is only counted.
 *
 * Texts are copied into the session's arena, cut at FAULT_TEXT bytes. One thread at a time.
 */
#include <jansson.h>

#include "base/diag.h"
#include "monitor/session.h"

enum { SESSION_FAULTS = 50, FAULT_TEXT = 500 };

struct session_fault_of {  // what failed
    struct str job;        // {NULL, 0}: a record that could not be loaded for any
    struct str path;       // of the source
    struct str key;        // {NULL, 0}: not known
    uint64_t line, record; // 0: not known
};

void session_add_fault(struct session *s, const struct diag *diag, const struct session_fault_of *of);
// Adds the member `failures` of another session to one; the same fault counts on.
void session_faults_merge(json_t *into, const json_t *more);
json_t *session_faults_json(const struct session *s); // the member `failures`

#endif
