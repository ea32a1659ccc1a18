// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_RUN_CACHE_H
#define PRESSRUN_PIPELINE_RUN_CACHE_H
/*
 * The cache as a run has it. Its tiers are opened when something is first looked up or kept: a run that has nothing
 * to cache makes no directory and asks for no memory. In the end a slice of cleaning is done, and what came of it is
 * added to the books (cache_books.h).
 *
 * Audit: a share of the hits is made again by whoever asked, and compared (run_cache_compare). The first difference
 * puts the category into quarantine: its entries are dropped, and nothing of it is looked up or kept any more.
 *
 * Any number of workers may call all but init, end and release.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "pipeline/caching/cache_books.h"
#include "pipeline/caching/caches.h"
#include "stages/load/load.h"

struct run;

struct run_cache_report {
    bool used;        // something was looked up or kept
    unsigned tiers_n; // 0: none was open
    enum cache_tier_kind kinds[CACHE_TIERS_MOST];
    struct cache_stats tiers[CACHE_TIERS_MOST];
    struct cache_category_report categories[CACHE_CATEGORIES_N];
    uint64_t audited, differing; // hits that were made again; and came out otherwise
    unsigned quarantined;        // bits by category
};

struct run_cache {
    struct run *run;
    atomic_uint wanted; // bits of the categories that have a tier
    uint64_t audit_seed;
    uint32_t audit_share; // of 2^32; 0: no audit
    pthread_mutex_t lock; // over opening, and the books
    atomic_int state;     // enum run_cache_state
    struct caches caches;
    atomic_uint quarantined;
    atomic_ullong audited, differing;
    atomic_ullong early_misses[CACHE_CATEGORIES_N]; // before it was opened
    bool has_books, learnt;                         // touched under the lock
    struct cache_books books;
};

void run_cache_init(struct run *run);
void run_cache_follow(struct run *run); // the run has another strategy now
// It may give or keep something, as far as the strategy lets it.
bool run_cache_has(const struct run *run, enum cache_category category);
size_t run_cache_most(const struct run *run, enum cache_category category); // bytes of a value

struct cache_value *run_cache_get(struct run *run, struct cache_key key,
                                  struct cache_found *found); // held, or NULL
// The same of many at once, all of one category.
void run_cache_get_many(struct run *run, const struct cache_key *keys, unsigned n,
                        struct cache_value **values, struct cache_found *found);
void run_cache_put(struct run *run, struct cache_key key, uint32_t tag, struct str bytes);

// Whether this hit is to be made again.
bool run_cache_audits(const struct run *run, struct cache_key key);
// What it came to; `what` names it in a message. Returns whether both are the same.
bool run_cache_compare(struct run *run, struct cache_key key, struct str kept, struct str made,
                       struct str what);

// What is known of a job of earlier runs: a copy; false: nothing.
bool run_cache_known(struct run *run, enum cache_category category, struct str name,
                     struct cache_books_job *job);
void run_cache_learn(struct run *run, const struct cache_books_job *job);

// Of a job: what its outputs cost that were made while it was of interest.
struct run_cached {
    atomic_int state; // see run_cache_render.c
    atomic_ullong timed, counted, time, slowest, bytes;
};

// Nanoseconds that keeping a value of so many bytes in a file and getting it once take, about, with its part of opening
// the tier; measured where texts of 1 kB to 1 MB were packed at level 3. Making a value pays if it takes RUN_CACHE_FACTOR times that: then one hit in a
// few pays for all that were kept in vain.
uint64_t run_cache_cost(uint64_t bytes);
enum { RUN_CACHE_FACTOR = 4 };

// For a source (run_cache_source.c).
struct run_keeper {
    struct load_keeper keeper;
    struct load_shelf shelf; // run_cache_schema.c
    struct run *run;
    struct cache_found found; // since the last span that told of any
    struct str name;          // the source's
};
void run_cache_keep_source(struct run *run, struct str name, struct run_keeper *keeper);
// What a source that is a schema may keep; NULL: nothing.
const struct load_shelf *run_cache_shelf(const struct run *run, const struct run_keeper *keeper);
void run_cache_keep_schema(struct run_keeper *keeper);

// Hits and misses so far, before the end; of the tiers nothing.
void run_cache_look(struct run *run, struct run_cache_report *report);
// Cleans, closes, writes the books.
void run_cache_end(struct run *run, struct run_cache_report *report);
void run_cache_release(struct run *run);

#endif
