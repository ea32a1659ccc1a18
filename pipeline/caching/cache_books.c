// SPDX-License-Identifier: MIT
#include "pipeline/caching/cache_books.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"

enum { VERSION = 1, SIZE_MOST = 4 << 20 };

void cache_books_init(struct cache_books *books) {
    *books = (struct cache_books){0};
    arena_init(&books->arena, 0);
}

void cache_books_release(struct cache_books *books) {
    mem_free(books->jobs);
    mem_free(books->used);
    arena_release(&books->arena);
}

// Reading ---------------------------------------------------------------------------------------------------

static uint64_t number(const json_t *object, const char *key) {
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static void read_category(const json_t *object, struct cache_books_category *category) {
    category->hits = number(object, "hits");
    category->misses = number(object, "misses");
    category->hit_bytes = number(object, "hit_bytes");
    category->puts = number(object, "puts");
    category->put_bytes = number(object, "put_bytes");
    const json_t *tiers = json_object_get(object, "tier_hits");
    for (unsigned kind = 0; kind < CACHE_TIERS_N; kind++)
        category->tier_hits[kind] = number(tiers, cache_tier_name((enum cache_tier_kind)kind));
}

static void read_job(struct cache_books *books, const json_t *object) {
    const json_t *name = json_object_get(object, "name"),
                 *category_name = json_object_get(object, "category");
    struct cache_books_job job = {.make = number(object, "make_ns"),
                                  .keep = number(object, "keep_ns"),
                                  .used = json_is_true(json_object_get(object, "used"))};
    if (!json_is_string(name) || !json_is_string(category_name) ||
        !cache_category_find(str_of(json_string_value(category_name)), &job.category))
        return;
    job.name = (struct str){json_string_value(name), json_string_length(name)};
    cache_books_learn(books, &job);
}

static void read_use(struct cache_books *books, const json_t *row) {
    struct cache_key key;
    const char *category = json_string_value(json_array_get(row, 0)),
               *hex = json_string_value(json_array_get(row, 1));
    json_int_t uses = json_integer_value(json_array_get(row, 2));
    if (category && hex && uses > 0 && cache_category_find(str_of(category), &key.category) &&
        digest_parse(str_of(hex), &key.digest))
        cache_books_use(books, key, (uint64_t)uses);
}

static void read_all(struct cache_books *books, const json_t *root) {
    if (number(root, "version") != VERSION)
        return;
    books->runs = number(root, "runs");
    books->since = (int64_t)number(root, "since_ns");
    const json_t *categories = json_object_get(root, "categories"), *jobs = json_object_get(root, "jobs");
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        read_category(json_object_get(categories, cache_category_name((enum cache_category)c)),
                      &books->categories[c]);
    for (size_t i = 0; i < json_array_size(jobs); i++)
        read_job(books, json_array_get(jobs, i));
    const json_t *used = json_object_get(root, "used");
    for (size_t i = 0; i < json_array_size(used); i++)
        read_use(books, json_array_get(used, i));
}

void cache_books_read(struct cache_books *books, const struct fs *fs, int root) {
    struct buf text = BUF_INIT;
    int fd = fs->open_beneath(fs->self, root, CACHE_BOOKS_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return;
    for (ssize_t got = 1; got > 0 && text.n < SIZE_MOST;) {
        buf_reserve(&text, 4096);
        got = fs->read(fs->self, fd, text.p + text.n, text.cap - text.n);
        text.n += got > 0 ? (size_t)got : 0;
    }
    fs->close(fs->self, fd);
    json_t *json = text.n ? json_loadb(text.p, text.n, 0, NULL) : NULL;
    read_all(books, json);
    json_decref(json);
    buf_release(&text);
}

// Writing ---------------------------------------------------------------------------------------------------

static json_t *integer(uint64_t n) {
    return json_integer((json_int_t)n);
}

static json_t *category_json(const struct cache_books_category *category) {
    json_t *tiers = json_object();
    for (unsigned kind = 0; kind < CACHE_TIERS_N; kind++)
        if (category->tier_hits[kind])
            json_object_set_new(tiers, cache_tier_name((enum cache_tier_kind)kind),
                                integer(category->tier_hits[kind]));
    json_t *object = json_object();
    json_object_set_new(object, "hits", integer(category->hits));
    json_object_set_new(object, "misses", integer(category->misses));
    json_object_set_new(object, "hit_bytes", integer(category->hit_bytes));
    json_object_set_new(object, "puts", integer(category->puts));
    json_object_set_new(object, "put_bytes", integer(category->put_bytes));
    json_object_set_new(object, "tier_hits", tiers);
    return object;
}

static json_t *job_json(const struct cache_books_job *job) {
    json_t *object = json_object();
    json_object_set_new(object, "category", json_string(cache_category_name(job->category)));
    json_object_set_new(object, "name", json_stringn(job->name.p, job->name.n));
    json_object_set_new(object, "make_ns", integer(job->make));
    json_object_set_new(object, "keep_ns", integer(job->keep));
    json_object_set_new(object, "used", json_boolean(job->used));
    return object;
}

static json_t *use_json(const struct cache_books_use *use) {
    char hex[DIGEST_HEX_SIZE];
    json_t *row = json_array();
    digest_hex(use->key.digest, hex);
    json_array_append_new(row, json_string(cache_category_name(use->key.category)));
    json_array_append_new(row, json_string(hex));
    json_array_append_new(row, integer(use->uses));
    return row;
}

static char *text_of(const struct cache_books *books) {
    json_t *root = json_object(), *categories = json_object(), *jobs = json_array();
    for (unsigned c = 0; c < CACHE_CATEGORIES_N; c++)
        if (books->categories[c].hits || books->categories[c].misses || books->categories[c].puts)
            json_object_set_new(categories, cache_category_name((enum cache_category)c),
                                category_json(&books->categories[c]));
    for (size_t i = 0; i < books->jobs_n; i++)
        json_array_append_new(jobs, job_json(&books->jobs[i]));
    json_object_set_new(root, "version", integer(VERSION));
    json_object_set_new(root, "runs", integer(books->runs));
    json_object_set_new(root, "since_ns", integer((uint64_t)books->since));
    json_object_set_new(root, "categories", categories);
    json_object_set_new(root, "jobs", jobs);
    json_t *used = json_array();
    for (size_t i = 0; i < books->used_n && i < CACHE_BOOKS_USES; i++)
        json_array_append_new(used, use_json(&books->used[i]));
    json_object_set_new(root, "used", used);
    char *text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    return text;
}

bool cache_books_write(const struct cache_books *books, const struct fs *fs, int root) {
    const char *temporary = CACHE_BOOKS_FILE EMIT_TEMPORARY_SUFFIX;
    char *text = text_of(books);
    struct err err;
    if (!text || fs_make_dirs(fs, root, EMIT_BOOKS, 0777) < 0) {
        free(text);
        return false;
    }
    int fd = fs->open_beneath(fs->self, root, temporary,
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    bool written = fd >= 0 && fs_write_all(fs, fd, text, strlen(text), &err) == STATUS_OK;
    written = fd >= 0 && fs->close(fs->self, fd) == 0 && written;
    written = written && fs->rename(fs->self, root, temporary, root, CACHE_BOOKS_FILE) == 0;
    if (fd >= 0 && !written)
        fs->unlink(fs->self, root, temporary);
    free(text);
    return written;
}

// Uses ------------------------------------------------------------------------------------------------------

// As often as not an entry is new, so they are only put together when all are there.
void cache_books_use(struct cache_books *books, struct cache_key key, uint64_t uses) {
    MEM_GROW(books->used, books->used_cap, books->used_n + 1);
    books->used[books->used_n++] = (struct cache_books_use){key, uses};
}

static int compare_keys(const void *a, const void *b) {
    const struct cache_key x = ((const struct cache_books_use *)a)->key,
                           y = ((const struct cache_books_use *)b)->key;
    if (x.category != y.category)
        return x.category < y.category ? -1 : 1;
    if (x.digest.high != y.digest.high)
        return x.digest.high < y.digest.high ? -1 : 1;
    return (x.digest.low > y.digest.low) - (x.digest.low < y.digest.low);
}

static int compare_uses(const void *a, const void *b) {
    const uint64_t x = ((const struct cache_books_use *)a)->uses,
                   y = ((const struct cache_books_use *)b)->uses;
    return x == y ? compare_keys(a, b) : x < y ? 1 : -1;
}

void cache_books_rank(struct cache_books *books) {
    struct cache_books_use *used = books->used;
    size_t n = 0;
    if (books->used_n == 0)
        return;
    qsort(used, books->used_n, sizeof *used, compare_keys);
    for (size_t i = 0; i < books->used_n; i++) {
        if (n && cache_key_equal(used[n - 1].key, used[i].key))
            used[n - 1].uses += used[i].uses;
        else
            used[n++] = used[i];
    }
    qsort(used, n, sizeof *used, compare_uses);
    books->used_n = n < CACHE_BOOKS_USES ? n : CACHE_BOOKS_USES;
}

// Jobs ------------------------------------------------------------------------------------------------------

static struct cache_books_job *find(const struct cache_books *books, enum cache_category category,
                                    struct str name) {
    for (size_t i = 0; i < books->jobs_n; i++)
        if (books->jobs[i].category == category && str_equal(books->jobs[i].name, name))
            return &books->jobs[i];
    return NULL;
}

const struct cache_books_job *cache_books_find(const struct cache_books *books, enum cache_category category,
                                               struct str name) {
    return find(books, category, name);
}

static bool differ(uint64_t a, uint64_t b) {
    return a > b ? a - b > b / 4 : b - a > a / 4;
}

bool cache_books_learn(struct cache_books *books, const struct cache_books_job *job) {
    struct cache_books_job *known = find(books, job->category, job->name);
    if (known && known->used == job->used && !differ(known->make, job->make) &&
        !differ(known->keep, job->keep))
        return false;
    if (!known) {
        MEM_GROW(books->jobs, books->jobs_cap, books->jobs_n + 1);
        known = &books->jobs[books->jobs_n++];
        known->name = arena_str(&books->arena, job->name);
    }
    struct str name = known->name;
    *known = *job;
    known->name = name;
    return true;
}
