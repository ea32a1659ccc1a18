// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_TIMELINE_H
#define PRESSRUN_MONITOR_TIMELINE_H
/*
 * How much of what a worker did when, coarsely: the time since the start in at most TIMELINE_BUCKETS buckets of one width,
 * and in each the nanoseconds of every kind of work. Nobody knows beforehand how long a run takes: when a span ends behind
 * the last bucket, each two of them become one and the width doubles. So memory is 4 KB a worker, however long the run.
 *
 * What it leaves out: single spans, which are a trace's (trace.h).
 *
 * Invariant: what was added is in it, to the nanosecond but for rounding within a span. Times are nanoseconds since the
 * start. One thread at a time on a timeline; several of them are put together when all have ended.
 */
#include <jansson.h>
#include <stdint.h>

enum { TIMELINE_BUCKETS = 128, TIMELINE_KINDS = 4, TIMELINE_LANES = 32, TIMELINE_WIDTH = 16384 };

struct timeline { // all zero: empty
    uint64_t width;
    uint64_t times[TIMELINE_BUCKETS][TIMELINE_KINDS];
};

struct timeline_span {
    uint64_t from, to;
    int kind, other; // of work; `part` nanoseconds of it, spread evenly, are of the other kind
    uint64_t part;
};
void timeline_add(struct timeline *t, const struct timeline_span *span);

// All workers' as one object: bucket_seconds, and `lanes`, one for each worker, or for several where there are more than
// TIMELINE_LANES: name and, by kind of work, `from`, the first bucket in which it came, and `percent` of that bucket and of
// those after it, up to the last one in which it came. Kinds that never came are left out. The last bucket ends at `end`.
// `timelines` has pointers, NULL for who has none.
json_t *timeline_json(struct timeline *const *timelines, uint32_t n, uint64_t end, const char *const *kinds);

#endif
