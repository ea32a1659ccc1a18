// SPDX-License-Identifier: MIT
#include "pipeline/caching/caches.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "cache/memory.h"

static const struct {
    const char *word;
    unsigned tiers;
} tier_words[] = {
    {"local", 1u << CACHE_MEMORY | 1u << CACHE_PACKS},
    {"memory", 1u << CACHE_MEMORY},
    {"file", 1u << CACHE_PACKS},
    {"redis", 1u << CACHE_REDIS},
};

static enum status unknown_tier(struct str word, struct err *err) {
    if (str_is(word, "off"))
        return err_set(err, STATUS_DATA, "\"off\" stands alone: with it no tier is used");
    struct suggestion suggestion = suggest_for(word);
    for (size_t i = 0; i < sizeof tier_words / sizeof *tier_words; i++)
        suggest_offer(&suggestion, str_of(tier_words[i].word));
    if (suggestion.best.p)
        return err_set(err, STATUS_DATA, "there is no cache tier \"%.*s\", did you mean \"%.*s\"?",
                       STR_ARG(word), STR_ARG(suggestion.best));
    return err_set(err, STATUS_DATA,
                   "there is no cache tier \"%.*s\"; local, memory, file and redis are, or off",
                   STR_ARG(word));
}

static enum status parse_tier(struct str part, struct caches_wish *wish, struct err *err) {
    const char *colon = part.n ? memchr(part.p, ':', part.n) : NULL;
    struct str word = {part.p, colon ? (size_t)(colon - part.p) : part.n};
    struct str access = colon ? str_from(part, word.n + 1) : STR("rw");
    unsigned tiers = 0;
    for (size_t i = 0; i < sizeof tier_words / sizeof *tier_words; i++)
        if (str_is(word, tier_words[i].word))
            tiers = tier_words[i].tiers;
    if (!tiers)
        return unknown_tier(word, err);
    if (!str_is(access, "r") && !str_is(access, "rw"))
        return err_set(err, STATUS_DATA, "a cache tier is used \"r\" or \"rw\", not \"%.*s\"",
                       STR_ARG(access));
    wish->tiers |= tiers;
    if (str_is(access, "r"))
        wish->read_only |= tiers;
    return STATUS_OK;
}

enum status caches_parse(struct str spec, struct caches_wish *wish, struct err *err) {
    wish->off = str_is(spec, "off");
    wish->tiers = wish->read_only = 0;
    if (wish->off)
        return STATUS_OK;
    for (size_t at = 0; at <= spec.n;) {
        const char *comma = at < spec.n ? memchr(spec.p + at, ',', spec.n - at) : NULL;
        size_t end = comma ? (size_t)(comma - spec.p) : spec.n;
        if (parse_tier(str_slice(spec, at, end), wish, err) != STATUS_OK)
            return err->status;
        at = end + 1;
    }
    return STATUS_OK;
}

enum status caches_parse_refresh(struct str word, struct caches_wish *wish, struct err *err) {
    enum cache_category category;
    if (str_is(word, "all")) {
        wish->refresh = ~0u;
        return STATUS_OK;
    }
    if (cache_category_find(word, &category)) {
        wish->refresh |= 1u << category;
        return STATUS_OK;
    }
    struct suggestion suggestion = suggest_for(word);
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        suggest_offer(&suggestion, str_of(cache_category_name((enum cache_category)c)));
    return err_set(err, STATUS_DATA, "there is no cache category \"%.*s\"%s%.*s%s", STR_ARG(word),
                   suggestion.best.p ? ", did you mean \"" : "; source, program, render and through are",
                   STR_ARG(suggestion.best), suggestion.best.p ? "\"?" : "");
}

bool caches_is_said(const struct caches_wish *wish) {
    return wish->off || wish->tiers;
}

static const struct strategy_caching *caching_or_default(const struct strategy_caching *caching) {
    return caching ? caching : &strategy_default.caching;
}

unsigned caches_tiers(const struct manifest *manifest, const struct caches_wish *wish,
                      const struct strategy_caching *caching, enum cache_category category) {
    const struct manifest_cache *cache = &manifest->cache;
    caching = caching_or_default(caching);
    if (wish->off)
        return 0;
    unsigned tiers = cache->categories[category].tiers | caching->also;
    if (!wish->tiers)
        tiers &= caching->categories >> category & 1 ? caching->tiers : 0;
    if (!cache->memory)
        tiers &= ~(1u << CACHE_MEMORY);
    if (!cache->file)
        tiers &= ~(1u << CACHE_PACKS);
    if (!cache->redis.url.p)
        tiers &= ~(1u << CACHE_REDIS);
    tiers &= ~wish->without;
    return wish->tiers ? tiers & wish->tiers : tiers;
}

