// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_REPORT_REPORT_SCHEMA_H
#define PRESSRUN_REPORT_REPORT_SCHEMA_H
/*
 * The JSON Schema of a report's document (report.h), which is report/report.schema.json, built in.
 */
#include "base/buf.h"

void report_write_schema(struct buf *out);

#endif
