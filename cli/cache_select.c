// SPDX-License-Identifier: MIT
#include "cli/cache_select.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cache_made.h"
#include "pipeline/caching/caches.h"
#include "pipeline/manifest/manifest_table.h"

static bool is_selected(const struct cache_filter *f, const struct packs_entry *entry) {
    bool tagged = !f->tag_given, keyed = !f->keys_given;
    for (size_t i = 0; i < f->keys_n; i++)
        keyed = keyed || digest_equal(entry->key.digest, f->keys[i]);
    for (size_t i = 0; i < f->tags_n; i++)
        tagged = tagged || entry->tag == f->tags[i];
    return tagged && keyed && (!f->category_given || entry->key.category == f->category) &&
           entry->made < f->before;
}

static void select_entry(void *context, const struct packs_entry *entry) {
    struct cache_selection *s = context;
    if (!is_selected(s->filter, entry))
        return;
    MEM_GROW(s->keys, s->cap, s->n + 1);
    s->keys[s->n++] = entry->key;
    cache_sum_add(&s->sum, entry->key.category, entry->bytes, entry->stored);
}

void cache_select(const struct cache_filter *filter, struct packs *packs, int64_t now,
                  struct cache_selection *s) {
    *s = (struct cache_selection){.filter = filter, .at = now};
    if (packs)
        packs_each(packs, select_entry, s);
}

bool cache_filter_category(struct cache_filter *filter, const struct options *options, struct err *err) {
    const char *word = options_get(options, "category");
    struct caches_wish wish = {0};
    filter->category_given = word != NULL;
    if (!word || cache_category_find(str_of(word), &filter->category))
        return true;
    if (strcmp(word, "all") == 0) {
        filter->category_given = false;
        return true;
    }
    caches_parse_refresh(str_of(word), &wish, err); // for its sentence
    return false;
}

static void add_tag(void *context, struct str template_name) {
    struct cache_filter *f = context;
    if (f->tags_n < CACHE_FILTER_MOST)
        f->tags[f->tags_n++] = caches_tag(template_name);
}

static void add_key(void *context, struct digest fingerprint) {
    struct cache_filter *f = context;
    if (f->keys_n < CACHE_FILTER_MOST)
        f->keys[f->keys_n++] = fingerprint;
}

// What was made with a template, as far as the manifest tells; else what bears its very name. False: it has been told why.
static bool read_templates(struct cache_filter *f, struct cli *cli, struct manifest *manifest,
                           const struct options *options) {
    const char *const *templates, *record = options_get(options, "record");
    size_t n = options_all(options, "template", &templates);
    struct cache_made made;
    if (n == 0)
        return true;
    if (!cache_made_define(cli, manifest, options))
        return false;
    bool fine = manifest->sound && cache_made_init(&made, cli, manifest);
    f->tag_given = true;
    f->keys_given = f->keys_given || record;
    for (size_t i = 0; i < n; i++) {
        add_tag(f, str_of(templates[i]));
        if (fine)
            cache_made_with(&made, str_of(templates[i]), add_tag, f);
    }
    bool known = !record || fine;
    for (size_t i = 0; record && known && i < n; i++)
        known = cache_made_of(&made, str_of(templates[i]), str_of(record), add_key, f);
    if (record && !fine)
        cli_fail("what --record was made into is not known where the manifest has errors");
    else if (!fine && !cli->quiet)
        cli_note("the manifest has errors, so what leads to a template is not known");
    if (manifest->sound)
        cache_made_release(&made);
    return known;
}

static bool refuse(const char *sentence) {
    cli_fail("%s", sentence);
    return false;
}

bool cache_filter_read(struct cache_filter *f, struct cli *cli, struct manifest *manifest,
                       const struct options *options) {
    const char *age = options_get(options, "older-than"), *key = options_get(options, "key");
    const bool named = options_has(options, "template"), exact = options_has(options, "record");
    uint64_t seconds = 0;
    struct err err;
    f->before = INT64_MAX;
    if (!cache_filter_category(f, options, &err))
        return refuse(err.text);
    if (age && !manifest_parse_time(str_of(age), &seconds))
        return refuse("--older-than is a time such as 90s, 30m, 2h or 7d");
    if (age)
        f->before = cli->clock.wall(cli->clock.self) - (int64_t)seconds * 1000000000;
    f->keys_given = key != NULL;
    if (key && !digest_parse(str_of(key), &f->keys[f->keys_n++]))
        return refuse("--key is 32 hexadecimal digits");
    if (exact && (!named || key))
        return refuse("--record goes with --template, and without --key");
    if (options_has(options, "define") && !exact)
        return refuse("--define goes with --record");
    if (!f->category_given && !age && !key && !named)
        return refuse(
            "say what: --template, --category, --older-than or --key; \"cache clear\" drops everything");
    return read_templates(f, cli, manifest, options);
}
