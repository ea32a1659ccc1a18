// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_DOCTOR_TEXT_H
#define PRESSRUN_CLI_DOCTOR_TEXT_H
/*
 * What the health checks found: a table with a row for each finding and its advice below it, or one JSON object. It only
 * reads the findings.
 */
#include "base/buf.h"
#include "pipeline/doctor/doctor.h"

void doctor_text_write(const struct doctor *doctor, bool colour, struct buf *out);
// `state` (the worst), `checks`: `check`, `subject`, `state`, `found`, `advice`.
void doctor_text_json(const struct doctor *doctor, struct buf *out);

#endif
