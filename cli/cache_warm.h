// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_WARM_H
#define PRESSRUN_CLI_CACHE_WARM_H
/*
 * Filling the cache before it is wanted: all of some jobs, made without being published; or the entries that runs used
 * most, read so that the system has them at hand, and put into redis where there is one.
 */
#include "cli/command.h"
#include "pipeline/caching/cache_books.h"
#include "pipeline/caching/caches.h"

struct cache_warming {
    struct cli *cli;
    struct manifest *manifest; // sound
    struct caches_wish wish;
    const char *output; // the output directory
    bool json;
};

// The exit code.
int cache_warm_jobs(const struct cache_warming *warming, const struct str *names, size_t n);
int cache_warm_most_used(const struct cache_warming *warming, uint32_t most);

#endif
