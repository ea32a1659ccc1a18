// SPDX-License-Identifier: MIT
#include "pipeline/run/run_cache.h"

#include <stdio.h>

#include "pipeline/run/run_private.h"

enum run_cache_state { UNOPENED, OPEN, CLOSED };

enum { CLEAN_SLICE = 4 << 20 };

static bool has_books(const struct run *run) { // nobody else writes them now
    return run->locked;
}

static unsigned wanted_of(const struct run *run) {
    const struct strategy_caching *caching = &run_strategy(run)->caching;
    unsigned wanted = 0;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        if (!run->options->dry &&
            caches_tiers(run->plan->manifest, &run->options->cache, caching, (enum cache_category)c))
            wanted |= 1u << c;
    return wanted;
}

void run_cache_init(struct run *run) {
    struct run_cache *cache = &run->cache;
    const double share = run->options->audit;
    cache->run = run;
    pthread_mutex_init(&cache->lock, NULL);
    atomic_init(&cache->wanted, wanted_of(run));
    cache->audit_share = share >= 1 ? UINT32_MAX : (uint32_t)(share * UINT32_MAX);
    cache->audit_seed = (uint64_t)run->options->clock.wall(run->options->clock.self);
    cache->caches.directory = -1;
    for (size_t p = 0; p < run->plan->passes_n; p++)
        run_cache_keep_source(run, run->passes[p].source->name, &run->passes[p].keeper);
}

bool run_cache_has(const struct run *run, enum cache_category category) {
    const struct run_cache *cache = &run->cache;
    return atomic_load_explicit(&cache->wanted, memory_order_relaxed) >> category & 1 &&
           !(atomic_load_explicit(&cache->quarantined, memory_order_relaxed) >> category & 1);
}

size_t run_cache_most(const struct run *run, enum cache_category category) {
    const uint64_t wanted = run->plan->manifest->cache.categories[category].most;
    return wanted ? (size_t)wanted : cache_usual[category].largest;
}

static void note(void *context, const char *sentence) {
    run_note(context, sentence);
}

static struct caches_place place_of(struct run *run) {
    return (struct caches_place){.fs = run->options->fs,
                                 .clock = &run->options->clock,
                                 .manifest = run->plan->manifest,
                                 .wish = &run->options->cache,
                                 .caching = &run_strategy(run)->caching,
                                 .later = &run->options->strategy->caching,
                                 .root = run->locked ? run->root : -1,
                                 .output = run->options->output,
                                 .note = note,
                                 .context = run};
}

// The open cache, or NULL. As long as nothing is there and nothing `to_keep`, it is not opened.
static struct cache *opened(struct run *run, bool to_keep) {
    struct run_cache *cache = &run->cache;
    int state = atomic_load_explicit(&cache->state, memory_order_acquire);
    if (state == UNOPENED) {
        pthread_mutex_lock(&cache->lock);
        const struct caches_place place = place_of(run);
        state = atomic_load_explicit(&cache->state, memory_order_relaxed);
        if (state == UNOPENED && (to_keep || caches_are_there(&place))) {
            caches_open(&place, &cache->caches);
            state = cache->caches.cache ? OPEN : CLOSED;
            atomic_store_explicit(&cache->state, state, memory_order_release);
        }
        pthread_mutex_unlock(&cache->lock);
    }
    return state == OPEN ? cache->caches.cache : NULL;
}

void run_cache_follow(struct run *run) {
    struct run_cache *cache = &run->cache;
    pthread_mutex_lock(&cache->lock);
    atomic_store_explicit(&cache->wanted, wanted_of(run), memory_order_relaxed);
    if (atomic_load_explicit(&cache->state, memory_order_relaxed) == OPEN) {
        const struct caches_place place = place_of(run);
        caches_use(&place, &cache->caches);
    }
    pthread_mutex_unlock(&cache->lock);
}

static void count_early(struct run *run, enum cache_category category, unsigned n) {
    if (run_cache_has(run, category) &&
        atomic_load_explicit(&run->cache.state, memory_order_relaxed) == UNOPENED)
        atomic_fetch_add_explicit(&run->cache.early_misses[category], n, memory_order_relaxed);
}