static int64_t lifetime_of(const struct caches_place *place, enum cache_category category) {
    const struct manifest_cache_category *wanted = &place->manifest->cache.categories[category];
    const int64_t times = caching_or_default(place->caching)->lifetimes;
    return (wanted->has_ttl ? (int64_t)wanted->ttl * 1000000000 : cache_usual[category].lifetime) * times;
}

// 0: the category's usual one.
static int level_of(const struct caches_place *place, enum cache_category category) {
    enum { MOST = 19 }; // beyond it zstd wants memory for windows that no value fills
    const int wanted = place->manifest->cache.categories[category].level;
    const int more = caching_or_default(place->caching)->levels;
    const int level = (wanted ? wanted : cache_usual[category].level) + more;
    return !more ? wanted : level < MOST ? level : MOST;
}

// Opening ---------------------------------------------------------------------------------------------------

static void note(const struct caches_place *place, const char *sentence) {
    if (place->note)
        place->note(place->context, sentence);
}

static void note_unusable(const struct caches_place *place, const char *why) {
    char text[700];
    snprintf(text, sizeof text, "the cache's file tier is not used: %s", why);
    note(place, text);
}

// The directory's descriptor, or what failed. -ENOENT: it is not there and not to be made.
static int open_directory(const struct caches_place *place, bool make) {
    const struct fs *fs = place->fs;
    const char *given = place->wish->directory ? place->wish->directory : place->manifest->cache.directory.p;
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    if (!given && place->root < 0)
        return -ENOENT;
    if (make) {
        int made = given ? fs_make_dirs(fs, AT_FDCWD, given, 0777)
                         : fs_make_dirs(fs, place->root, CACHES_DIRECTORY, 0777);
        if (made < 0)
            return made;
    }
    return given ? fs->open(fs->self, AT_FDCWD, given, flags, 0)
                 : fs->open_beneath(fs->self, place->root, CACHES_DIRECTORY, flags | O_NOFOLLOW, 0);
}

static bool open_packs(const struct caches_place *place, struct caches *caches) {
    const struct manifest_cache *wanted = &place->manifest->cache;
    const bool read_only = place->wish->read_only >> CACHE_PACKS & 1;
    int levels[CACHE_CATEGORIES_N];
    struct err err;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        levels[c] = level_of(place, (enum cache_category)c);
    caches->directory = open_directory(place, !read_only && !place->look);
    if (caches->directory < 0) {
        if (caches->directory == -ENOENT && (read_only || place->look || place->root < 0))
            return false; // nothing has been kept yet
        struct buf shown = BUF_INIT;
        caches_shown(place->manifest, place->wish, place->output, &shown);
        err_os(&err, -caches->directory, "cannot open %s", buf_text(&shown));
        note_unusable(place, err.text);
        buf_release(&shown);
        return false;
    }
    const struct packs_options options = {.fs = place->fs,
                                          .clock = place->clock,
                                          .dir = caches->directory,
                                          .cap = wanted->file,
                                          .read_only = read_only,
                                          .levels = levels};
    if (packs_open(&options, &caches->packs, &err) == STATUS_OK)
        return true;
    note_unusable(place, err.text);
    place->fs->close(place->fs->self, caches->directory);
    caches->directory = -1;
    return false;
}

static bool open_redis(const struct caches_place *place, struct caches *caches) {
    const struct manifest_redis *wanted = &place->manifest->cache.redis;
    struct redis_options options = {.url = wanted->url,
                                    .prefix = wanted->prefix,
                                    .secret_file = wanted->secret_file.p,
                                    .secret_variable = wanted->secret_variable.p,
                                    .fs = place->fs,
                                    .clock = place->clock,
                                    .read_only = place->wish->read_only >> CACHE_REDIS & 1};
    struct err err;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        options.lifetimes[c] = lifetime_of(place, (enum cache_category)c);
    if (redis_open(&options, &caches->redis, &err) == STATUS_OK)
        return true;
    char text[700];
    snprintf(text, sizeof text, "the cache's redis tier is not used: %s", err.text);
    note(place, text);
    return false;
}

