// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_SELFTEST_STORE_H
#define PRESSRUN_BENCH_SELFTEST_STORE_H
/*
 * The answers of a self-test as a file that grows, a JSON document a line: first what was compared and where,
 *
 *     {"selftest": 1, "program": ..., "started": ..., "machine": {...}, "operation": {...}}
 *
 * then one comparison each (comparison_json.h), whose words are "selftest" and the percentage. A line that was not
 * written to its end is as good as none: whoever goes on cuts it off. The file is not trusted. Pure functions, thread-safe.
 */
#include "base/buf.h"
#include "base/err.h"
#include "bench/selftest.h"

void selftest_store_head(const struct selftest *s, struct buf *out);
// The words of a comparison at this level, for its `arguments`; two of them, in its arena.
void selftest_store_mark(struct comparison *c, double percent);

// `s` has been initialised. *whole: so many bytes are whole lines. Of an empty file none, which is STATUS_OK, too.
enum status selftest_store_read(struct selftest *s, struct str text, size_t *whole, struct err *err);

#endif
