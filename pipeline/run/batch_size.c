// SPDX-License-Identifier: MIT
#include "pipeline/run/batch_size.h"

// Of what is left, each worker gets so many batches.
enum { ENDING_BATCHES = 2 };
static const double NEW_SHARE = 1.0 / 3;

void batch_size_init(struct batch_size *size, const struct batch_size_bounds *bounds) {
    *size = (struct batch_size){.bounds = *bounds};
    if (size->bounds.units_least == 0)
        size->bounds.units_least = 1;
    if (size->bounds.workers == 0)
        size->bounds.workers = 1;
}

static void smooth(double *cost, size_t n, double nanoseconds) {
    if (n == 0)
        return;
    const double each = nanoseconds / (double)n;
    *cost = *cost > 0 ? *cost + (each - *cost) * NEW_SHARE : each;
}

// Small batches that follow large ones (the last of a source, those that were on their way) do not make the next one small.
static size_t tried(size_t before, size_t now) {
    const size_t fading = before - before / 4;
    return now > fading ? now : fading;
}

void batch_size_observe(struct batch_size *size, size_t units, size_t weight, uint64_t nanoseconds) {
    if (units == 0)
        return;
    // A clock that stands still says no more than that it was quick.
    const double cost = nanoseconds ? (double)nanoseconds : 1;
    smooth(&size->unit_cost, units, cost);
    smooth(&size->weight_cost, weight, cost);
    size->units_tried = tried(size->units_tried, units);
    size->weight_tried = tried(size->weight_tried, weight);
}

// How many of what costs `each` cost `cost` together, from `least` to `most`.
static size_t as_many(double cost, double each, size_t least, size_t most) {
    const double n = each > 0 ? cost / each : (double)most;
    if (n >= (double)most)
        return most > least ? most : least;
    return n > (double)least ? (size_t)n : least;
}

static size_t grown(size_t tried, size_t first, size_t most) {
    if (tried >= most / BATCH_SIZE_GROWTH)
        return most;
    return tried * BATCH_SIZE_GROWTH > first ? tried * BATCH_SIZE_GROWTH : first;
}

// What the next batch may cost.
static double wanted_cost(const struct batch_size *size, double left) {
    const double share =
        left * size->unit_cost / ((double)size->bounds.workers * ENDING_BATCHES); // of what is left
    if (size->bounds.workers == 1 || left <= 0 || share >= BATCH_SIZE_TARGET)
        return BATCH_SIZE_TARGET;
    return share > BATCH_SIZE_LEAST ? share : BATCH_SIZE_LEAST;
}

struct batch_size_next batch_size_next(const struct batch_size *size, double left) {
    const struct batch_size_bounds *bounds = &size->bounds;
    if (bounds->fixed)
        return (struct batch_size_next){bounds->fixed, bounds->weight_most};
    const double cost = wanted_cost(size, left);
    const size_t weight_most = size->weight_cost > 0 ? as_many(BATCH_SIZE_LEAST, size->weight_cost,
                                                               bounds->weight_most, bounds->weight_room)
                                                     : bounds->weight_most;
    const size_t units = grown(size->units_tried, BATCH_SIZE_FIRST, bounds->units_most);
    const size_t weight = grown(size->weight_tried, bounds->weight_first, weight_most);
    struct batch_size_next next = {as_many(cost, size->unit_cost, bounds->units_least, units),
                                   as_many(cost, size->weight_cost, bounds->weight_least, weight)};
    if (next.units == bounds->units_least && next.units > 1)
        next.weight = weight_most;
    return next;
}