// How a strategy uses the cache. They stay as long as it does, since somebody may still be looking something up by them.
struct caches_rules {
    const struct strategy_caching *caching;
    struct cache_policy policies[CACHE_CATEGORIES_N];
    struct caches_rules *next;
};

static struct cache_policy policy_of(const struct caches_place *place, const struct caches *caches,
                                     enum cache_category category) {
    const struct manifest_cache_category *wanted = &place->manifest->cache.categories[category];
    struct cache_policy policy = cache_policy(caches->cache, category);
    const unsigned tiers = caches_tiers(place->manifest, place->wish, place->caching, category);
    policy.tiers = 0;
    for (unsigned kind = 0; kind < CACHE_TIERS_N; kind++)
        if (tiers >> kind & 1 && caches->place_of[kind] < CACHE_TIERS_MOST)
            policy.tiers |= 1u << caches->place_of[kind];
    policy.lifetime = lifetime_of(place, category);
    if (wanted->most)
        policy.largest = wanted->most;
    policy.refresh = place->wish->refresh >> category & 1;
    return policy;
}

void caches_use(const struct caches_place *place, struct caches *caches) {
    struct caches_rules *rules = caches->rules;
    if (!caches->cache)
        return;
    while (rules && rules->caching != place->caching)
        rules = rules->next;
    if (!rules) {
        rules = MEM_NEW(struct caches_rules);
        rules->caching = place->caching;
        for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
            rules->policies[c] = policy_of(place, caches, (enum cache_category)c);
        rules->next = caches->rules;
        caches->rules = rules;
    }
    cache_use_policies(caches->cache, rules->policies);
}

static unsigned all_tiers(const struct caches_place *place) {
    unsigned wanted = 0;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        wanted |= caches_tiers(place->manifest, place->wish, place->caching, (enum cache_category)c) |
                  caches_tiers(place->manifest, place->wish, place->later ? place->later : place->caching,
                               (enum cache_category)c);
    return wanted;
}

bool caches_are_there(const struct caches_place *place) {
    const unsigned wanted = all_tiers(place);
    if (wanted >> CACHE_REDIS & 1)
        return true;
    int directory = wanted >> CACHE_PACKS & 1 ? open_directory(place, false) : -ENOENT;
    if (directory >= 0)
        place->fs->close(place->fs->self, directory);
    return directory != -ENOENT;
}

void caches_open(const struct caches_place *place, struct caches *caches) {
    struct cache_tier tiers[CACHE_TIERS_N];
    const unsigned wanted = all_tiers(place);
    unsigned n = 0;
    *caches = (struct caches){.fs = place->fs, .directory = -1};
    for (unsigned kind = 0; kind < CACHE_TIERS_N; kind++)
        caches->place_of[kind] = CACHE_TIERS_MOST;
    if (wanted >> CACHE_MEMORY & 1 && !place->look) {
        caches->place_of[CACHE_MEMORY] = n;
        tiers[n++] = memory_tier(memory_new((size_t)place->manifest->cache.memory));
    }
    if (wanted >> CACHE_PACKS & 1 && open_packs(place, caches)) {
        caches->place_of[CACHE_PACKS] = n;
        tiers[n++] = packs_tier(caches->packs);
    }
    if (wanted >> CACHE_REDIS & 1 && open_redis(place, caches)) {
        caches->place_of[CACHE_REDIS] = n;
        tiers[n++] = redis_tier(caches->redis);
    }
    if (n == 0)
        return;
    caches->cache = cache_open(tiers, n, place->clock);
    caches_use(place, caches);
}

void caches_close(struct caches *caches, uint64_t slice) {
    if (caches->packs && slice)
        packs_gc(caches->packs, slice);
    cache_close(caches->cache);
    for (struct caches_rules *rules = caches->rules, *next; rules; rules = next) {
        next = rules->next;
        mem_free(rules);
    }
    if (caches->directory >= 0)
        caches->fs->close(caches->fs->self, caches->directory);
    *caches = (struct caches){.directory = -1};
}

void caches_shown(const struct manifest *manifest, const struct caches_wish *wish, const char *output,
                  struct buf *out) {
    const char *given = wish->directory ? wish->directory : manifest->cache.directory.p;
    if (given)
        buf_add_text(out, given);
    else
        buf_printf(out, "%s/" CACHES_DIRECTORY, output ? output : manifest->output_shown.p);
}

uint32_t caches_tag(struct str template_name) {
    uint32_t tag = (uint32_t)digest_of(template_name).low;
    return tag ? tag : 1;
}
