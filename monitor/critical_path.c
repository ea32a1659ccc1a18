// SPDX-License-Identifier: MIT
#include "monitor/critical_path.h"

#include "base/mem.h"

enum { NUMBER_BITS = 48, LANE_FIRST = 256, LANE_LEAST = 64 };

// Spans are numbered from 1; number n is at (n - 1) % cap. Lanes do not share a cache line.
struct lane {
    struct path_span *spans;
    size_t cap; // a power of two
    uint64_t n; // that were added
    char apart[64 - 2 * sizeof(size_t) - sizeof(uint64_t)];
};

struct critical_path {
    struct lane *lanes;
    uint32_t workers;
    size_t most; // of a lane: a power of two
};

struct critical_path *critical_path_new(uint32_t workers, size_t most) {
    struct critical_path *path = MEM_NEW(struct critical_path);
    *path = (struct critical_path){
        .lanes = MEM_NEW_ARRAY(struct lane, workers + 1), .workers = workers, .most = LANE_LEAST};
    while (path->most * 2 * (workers + 1) <= most)
        path->most *= 2;
    return path;
}

void critical_path_free(struct critical_path *path) {
    if (!path)
        return;
    for (uint32_t i = 0; i <= path->workers; i++)
        mem_free(path->lanes[i].spans);
    mem_free(path->lanes);
    mem_free(path);
}

uint32_t critical_path_lane(uint64_t id) {
    return (uint32_t)(id >> NUMBER_BITS);
}

// NULL: there is none, or it has given way.
static const struct path_span *find(const struct critical_path *path, uint64_t id) {
    const uint64_t number = id & ((UINT64_C(1) << NUMBER_BITS) - 1);
    const struct lane *lane = &path->lanes[critical_path_lane(id)];
    return number && lane->n - number < lane->cap ? &lane->spans[(number - 1) & (lane->cap - 1)] : NULL;
}

const struct path_span *critical_path_span(const struct critical_path *path, uint64_t id) {
    return find(path, id);
}

struct path_mark path_later(struct path_mark a, struct path_mark b) {
    return b.id && (!a.id || b.at > a.at) ? b : a;
}

static uint64_t last_of(const struct critical_path *path, uint32_t lane) {
    const uint64_t n = path->lanes[lane].n;
    return n ? (uint64_t)lane << NUMBER_BITS | n : 0;
}

// Until the lane has all it may have, its numbers are its indexes.
static void grow(struct lane *lane, size_t most) {
    size_t cap = lane->cap ? lane->cap * 2 : LANE_FIRST < most ? LANE_FIRST : most;
    struct path_span *spans = MEM_NEW_ARRAY(struct path_span, cap);
    for (size_t i = 0; i < lane->cap; i++)
        spans[i] = lane->spans[i];
    mem_free(lane->spans);
    lane->spans = spans;
    lane->cap = cap;
}

struct path_mark critical_path_add(struct critical_path *path, uint32_t lane, const struct path_span *span,
                                   const struct path_mark *after, size_t after_n) {
    struct lane *mine = &path->lanes[lane];
    struct path_mark before = {0, 0};
    for (size_t i = 0; i < after_n; i++)
        if (after[i].at <= span->from)
            before = path_later(before, after[i]);
    // Of two that ended together it is the work itself that leads on, not the worker.
    const uint64_t last = lane < path->workers ? last_of(path, lane) : 0;
    if (last)
        before = path_later(before, (struct path_mark){last, find(path, last)->to});
    if (mine->n == mine->cap && mine->cap < path->most)
        grow(mine, path->most);
    struct path_span *added = &mine->spans[mine->n++ & (mine->cap - 1)];
    *added = *span;
    added->before = before.id;
    return (struct path_mark){last_of(path, lane), span->to};
}

static uint64_t last_of_all(const struct critical_path *path) {
    struct path_mark last = {0, 0};
    for (uint32_t lane = 0; lane <= path->workers; lane++)
        for (uint64_t number = path->lanes[lane].n; number; number--) {
            const uint64_t id = (uint64_t)lane << NUMBER_BITS | number;
            const struct path_span *span = find(path, id);
            if (span)
                last = path_later(last, (struct path_mark){id, span->to});
            if (!span || lane < path->workers) // a worker's last one ended last
                break;
        }
    return last.id;
}

uint64_t *critical_path_find(const struct critical_path *path, size_t *n, bool *whole) {
    uint64_t *ids = NULL, at = last_of_all(path);
    size_t cap = 0;
    *n = 0;
    for (const struct path_span *span; (span = at ? find(path, at) : NULL); at = span->before) {
        MEM_GROW(ids, cap, *n + 1);
        ids[(*n)++] = at;
    }
    *whole = at == 0;
    for (size_t i = 0; i < *n / 2; i++) {
        const uint64_t id = ids[i];
        ids[i] = ids[*n - 1 - i];
        ids[*n - 1 - i] = id;
    }
    return ids;
}

uint64_t critical_path_sum(const struct critical_path *path, const uint64_t *ids, size_t n, uint64_t *times,
                           uint64_t *asides) {
    uint64_t between = 0;
    for (size_t i = 0; i < n; i++) {
        const struct path_span *span = find(path, ids[i]);
        times[span->row] += span->to - span->from - span->aside;
        asides[span->row] += span->aside;
        if (i > 0)
            between += span->from - find(path, ids[i - 1])->to;
    }
    return between;
}
