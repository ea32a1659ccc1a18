// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_BENCH_CONTEST_SAMPLE_H
#define PRESSRUN_BENCH_CONTEST_SAMPLE_H
/*
 * What a run under a strategy says of itself in its report, and the books of its cache, which go from one output directory
 * to the next so that a warm run knows what jobs cost. Pure but for the file system; thread-safe.
 */
#include "bench/contest.h"
#include "stages/emit/emit.h"

#define CONTEST_BOOKS EMIT_BOOKS "/cache.json" // beneath an output directory; pipeline/caching/cache_books.h

struct contest_made {
    struct digest digest;
    uint64_t outputs; // made, from a cache or not, or as they must be
    uint64_t failed;
};

// From what it printed, of which the report is the last line; the process's own figures are left alone. False: there is none.
bool contest_read(struct str printed, struct contest_sample *sample, struct contest_made *made);

// Whether or not there is one; `to` and its directories are made.
enum status contest_books_copy(const struct fs *fs, const char *from, const char *to, struct err *err);

#endif
