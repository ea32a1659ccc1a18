// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_BATCH_SIZE_H
#define PRESSRUN_PIPELINE_RUN_BATCH_SIZE_H
/*
 * How large the next batch is to be, from what those before it cost: observations in, a size out. Nothing here knows
 * clocks, records or threads; what the numbers are of is the caller's business.
 *
 * A batch consists of units (records, groups) that have a weight (bytes; of groups: records). A batch that costs too
 * little is eaten up by what each costs the scheduler; one that costs too much keeps one worker busy while the others have
 * nothing left. So it is to cost BATCH_SIZE_TARGET of a worker's time, over all that is done with it:
 *
 *   - The cost of a unit and of a unit of weight are smoothed: a third of what is new. The size is the target over these,
 *     whichever of the two is reached first: so units that are dear for their size, and large ones among small ones, count.
 *   - It begins with BATCH_SIZE_FIRST units, and grows to at most BATCH_SIZE_GROWTH times what was observed: nobody knows
 *     what the next units cost. It shrinks at once, as far as one unit.
 *   - Weight is memory, so it has a bound: `weight_most`; and one more that only batches reach that would else cost less
 *     than BATCH_SIZE_LEAST: `weight_room`. Less than `weight_least` is not worth asking for.
 *   - Near the end batches get smaller, a share of what is left for each worker, down to BATCH_SIZE_LEAST: then workers end
 *     together.
 *
 * One thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Nanoseconds of a worker's time.
#define BATCH_SIZE_TARGET 700000
#define BATCH_SIZE_LEAST  200000
enum { BATCH_SIZE_FIRST = 4, BATCH_SIZE_GROWTH = 4 };

struct batch_size_bounds {
    uint32_t workers;
    size_t units_least, units_most; // at least 1; `units_least` are wanted whatever they cost and weigh
    size_t weight_least, weight_first, weight_most, weight_room; // a single unit may weigh more
    size_t fixed; // units of every batch, or weight_most; 0: by cost
};

struct batch_size {
    struct batch_size_bounds bounds;
    double unit_cost, weight_cost;    // nanoseconds, smoothed; 0: not known
    size_t units_tried, weight_tried; // of the largest batch lately
};

struct batch_size_next {
    size_t units, weight; // it ends when it has one of the two; at least 1
};

void batch_size_init(struct batch_size *size, const struct batch_size_bounds *bounds);
// A batch has come to its end, after so much work.
void batch_size_observe(struct batch_size *size, size_t units, size_t weight, uint64_t nanoseconds);
// `left`: units that are still to come, those of this batch included, as far as can be told; 0: unknown.
struct batch_size_next batch_size_next(const struct batch_size *size, double left);

#endif
