// SPDX-License-Identifier: MIT
// The redis tier of a build without hiredis and libb2: it can be asked for, and says that it is not there.
#include <assert.h>

#include "cache/redis.h"

enum status redis_open(const struct redis_options *options, struct redis **redis, struct err *err) {
    (void)options;
    *redis = NULL;
    return err_set(err, STATUS_UNSUPPORTED,
                   "no redis here: this pressrun was built without hiredis and libb2");
}

struct cache_tier redis_tier(struct redis *redis) {
    (void)redis;
    assert(!"there is no redis to have a tier of");
    return (struct cache_tier){0};
}

bool redis_each(struct redis *redis, enum cache_category category,
                void (*see)(void *context, const struct redis_entry *entry), void *context) {
    (void)redis, (void)category, (void)see, (void)context;
    return false;
}

struct redis_stats redis_stats(struct redis *redis) {
    (void)redis;
    return (struct redis_stats){0};
}
