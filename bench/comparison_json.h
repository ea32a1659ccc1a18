// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_COMPARISON_JSON_H
#define PRESSRUN_BENCH_COMPARISON_JSON_H
/*
 * A comparison as a JSON document, with all samples and with the judgement they led to; and a comparison from such a
 * document, whose judgement is only looked at to say whether it was another one. Numbers are read back as they were.
 *
 * The document is not trusted: what cannot have come of a comparison is refused with a sentence. docs/statistics.md describes
 * it. Pure functions, thread-safe.
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "bench/comparison.h"

enum { COMPARISON_FORMAT = 1 };

void comparison_write_json(const struct comparison *c, struct buf *out); // with a newline at the end

// `c` has been initialised. *stored: the verdict that the document says it led to, in c's arena.
enum status comparison_read_json(struct comparison *c, struct str text, const char **stored, struct err *err);

// The same as a part of another document; the caller's (json_decref). And from one.
json_t *comparison_to_json(const struct comparison *c);
json_t *comparison_host_to_json(const struct host *host);
enum status comparison_from_json(struct comparison *c, const json_t *root, const char **stored,
                                 struct err *err);

#endif
