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
 * A tier that cannot be had is left out, and a sentence says so; nothing fails for it.
 *
 * To add a tier here: a name in `tier_words`, its part of caches_open, and its keys in the manifest.
 */
#include "cache/cache.h"
#include "cache/packs.h"
#include "cache/redis.h"
#include "pipeline/manifest/manifest.h"
#include "stages/emit/emit.h"

#define CACHES_DIRECTORY EMIT_BOOKS "/cache" // beneath the output directory

struct caches_wish {
    bool off;
    unsigned tiers;        // bits by enum cache_tier_kind; 0: the manifest's
    unsigned read_only;    // likewise
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
    int root;           // the output directory; -1: there is none, and no file tier beneath it
    const char *output; // its name, where it is not the manifest's
    bool look;          // what is not there is not made
    void (*note)(void *context, const char *sentence);
    void *context;
};

struct caches {
    struct cache *cache; // NULL: no tier could be had
    struct packs *packs; // the file tier, the cache's; NULL: there is none
    struct redis *redis; // likewise
    const struct fs *fs;
    int directory; // the file tier's; -1: none
};

// Bits of the tiers that a category would have.
unsigned caches_tiers(const struct manifest *manifest, const struct caches_wish *wish,
                      enum cache_category category);
// Whether some tier may have something already.
bool caches_are_there(const struct caches_place *place);
void caches_open(const struct caches_place *place, struct caches *caches);
// Ends with a slice of cleaning; `slice` 0: without.
void caches_close(struct caches *caches, uint64_t slice);
// Where the file tier is, for people; in `out`.
void caches_shown(const struct manifest *manifest, const struct caches_wish *wish, const char *output,
                  struct buf *out);

// What an entry is found by when all made with a template are to go: its name.
uint32_t caches_tag(struct str template_name);

#endif
