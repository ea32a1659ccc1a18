// SPDX-License-Identifier: MIT
#ifndef PRESSRUN_PIPELINE_CACHES_H
#define PRESSRUN_PIPELINE_CACHES_H
/*
 * Which tiers of the cache there are, from a manifest and a wish, and their opening: for a run, which opens them when it
 * first wants something of them, and for the command `cache`.
 *
 * A wish is what the command line and the environment ask for: "off", or tiers with what may be done with them, such
 * as "local:r" or "memory,redis:r"; `local` is memory and file. Tiers that are not named are left alone then.
 *
 * A strategy narrows what the manifest has, or widens it (strategy.h), unless a wish names tiers: then these are it. What an
 * open cache is used for may be changed at any time, but for its tiers and their levels of compression, which are those it
 * was opened with.
 *
 * A tier that cannot be had is left out, and a sentence says so; nothing fails for it.
 *
 * To add a tier here: a name in `tier_words`, its part of caches_open, and its keys in the manifest.
 */
#include "cache/cache.h"
#include "cache/packs.h"
#include "cache/redis.h"
#include "pipeline/manifest/manifest.h"
#include "pipeline/strategy/strategy.h"
#include "stages/emit/emit.h"

#define CACHES_DIRECTORY EMIT_BOOKS "/cache" // beneath the output directory

struct caches_wish {
    bool off;
    unsigned tiers;        // bits by enum cache_tier_kind; 0: the manifest's
    unsigned read_only;    // likewise
    unsigned without;      // likewise: not used, whatever else is said
    unsigned refresh;      // bits by category: look nowhere, make and keep again
    bool warm;             // whatever is dear is looked up and kept from the first on: nothing is tried out
    const char *directory; // of the file tier; NULL: the manifest's
};

enum status caches_parse(struct str spec, struct caches_wish *wish, struct err *err);
// A category, or "all".
enum status caches_parse_refresh(struct str category, struct caches_wish *wish, struct err *err);

struct caches_place {
    const struct fs *fs;
    const struct clock *clock;
    const struct manifest *manifest;
    const struct caches_wish *wish;
    const struct strategy_caching *caching; // NULL: of runs that ask for no strategy
    const struct strategy_caching *later;   // what it may come to be used for besides; NULL: nothing else
    int root;           // the output directory; -1: there is none, and no file tier beneath it
    const char *output; // its name, where it is not the manifest's
    bool look;          // what is not there is not made
    void (*note)(void *context, const char *sentence);
    void *context;
};

struct caches_rules;
struct caches {
    struct cache *cache;              // NULL: no tier could be had
    struct caches_rules *rules;       // owned: all that have been in use
    unsigned place_of[CACHE_TIERS_N]; // in the cache
    struct packs *packs;              // the file tier, the cache's; NULL: there is none
    struct redis *redis;              // likewise
    const struct fs *fs;
    int directory; // the file tier's; -1: none
};

bool caches_is_said(const struct caches_wish *wish); // what is used, so that no strategy is asked
// Bits of the tiers that a category would have; `caching` NULL: as above.
unsigned caches_tiers(const struct manifest *manifest, const struct caches_wish *wish,
                      const struct strategy_caching *caching, enum cache_category category);
// Whether some tier may have something already.
bool caches_are_there(const struct caches_place *place);
void caches_open(const struct caches_place *place, struct caches *caches);
// From now on as place->caching says; `place` is otherwise as when they were opened. By one at a time.
void caches_use(const struct caches_place *place, struct caches *caches);
// Ends with a slice of cleaning; `slice` 0: without.
void caches_close(struct caches *caches, uint64_t slice);
// Where the file tier is, for people; in `out`.
void caches_shown(const struct manifest *manifest, const struct caches_wish *wish, const char *output,
                  struct buf *out);

// What an entry is found by when all made with a template are to go: its name.
uint32_t caches_tag(struct str template_name);

#endif
