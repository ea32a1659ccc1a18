// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_CACHE_REDIS_H
#define PRESSRUN_CACHE_REDIS_H
/*
 * The redis tier: entries that several machines share, under keys `PREFIX:1:CATEGORY:HEX-DIGEST`.
 *
 * It can cost time and nothing else. Whatever the server is or says, a value is served only if its keyed BLAKE2b over
 * category, key, time, tag and payload is right (redis_value.h); all else is a miss. Every connect and every exchange has
 * a time limit and a bound of bytes; after a few failures in a row a circuit breaker asks nothing for a while, then
 * tries once, and doubles the while when that fails. So a dead server costs the failures before the breaker opens
 * (3 times 200 ms as a rule) and a try now and then.
 *
 * hiredis and libb2 are loaded by redis_open and by nothing else; a build or a system without them has no redis tier.
 *
 * What is put is gathered and sent many at a time, in the order of the calls; until then, or until flush, only this
 * process's other tiers have it. It expires in redis after its lifetime. Reads go by MGET, so many keys cost one
 * round trip. What MGET cannot answer at once (cluster redirects) is an error like any other.
 *
 * Without a secret the sum proves that bytes are whole and belong to their key, not who wrote them: whoever can write to
 * the server can then make values up. With one, only those who have it can.
 *
 * Any number of threads may call all but open and close.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "cache/tier.h"

enum { REDIS_CONNECTIONS_MOST = 16, REDIS_BATCH = 100 };

struct redis; // owned

struct redis_options {
    // redis://[user:password@]host[:port][/db] or unix:///path[?db=N]; a password may have %XX in it.
    struct str url;
    struct str prefix; // letters, digits and -_.: only; none: "pressrun"
    // Where the secret is: a file (without a newline at its end) or a variable of the environment; both NULL: none.
    const char *secret_file, *secret_variable;
    const struct fs *fs;       // to read the file with
    const struct clock *clock; // copied
    bool read_only;            // nothing is put, invalidated or cleared

    // Of each category, nanoseconds: cache_policy's. 0: 30 days, as a store that others share is to be left clean.
    int64_t lifetimes[CACHE_CATEGORIES_N];
    const int *levels; // of compression by category, 0: the usual one; NULL: all are
    // 0 is the usual of each:
    uint64_t connect_limit; // nanoseconds; 200 ms, names and greeting included
    uint64_t command_limit; // 100 ms, of an exchange as a whole
    uint64_t clear_limit;   // 10 s, of a clear as a whole
    uint64_t pause;         // 1 s, of the breaker after it opened; doubles up to
    uint64_t pause_most;    // 60 s
    unsigned failures;      // 3 in a row open the breaker
    unsigned connections;   // 4, at most REDIS_CONNECTIONS_MOST
    unsigned batch;         // REDIS_BATCH values are sent at once
    size_t largest;         // 4 MiB; larger values are neither put nor believed
};

enum redis_state { REDIS_CLOSED, REDIS_HALF_OPEN, REDIS_OPEN }; // of the breaker; closed is well

struct redis_stats {
    enum redis_state state;
    uint64_t opened;      // times that the breaker opened
    uint64_t skipped;     // gets and puts that were not even tried for that
    uint64_t failures;    // connects and exchanges that failed: time limit, hung up, not the protocol
    uint64_t errors;      // replies that were the server's errors
    uint64_t connects;    // that succeeded
    uint64_t round_trips; // exchanges that were answered
    uint64_t lost;        // puts that did not get there
    char last_error[160]; // in words, of the last failure or error; "" for none
};

// No server is asked yet, so one that is down is no error here. STATUS_UNSUPPORTED: hiredis or libb2 is not in this build
// or not on this system; the cache goes on without, and err says so in a sentence to show. STATUS_DATA: the url, prefix
// or secret is not as it must be. STATUS_IO: the secret's file cannot be read.
enum status redis_open(const struct redis_options *options, struct redis **redis, struct err *err);
struct cache_tier redis_tier(struct redis *redis); // closing the tier flushes and frees the redis
struct redis_stats redis_stats(struct redis *redis);

// What the header of an entry says, for choosing what to invalidate: nothing of it is verified.
struct redis_entry {
    struct cache_key key;
    int64_t made;
    uint32_t tag;
    uint64_t bytes, stored;
};
// Those of a category, in no order, and some maybe twice. `see` may call the tier. false: not all, for what redis_stats
// says, or as clear_limit was over.
bool redis_each(struct redis *redis, enum cache_category category,
                void (*see)(void *context, const struct redis_entry *entry), void *context);

#endif
