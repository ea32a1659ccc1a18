// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_MONITOR_CRITICAL_PATH_H
#define PRESSRUN_MONITOR_CRITICAL_PATH_H
/*
 * Which chain of work decided how long a whole took. Whoever does a piece of work adds it as a span when it has ended,
 * and says what it had to wait for: spans that were added before. Of these, and of the span before it on its own lane (a
 * worker does one thing at a time), the one that ended last is what released it. From the span that ended last of all
 * these links lead back to the beginning: that is the critical path. Make something on it quicker, and the whole may
 * be; make anything else quicker, and it will not.
 *
 * Invariants: a span begins at or after the end of what released it, so the spans of a path do not overlap and their
 * lengths add up to no more than the time from the first's beginning to the last's end. What lies between two of them
 * is waiting.
 *
 * What it leaves out: what spans are. They have a number for their row of the sums, and nothing else.
 *
 * Memory: 40 bytes a span, and no more than `most` of them, divided among the lanes; then a lane's oldest give way. The
 * path is then known back to where the first one is missing, and no further. Times are nanoseconds of one monotonic clock.
 *
 * Threads: one at a time on a lane, without a lock; a mark goes from one thread to another by whatever hands over the
 * work. Asking is for when all have ended.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct critical_path; // owned

// A span that was added, and when it ended. All zero: none.
struct path_mark {
    uint64_t id, at;
};

struct path_span {
    uint64_t from, to;
    uint64_t aside;  // of that time, what belongs elsewhere
    uint64_t before; // what released it; 0: nothing. Set by critical_path_add
    uint32_t row, batch;
};

// `workers` lanes on which one span follows another, and one more, number `workers`, whose spans may overlap.
struct critical_path *critical_path_new(uint32_t workers, size_t most);
void critical_path_free(struct critical_path *path); // NULL is fine

struct path_mark path_later(struct path_mark a, struct path_mark b);
// Marks that are no earlier than the span's beginning did not release it, and do not count.
struct path_mark critical_path_add(struct critical_path *path, uint32_t lane, const struct path_span *span,
                                   const struct path_mark *after, size_t after_n);

// The path, first to last: ids for critical_path_span. Owned by the caller; `whole`: it leads back to a span that waited
// for nothing.
uint64_t *critical_path_find(const struct critical_path *path, size_t *n, bool *whole);
const struct path_span *critical_path_span(const struct critical_path *path, uint64_t id);
uint32_t critical_path_lane(uint64_t id);

// What the spans of a path come to, by row: `times` and `asides` of as many rows as there are, added to. Returns the
// time between them.
uint64_t critical_path_sum(const struct critical_path *path, const uint64_t *ids, size_t n, uint64_t *times,
                           uint64_t *asides);

#endif
