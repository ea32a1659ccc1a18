// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_MEMORY_H
#define PRESSRUN_CACHE_MEMORY_H
/*
 * The memory tier: values as they are, in 64 shards of a hash table, each with its own lock and its own part of the
 * byte bound. What has not been asked for since the hand last came by goes first (CLOCK): a hit writes one flag, where
 * a list of the least recently used would be re-linked under the lock.
 *
 * A shard keeps what fits its part; a value larger than an eighth of that is not kept at all. Evicted values live on
 * with those who hold them.
 */
#include "cache/tier.h"

struct memory; // owned

struct memory *memory_new(size_t cap);                // bytes, keys and tables counted
struct cache_tier memory_tier(struct memory *memory); // closing the tier frees the memory

#endif
