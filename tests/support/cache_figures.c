// SPDX-License-Identifier: MIT
// cache_figures FILE SEPARATOR: what a get and a put cost, and what the packs take on the disk, for the texts that
// begin with SEPARATOR in FILE, in processor time. Prints, and judges nothing.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/memory.h"
#include "cache/packs.h"

enum { TEXTS = 200000 };

struct texts {
    struct str *all;
    unsigned n;
    uint64_t bytes;
};

static struct texts split(struct str text, const char *separator) {
    struct texts texts = {.all = MEM_NEW_ARRAY(struct str, TEXTS)};
    const char *at = text.p, *end = text.p + text.n;
    while (at < end && texts.n < TEXTS) {
        const char *next = at + 1 < end ? strstr(at + 1, separator) : NULL;
        next = next ? next : end;
        texts.all[texts.n++] = (struct str){at, (size_t)(next - at)};
        at = next;
    }
    texts.bytes = text.n;
    return texts;
}

static double now(void) {
    struct clock clock = clock_system();
    return (double)clock.thread_cpu(NULL) / 1000;
}

static struct cache_key key_of(enum cache_category category, unsigned i) {
    return (struct cache_key){category, digest_of((struct str){(const char *)&i, sizeof i})};
}

static double put_all(const struct cache_tier *tier, const struct texts *texts, enum cache_category category,
                      unsigned from, unsigned to) {
    struct cache_value **values = MEM_NEW_ARRAY(struct cache_value *, to);
    for (unsigned i = from; i < to; i++)
        values[i] = cache_value_of(texts->all[i], 0);
    double start = now();
    for (unsigned i = from; i < to; i++)
        tier->put(tier->self, key_of(category, i), values[i]);
    double took = now() - start;
    for (unsigned i = from; i < to; i++)
        cache_value_drop(values[i]);
    mem_free(values);
    return took / (to > from ? to - from : 1);
}

static double get_all(const struct cache_tier *tier, const struct texts *texts, enum cache_category category,
                      unsigned from, unsigned to) {
    double start = now();
    for (unsigned i = from; i < to; i++) {
        struct cache_value *value = tier->get(tier->self, key_of(category, i));
        if (!value || !str_equal((struct str){value->bytes, value->n}, texts->all[i]))
            printf("text %u is not what was put\n", i);
        cache_value_drop(value);
    }
    return (now() - start) / (to > from ? to - from : 1);
}

static struct cache_stats stats_of(const struct cache_tier *tier) {
    struct cache_stats stats;
    tier->stats(tier->self, &stats);
    return stats;
}

static void show_memory(const struct texts *texts) {
    struct cache_tier tier = memory_tier(memory_new((size_t)1 << 30));
    double put = put_all(&tier, texts, CACHE_RENDER, 0, texts->n);
    double get = get_all(&tier, texts, CACHE_RENDER, 0, texts->n);
    printf("memory: put %.2f us, get %.2f us\n", put, get);
    tier.close(tier.self);
}

static int show_packs(const struct texts *texts, const char *path) {
    struct fs fs = fs_system();
    struct clock clock = clock_system();
    struct packs_options options = {.fs = &fs, .clock = &clock};
    struct packs *packs;
    struct err err;
    options.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (packs_open(&options, &packs, &err) != STATUS_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    struct cache_tier tier = packs_tier(packs);
    unsigned first = texts->n < 1100 ? texts->n : 1100;
    put_all(&tier, texts, CACHE_RENDER, 0, first); // and trains
    uint64_t plain = stats_of(&tier).bytes, plain_headers = first * 60ull;
    double put = put_all(&tier, texts, CACHE_RENDER, first, texts->n);
    tier.flush(tier.self);
    uint64_t rest = stats_of(&tier).bytes - plain, rest_headers = (texts->n - first) * 60ull;
    uint64_t raw = 0, raw_first = 0;
    for (unsigned i = 0; i < texts->n; i++)
        *(i < first ? &raw_first : &raw) += texts->all[i].n;
    double get = get_all(&tier, texts, CACHE_RENDER, first, texts->n);
    printf("packs, %.0f bytes a text: put %.2f us, get %.2f us\n", (double)raw / (texts->n - first), put,
           get);
    double without = (double)raw_first / (double)(plain - plain_headers);
    double with = (double)raw / (double)(rest - rest_headers);
    printf("ratio without a dictionary %.2f (nearly), with %.2f, that is %.2f times it\n", without, with,
           with / without);
    printf("%.0f bytes a payload, %.0f an entry: %.3f of the payloads\n",
           (double)(rest - rest_headers) / (texts->n - first), (double)rest / (texts->n - first),
           (double)rest / (double)(rest - rest_headers));
    tier.close(tier.self);
    double start = now();
    if (packs_open(&options, &packs, &err) != STATUS_OK)
        return 1;
    tier = packs_tier(packs);
    printf("opened in %.0f us: %llu entries, %llu bytes\n", now() - start,
           (unsigned long long)stats_of(&tier).entries, (unsigned long long)stats_of(&tier).bytes);
    tier.close(tier.self);
    close(options.dir);
    return 0;
}

int main(int argc, char **argv) {
    struct fs fs = fs_system();
    struct err err;
    char *text, path[] = "/tmp/cache-figures-XXXXXX";
    size_t n;
    if (argc < 3 || fs_read_file(&fs, argv[1], (size_t)1 << 30, &text, &n, &err) != STATUS_OK)
        return 2;
    const char *dir = argc > 3 ? argv[3] : mkdtemp(path);
    if (!dir)
        return 2;
    struct texts texts = split((struct str){text, n}, argv[2]);
    show_memory(&texts);
    int result = show_packs(&texts, dir);
    mem_free(texts.all);
    mem_free(text);
    return result;
}
