// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CLI_CACHE_WARM_H
#define PRESSRUN_CLI_CACHE_WARM_H
/*
 * Filling the cache before it is wanted: all of some jobs, made without being published, those named or those whose
 * templates were used most (cache_warm_used.c); or the entries that runs used most, read so that the system has them at
 * hand, and put into redis where there is one.
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

struct cache_warmed {
    uint64_t kept, bytes, there, failed;
};

// Those that give an int give the exit code.
// All of the manifest's jobs, into a directory that goes again; what came of it is added up.
int cache_warm_make(const struct cache_warming *warming, struct cache_warmed *warmed);
void cache_warmed_text(const struct cache_warmed *warmed, struct buf *out);
void cache_warmed_json(const struct cache_warmed *warmed, struct buf *out); // members
int cache_warm_jobs(const struct cache_warming *warming, const struct str *names, size_t n);
// Jobs that lead to one of the `most` templates that the history says were used most, those used most first.
int cache_warm_templates(const struct cache_warming *warming, const char *history, uint32_t most);
int cache_warm_most_used(const struct cache_warming *warming, uint32_t most);

#endif
