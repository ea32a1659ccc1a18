// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_TESTS_SUPPORT_REDIS_RUN_H
#define PRESSRUN_TESTS_SUPPORT_REDIS_RUN_H
/*
 * What the redis tests put and get: values that are known from their numbers, so that every one that comes back is
 * compared in full.
 */
#include "cache/redis_private.h"

struct redis_run { // a tier, and what it was opened with
    struct redis *redis;
    struct cache_tier tier;
    struct clock clock;
    struct fs fs;
};

// Generous limits where none are given, so that a slow machine fails no test. Anything but OK fails the test.
void redis_run_open(struct redis_run *run, const char *url, struct redis_options options);
void redis_run_close(struct redis_run *run);

struct cache_key redis_run_key(unsigned i); // every third is of CACHE_THROUGH, the others of CACHE_RENDER
struct cache_value *redis_run_value(unsigned i); // held; made now
bool redis_run_put(struct redis_run *run, unsigned i);
bool redis_run_has(struct redis_run *run, unsigned i); // a wrong one fails the test
bool redis_run_is_right(const struct cache_value *value, unsigned i);

// A command of words, past the tier; the first item of its reply, as text if it has one.
struct redis_item redis_run_raw(const char *url, const struct str *words, unsigned n, struct buf *text);

#endif
