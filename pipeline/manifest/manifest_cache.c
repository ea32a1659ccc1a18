// SPDX-License-Identifier: MIT
// The section `cache`.
#include "pipeline/manifest/manifest_private.h"

static const unsigned usual_tiers[CACHE_CATEGORIES_N] = {
    [CACHE_SOURCE] = 1u << CACHE_PACKS | 1u << CACHE_REDIS,
    [CACHE_PROGRAM] = 1u << CACHE_MEMORY,
    [CACHE_RENDER] = 1u << CACHE_PACKS | 1u << CACHE_REDIS, // within a run hardly an output is made twice
    [CACHE_THROUGH] = 1u << CACHE_MEMORY | 1u << CACHE_PACKS | 1u << CACHE_REDIS,
    [CACHE_SCHEMA] = 1u << CACHE_PACKS | 1u << CACHE_REDIS,
    [CACHE_TYPES] = 1u << CACHE_PACKS | 1u << CACHE_REDIS,
    [CACHE_RELATIONS] = 1u << CACHE_PACKS | 1u << CACHE_REDIS,
};

static void fill_tiers(const struct document_node *node, unsigned *tiers) {
    const struct document_node *list = manifest_node(node, "tiers");
    if (!list)
        return;
    *tiers = 0;
    for (const struct document_entry *e = list->entries; e; e = e->next)
        if (!e->value->faulty)
            *tiers |= 1u << (str_is(e->value->text, "memory") ? CACHE_MEMORY
                             : str_is(e->value->text, "file") ? CACHE_PACKS
                                                              : CACHE_REDIS);
}

static void fill_category(const struct document_node *node, struct manifest_cache_category *category) {
    uint64_t level = 0;
    category->has_ttl = manifest_node(node, "ttl") != NULL;
    manifest_take_number(node, "ttl", &category->ttl);
    manifest_take_number(node, "max", &category->most);
    manifest_take_number(node, "level", &level);
    category->level = (int)level;
    fill_tiers(node, &category->tiers);
}

// Nothing is as good as 0.
static void take_bound(const struct document_node *node, const char *key, uint64_t *bytes) {
    const struct document_node *value = manifest_node(node, key);
    if (value && value->kind == DOCUMENT_NULL)
        *bytes = 0;
    else
        manifest_take_number(node, key, bytes);
}

static void fill_redis(struct manifest *m, const struct document_node *cache) {
    const struct document_node *node = manifest_node(cache, "redis");
    struct manifest_redis *redis = &m->cache.redis;
    struct span span;
    if (node && node->kind == DOCUMENT_TEXT) {
        redis->url = node->text;
        redis->span = node->span;
    } else if (node && node->kind == DOCUMENT_MAPPING) {
        manifest_take_text(node, "url", &redis->url, &redis->span);
        manifest_take_text(node, "prefix", &redis->prefix, &span);
        manifest_take_text(node, "secret_file", &redis->secret_file, &span);
        manifest_take_text(node, "secret_variable", &redis->secret_variable, &span);
        if (redis->secret_file.p)
            redis->secret_file = manifest_resolve(&m->arena, m->directory, redis->secret_file);
    }
}

void manifest_fill_cache(struct manifest *m, const struct document_node *root) {
    const struct document_node *node = manifest_node(root, "cache");
    struct manifest_cache *cache = &m->cache;
    struct str directory = {NULL, 0};
    struct span span;
    cache->memory = (uint64_t)256 << 20;
    cache->file = (uint64_t)4 << 30;
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        cache->categories[c].tiers = usual_tiers[c];
    if (!node)
        return;
    take_bound(node, "memory", &cache->memory);
    take_bound(node, "file", &cache->file);
    manifest_take_text(node, "dir", &directory, &span);
    if (directory.p)
        cache->directory = manifest_resolve(&m->arena, m->directory, directory);
    fill_redis(m, node);
    const struct document_node *categories = manifest_node(node, "categories");
#define X(NAME, name, level, size, lifetime)                                                                 \
    if (categories && manifest_node(categories, #name))                                                      \
        fill_category(manifest_node(categories, #name), &cache->categories[CACHE_##NAME]);
    CACHE_CATEGORIES(X)
#undef X
}
