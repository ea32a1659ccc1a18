// SPDX-License-Identifier: MIT
#include "monitor/histogram.h"

#include <string.h>

#include "base/mem.h"

enum { BITS = 7, LINEAR = 1 << (BITS + 1), COARSE = 4 };

static uint32_t bucket_of(uint64_t value) {
    if (value < LINEAR)
        return (uint32_t)value;
    uint32_t shift = 63u - BITS - (uint32_t)__builtin_clzll(value);
    return (shift << BITS) + (uint32_t)(value >> shift);
}

// The value in the middle of a bucket.
static uint64_t value_of(uint32_t bucket) {
    if (bucket < LINEAR)
        return bucket;
    uint32_t shift = (bucket >> BITS) - 1;
    uint64_t low = (uint64_t)((bucket & ((1u << BITS) - 1)) + (1u << BITS)) << shift;
    return low + (((uint64_t)1 << shift) - 1) / 2;
}

void histogram_release(struct histogram *h) {
    mem_free(h->counts);
    *h = (struct histogram){0};
}

void histogram_clear(struct histogram *h) {
    if (h->buckets)
        memset(h->counts, 0, h->buckets * sizeof *h->counts);
    h->n = h->min = h->max = 0;
    h->sum = 0;
}

static void reserve(struct histogram *h, uint32_t buckets) {
    if (buckets <= h->buckets)
        return;
    h->counts = mem_realloc(h->counts, buckets * sizeof *h->counts);
    memset(h->counts + h->buckets, 0, (buckets - h->buckets) * sizeof *h->counts);
    h->buckets = buckets;
}

static void count(uint32_t *counter, uint64_t n) {
    *counter = n < UINT32_MAX - *counter ? *counter + (uint32_t)n : UINT32_MAX;
}

static void note(struct histogram *h, uint64_t min, uint64_t max) {
    h->min = h->n && h->min < min ? h->min : min;
    h->max = h->n && h->max > max ? h->max : max;
}

void histogram_add(struct histogram *h, uint64_t value) {
    histogram_add_times(h, value, 1);
}

void histogram_add_times(struct histogram *h, uint64_t value, uint32_t times) {
    uint32_t bucket = bucket_of(value);
    if (bucket >= h->buckets) // to the end of the doubling
        reserve(h, ((bucket >> BITS) + 1) << BITS);
    count(&h->counts[bucket], times);
    note(h, value, value);
    h->n += times;
    h->sum += (double)value * times;
}

void histogram_merge(struct histogram *h, const struct histogram *other) {
    if (!other->n)
        return;
    reserve(h, other->buckets);
    for (uint32_t i = 0; i < other->buckets; i++)
        count(&h->counts[i], other->counts[i]);
    note(h, other->min, other->max);
    h->n += other->n;
    h->sum += other->sum;
}

uint64_t histogram_quantile(const struct histogram *h, double q) {
    if (!h->n || q <= 0)
        return h->min;
    double exact = q * (double)h->n;
    uint64_t rank = (uint64_t)exact, seen = 0;
    rank += (double)rank < exact; // at least so many do not exceed it
    if (rank >= h->n)
        return h->max;
    for (uint32_t i = 0; i < h->buckets; i++) {
        seen += h->counts[i];
        if (seen < rank)
            continue;
        uint64_t value = value_of(i);
        return value < h->min ? h->min : value > h->max ? h->max : value;
    }
    return h->max;
}

double histogram_mean(const struct histogram *h) {
    return h->n ? h->sum / (double)h->n : 0;
}

bool histogram_next(const struct histogram *h, uint32_t *next, uint32_t *bucket, uint64_t *count) {
    for (uint32_t at = *next; at * COARSE < h->buckets; at++) { // a doubling is a multiple of it
        uint64_t sum = 0;
        for (uint32_t i = at * COARSE; i < (at + 1) * COARSE && i < h->buckets; i++)
            sum += h->counts[i];
        if (!sum)
            continue;
        *bucket = at;
        *count = sum;
        *next = at + 1;
        return true;
    }
    return false;
}

uint64_t histogram_middle(uint32_t bucket) {
    const uint64_t low = value_of(bucket * COARSE), high = value_of(bucket * COARSE + COARSE - 1);
    return low + (high - low) / 2;
}