struct cache_value *run_cache_get(struct run *run, struct cache_key key, struct cache_found *found) {
    struct cache *cache = run_cache_has(run, key.category) ? opened(run, false) : NULL;
    if (cache)
        return cache_get(cache, key, found);
    count_early(run, key.category, 1);
    return NULL;
}

void run_cache_get_many(struct run *run, const struct cache_key *keys, unsigned n,
                        struct cache_value **values, struct cache_found *found) {
    struct cache *cache = n && run_cache_has(run, keys[0].category) ? opened(run, false) : NULL;
    for (unsigned i = 0; i < n; i++)
        values[i] = NULL;
    if (cache)
        cache_get_many(cache, keys, n, values, found);
    else if (n)
        count_early(run, keys[0].category, n);
}

void run_cache_put(struct run *run, struct cache_key key, uint32_t tag, struct str bytes) {
    struct cache *cache = run_cache_has(run, key.category) ? opened(run, true) : NULL;
    if (cache)
        cache_put(cache, key, tag, bytes);
}

uint64_t run_cache_cost(uint64_t bytes) {
    return 10000 + 5 * bytes;
}

// Audit -----------------------------------------------------------------------------------------------------

bool run_cache_audits(const struct run *run, struct cache_key key) {
    const struct run_cache *cache = &run->cache;
    uint64_t mixed = (key.digest.high ^ cache->audit_seed) * 0x9e3779b97f4a7c15u;
    return cache->audit_share && (uint32_t)(mixed >> 32) <= cache->audit_share;
}

static void quarantine(struct run *run, struct cache_key key, struct str what) {
    struct run_cache *cache = &run->cache;
    unsigned bit = 1u << key.category;
    if (atomic_fetch_or(&cache->quarantined, bit) & bit)
        return;
    cache_clear(cache->caches.cache, key.category);
    char hex[DIGEST_HEX_SIZE], text[700];
    digest_hex(key.digest, hex);
    snprintf(
        text, sizeof text,
        "audit: the cached %s of %.*s (key %s) is not what is made now; all of the category is dropped, and "
        "the rest of this run does without it; what came from it before is in doubt, --force makes it again",
        cache_category_name(key.category), STR_ARG(str_slice(what, 0, 400)), hex);
    run_warn(run, text);
}

bool run_cache_compare(struct run *run, struct cache_key key, struct str kept, struct str made,
                       struct str what) {
    atomic_fetch_add(&run->cache.audited, 1);
    if (str_equal(kept, made))
        return true;
    atomic_fetch_add(&run->cache.differing, 1);
    quarantine(run, key, what);
    return false;
}

// Books -----------------------------------------------------------------------------------------------------

static struct cache_books *books_of(struct run *run) {
    struct run_cache *cache = &run->cache;
    if (!cache->has_books) {
        cache->has_books = true;
        cache_books_init(&cache->books);
        if (has_books(run))
            cache_books_read(&cache->books, run->options->fs, run->root);
    }
    return &cache->books;
}

bool run_cache_known(struct run *run, enum cache_category category, struct str name,
                     struct cache_books_job *job) {
    struct run_cache *cache = &run->cache;
    pthread_mutex_lock(&cache->lock);
    const struct cache_books_job *known = cache_books_find(books_of(run), category, name);
    if (known)
        *job = *known;
    pthread_mutex_unlock(&cache->lock);
    return known != NULL;
}

void run_cache_learn(struct run *run, const struct cache_books_job *job) {
    struct run_cache *cache = &run->cache;
    pthread_mutex_lock(&cache->lock);
    cache->learnt |= cache_books_learn(books_of(run), job);
    pthread_mutex_unlock(&cache->lock);
}

static void add_to_books(struct cache_books *books, const struct run_cache_report *report) {
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        const struct cache_category_report *from = &report->categories[c];
        struct cache_books_category *to = &books->categories[c];
        to->hits += from->hits;
        to->misses += from->misses;
        to->hit_bytes += from->hit_bytes;
        to->puts += from->puts;
        to->put_bytes += from->put_bytes;
        for (unsigned i = 0; i < report->tiers_n; i++)
            to->tier_hits[report->kinds[i]] += from->tier_hits[i];
    }
}

