// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_SESSION_SCHEMA_H
#define PRESSRUN_MONITOR_SESSION_SCHEMA_H
/*
 * The JSON Schema of sessions (`history ID --json`, and what is kept), and of merged ones, for who reads them by program.
 * Made from the tables of metrics, so that it knows every name with its unit and meaning. It says what is there for certain
 * and lets everything else be: sessions get more members in time, and lose none.
 */
#include "base/buf.h"

void session_write_schema(struct buf *out); // indented, with a newline

#endif
