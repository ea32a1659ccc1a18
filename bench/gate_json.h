// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_GATE_JSON_H
#define PRESSRUN_BENCH_GATE_JSON_H
/*
 * A gate as a JSON document, and a gate from such a document: what was measured is read, and judged anew. The document is
 * not trusted: what cannot have come of a gate is refused with a sentence. docs/gate.md describes it. Pure functions,
 * thread-safe.
 */
#include "base/buf.h"
#include "base/err.h"
#include "bench/gate.h"

enum { GATE_FORMAT = 1 };

// With a newline at the end. Without the samples it cannot be read again, and is a hundredth of the size.
void gate_write_json(const struct gate_result *r, bool samples, struct buf *out);

// `r` has been initialised; it is judged. *stored: the verdict that the document says it led to, in r's arena.
enum status gate_read_json(struct gate_result *r, struct str text, const char **stored, struct err *err);

#endif