static void keep_books(struct run *run, const struct run_cache_report *report) {
    struct run_cache *cache = &run->cache;
    if (!has_books(run) || !(report->used || cache->learnt))
        return;
    struct cache_books *books = books_of(run);
    if (!books->since)
        books->since = run->options->clock.wall(run->options->clock.self);
    books->runs += report->used;
    add_to_books(books, report);
    if (!cache_books_write(books, run->options->fs, run->root))
        run_note(run, "what is known of the cache could not be written to " CACHE_BOOKS_FILE);
}

// The end ---------------------------------------------------------------------------------------------------

static void see_use(void *context, const struct packs_entry *entry) {
    if (entry->uses)
        cache_books_use(context, entry->key, entry->uses);
}

// What was read of the file tier, with what earlier runs read.
static void note_uses(struct run *run) {
    struct run_cache *cache = &run->cache;
    struct cache_books *books = books_of(run);
    if (!has_books(run) || !cache->caches.packs)
        return;
    packs_each(cache->caches.packs, see_use, books);
    cache_books_rank(books);
}

static void fill_categories(const struct run_cache *cache, struct run_cache_report *report) {
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++) {
        const struct cache_category_report of = cache_report(cache->caches.cache, (enum cache_category)c);
        report->categories[c] = of;
        report->categories[c].misses += cache->early_misses[c];
        report->used = report->used || of.hits || of.misses || of.puts;
    }
    report->audited = cache->audited;
    report->differing = cache->differing;
    report->quarantined = cache->quarantined;
}

static void fill_programs(const struct run *run, struct run_cache_report *report) {
    report->categories[CACHE_PROGRAM].hits = templates_shared(run->plan->templates);
    report->categories[CACHE_PROGRAM].misses = templates_compiled(run->plan->templates);
}

void run_cache_look(struct run *run, struct run_cache_report *report) {
    *report = (struct run_cache_report){0};
    if (atomic_load(&run->cache.state) == OPEN)
        fill_categories(&run->cache, report);
    fill_programs(run, report);
}

static void fill(const struct run_cache *cache, struct run_cache_report *report) {
    fill_categories(cache, report);
    report->tiers_n = cache_tiers(cache->caches.cache);
    for (unsigned i = 0; i < report->tiers_n; i++)
        report->kinds[i] = cache_tier_stats(cache->caches.cache, i, &report->tiers[i]);
}

static void note_redis(const struct run *run, struct redis *redis) {
    const struct redis_stats stats = redis_stats(redis);
    char text[400];
    if (!stats.failures && !stats.errors)
        return;
    snprintf(text, sizeof text, "the cache's redis tier failed %llu time%s (%s); the run went on without it",
             (unsigned long long)(stats.failures + stats.errors),
             stats.failures + stats.errors == 1 ? "" : "s", stats.last_error);
    run_note(run, text);
}

// A process always costs more than looking its output up; how much more is of interest.
static void learn_filters(struct run *run) {
    for (size_t j = 0; j < run->plan->manifest->jobs_n; j++) {
        const struct job_run *job = &run->jobs[j];
        const struct run_counters *of = &job->counters;
        if (!of->filtered || !of->rendered || !run_cache_has(run, CACHE_THROUGH))
            continue;
        run_cache_learn(run, &(struct cache_books_job){.category = CACHE_THROUGH,
                                                       .name = job->job->job->name,
                                                       .make = of->filtering / of->filtered,
                                                       .keep = run_cache_cost(of->bytes / of->rendered),
                                                       .used = true});
    }
}

void run_cache_end(struct run *run, struct run_cache_report *report) {
    struct run_cache *cache = &run->cache;
    *report = (struct run_cache_report){0};
    if (cache->state == OPEN) {
        note_uses(run);
        if (cache->caches.packs)
            packs_gc(cache->caches.packs, CLEAN_SLICE);
        cache_flush(cache->caches.cache);
        if (cache->caches.redis)
            note_redis(run, cache->caches.redis);
        fill(cache, report);
        caches_close(&cache->caches, 0);
    }
    cache->state = CLOSED;
    learn_filters(run);
    run_cache_learn_renders(run);
    fill_programs(run, report);
    keep_books(run, report);
}

void run_cache_release(struct run *run) {
    struct run_cache *cache = &run->cache;
    if (!cache->run)
        return;
    caches_close(&cache->caches, 0);
    if (cache->has_books)
        cache_books_release(&cache->books);
    pthread_mutex_destroy(&cache->lock);
}
