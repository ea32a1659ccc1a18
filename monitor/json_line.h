// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_JSON_LINE_H
#define PRESSRUN_MONITOR_JSON_LINE_H
/*
 * Documents as text, the way all figures and reports are printed: on one line, members in the order they were set.
 */
#include <jansson.h>

#include "base/buf.h"

// A text of others as every reader takes it: NUL bytes, which many refuse, become spaces; "?" where it is not UTF-8.
json_t *json_line_text(struct str text);

// Adds the document and a newline, real numbers with at most so many digits (0: as many as it takes to read them back), and
// gives the document up. One that cannot be written, since memory is out, is null.
void json_line_add(json_t *document, unsigned digits, struct buf *out);

#endif
