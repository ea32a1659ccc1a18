// SPDX-License-Identifier: MIT
#include "monitor/timeline.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static void coarsen(struct timeline *t) {
    for (int b = 0; b < TIMELINE_BUCKETS; b++)
        for (int k = 0; k < TIMELINE_KINDS; k++) {
            const uint64_t time = t->times[b][k];
            t->times[b][k] = 0;
            t->times[b / 2][k] += time;
        }
    t->width *= 2;
}

static void reach(struct timeline *t, uint64_t to) {
    if (t->width == 0)
        t->width = TIMELINE_WIDTH;
    while (to > t->width * TIMELINE_BUCKETS)
        coarsen(t);
}

void timeline_add(struct timeline *t, const struct timeline_span *span) {
    if (span->to <= span->from)
        return;
    reach(t, span->to);
    const double share = (double)span->part / (double)(span->to - span->from);
    for (uint64_t b = span->from / t->width; b * t->width < span->to; b++) {
        const uint64_t first = b * t->width, last = first + t->width;
        const uint64_t from = span->from > first ? span->from : first, to = span->to < last ? span->to : last;
        const uint64_t part = (uint64_t)(share * (double)(to - from));
        t->times[b][span->kind] += to - from - part;
        t->times[b][span->other] += part;
    }
}

// ---- JSON

static uint32_t buckets_to(uint64_t end, uint64_t width) {
    const uint64_t n = (end + width - 1) / width;
    return n < TIMELINE_BUCKETS ? (uint32_t)n : TIMELINE_BUCKETS;
}

static double share_of(const struct timeline *sum, int kind, uint32_t bucket, uint64_t end) {
    const uint64_t left = end - bucket * sum->width; // the last bucket is shorter than the others
    return (double)sum->times[bucket][kind] / (double)(left < sum->width ? left : sum->width);
}

// The stretch in which the kind came at all; NULL: it never came. `sum` is of `workers` workers.
static json_t *percents(const struct timeline *sum, int kind, uint64_t end, uint32_t workers) {
    uint32_t from = 0, to = buckets_to(end, sum->width);
    while (from < to && !sum->times[from][kind])
        from++;
    while (to > from && !sum->times[to - 1][kind])
        to--;
    if (from == to)
        return NULL;
    json_t *object = json_object(), *array = json_array();
    for (uint32_t b = from; b < to; b++) {
        const double percent = 100 * share_of(sum, kind, b, end) / workers;
        json_array_append_new(array, json_integer(percent > 100 ? 100 : lround(percent)));
    }
    json_object_set_new(object, "from", json_integer(from));
    json_object_set_new(object, "percent", array);
    return object;
}

static json_t *lane_json(const struct timeline *sum, uint32_t from, uint32_t to, uint64_t end,
                         const char *const *kinds) {
    char name[64];
    json_t *lane = json_object();
    if (to - from == 1)
        snprintf(name, sizeof name, "worker %u", from + 1);
    else
        snprintf(name, sizeof name, "workers %u to %u", from + 1, to);
    json_object_set_new(lane, "name", json_string(name));
    for (int k = 0; k < TIMELINE_KINDS; k++) {
        json_t *stretch = percents(sum, k, end, to - from);
        if (stretch)
            json_object_set_new(lane, kinds[k], stretch);
    }
    return lane;
}

static void sum_up(struct timeline *sum, const struct timeline *more) {
    for (int b = 0; more && b < TIMELINE_BUCKETS; b++)
        for (int k = 0; k < TIMELINE_KINDS; k++)
            sum->times[b][k] += more->times[b][k];
}

json_t *timeline_json(struct timeline *const *timelines, uint32_t n, uint64_t end, const char *const *kinds) {
    const uint32_t lanes = n < TIMELINE_LANES ? n : TIMELINE_LANES;
    json_t *object = json_object(), *array = json_array();
    uint64_t width = TIMELINE_WIDTH;
    for (uint32_t w = 0; w < n; w++)
        width = timelines[w] && timelines[w]->width > width ? timelines[w]->width : width;
    while (width * TIMELINE_BUCKETS < end)
        width *= 2;
    for (uint32_t w = 0; w < n; w++)
        if (timelines[w])
            reach(timelines[w], width * TIMELINE_BUCKETS);
    struct timeline *sum = MEM_NEW(struct timeline);
    for (uint32_t lane = 0; lane < lanes; lane++) {
        const uint32_t from = (uint32_t)((uint64_t)lane * n / lanes),
                       to = (uint32_t)(((uint64_t)lane + 1) * n / lanes);
        *sum = (struct timeline){.width = width};
        for (uint32_t w = from; w < to; w++)
            sum_up(sum, timelines[w]);
        json_array_append_new(array, lane_json(sum, from, to, end, kinds));
    }
    mem_free(sum);
    json_object_set_new(object, "bucket_seconds", json_real((double)width / 1e9));
    json_object_set_new(object, "seconds", json_real((double)end / 1e9));
    json_object_set_new(object, "lanes", array);
    return object;
}
