// SPDX-License-Identifier: MIT
// cache_crowd DIR work SECONDS SEED   gets, puts, invalidates, cleans in one directory with others, with two threads;
//                                     exit 1 where a value is not the one that its key stands for
// cache_crowd DIR check               repairs, then reads all there is; exit 1 where anything is wrong or damaged
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "cache/packs.h"

enum { KEYS = 3000, LONGEST = 12000, THREADS = 2, CAP = 6 << 20, SEGMENT = 256 << 10, SLICE = 64 << 10 };

struct crowd {
    struct packs *packs;
    struct cache_tier tier;
    int64_t until; // ns
    atomic_uint_fast64_t gets, hits, puts, wrong;
};

struct member {
    struct crowd *crowd;
    uint64_t random;
    char *text; // LONGEST bytes
};

static uint64_t draw(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct cache_key key_of(uint64_t i) {
    return (struct cache_key){(enum cache_category)(i % CACHE_CATEGORIES_N),
                              digest_of((struct str){(const char *)&i, sizeof i})};
}

// What a key stands for: some words again and again, so that it shrinks, of its own length and order.
static struct str text_of(struct cache_key key, char *text) {
    static const char *const words[] = {"cache ", "segment ", "dictionary ", "entry\n", "0123456789 ", "zz "};
    uint64_t state = key.digest.low | 1;
    const size_t n = draw(&state) % 8 ? draw(&state) % 600 : draw(&state) % LONGEST;
    for (size_t at = 0; at < n;) {
        const char *word = words[draw(&state) % 6];
        for (; *word && at < n; word++)
            text[at++] = *word;
        if (at < n && draw(&state) % 4 == 0)
            text[at++] = (char)draw(&state);
    }
    return (struct str){text, n};
}

static void check(struct member *m, struct cache_key key) {
    struct crowd *c = m->crowd;
    struct cache_value *value = c->tier.get(c->tier.self, key);
    atomic_fetch_add(&c->gets, 1);
    if (!value)
        return;
    atomic_fetch_add(&c->hits, 1);
    if (!str_equal(text_of(key, m->text), (struct str){value->bytes, value->n}) &&
        atomic_fetch_add(&c->wrong, 1) == 0)
        fprintf(stderr, "cache_crowd: a wrong value of %zu bytes\n", value->n);
    cache_value_drop(value);
}

static void put(struct member *m, struct cache_key key) {
    struct crowd *c = m->crowd;
    struct cache_value *value = cache_value_of(text_of(key, m->text), clock_system().wall(NULL));
    atomic_fetch_add(&c->puts, c->tier.put(c->tier.self, key, value));
    cache_value_drop(value);
}

static void act(struct member *m) {
    struct crowd *c = m->crowd;
    const struct cache_key key = key_of(draw(&m->random) % KEYS);
    const uint64_t what = draw(&m->random) % 10000;
    if (what < 6500)
        check(m, key);
    else if (what < 9400)
        put(m, key);
    else if (what < 9600)
        c->tier.invalidate(c->tier.self, key);
    else if (what < 9800)
        c->tier.flush(c->tier.self);
    else if (what < 9900)
        packs_refresh(c->packs);
    else if (what < 9990)
        packs_gc(c->packs, SLICE);
    else if (what < 9997)
        packs_verify(c->packs, draw(&m->random) % 2);
    else
        c->tier.clear(c->tier.self, key.category);
}

static void *work(void *self) {
    struct member *m = self;
    const struct clock clock = clock_system();
    m->text = mem_alloc(LONGEST);
    while (clock.wall(NULL) < m->crowd->until)
        for (int i = 0; i < 50; i++)
            act(m);
    mem_free(m->text);
    return NULL;
}

static void work_all(struct crowd *crowd, uint64_t seed) {
    struct member members[THREADS];
    pthread_t threads[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        members[i] = (struct member){.crowd = crowd, .random = (seed * THREADS + i + 1) * 0x9E3779B97F4A7C15};
        if (pthread_create(&threads[i], NULL, work, &members[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static bool check_all(struct crowd *crowd) {
    struct member m = {.crowd = crowd, .text = mem_alloc(LONGEST)};
    packs_verify(crowd->packs, true);
    const struct packs_verified verified = packs_verify(crowd->packs, false);
    for (uint64_t i = 0; i < KEYS; i++)
        check(&m, key_of(i));
    mem_free(m.text);
    if (verified.damaged)
        fprintf(stderr, "cache_crowd: %" PRIu64 " damaged entries after a repair\n", verified.damaged);
    return verified.damaged == 0;
}

int main(int argc, char **argv) {
    const struct fs fs = fs_system();
    const struct clock clock = clock_system();
    struct crowd crowd = {.wrong = 0};
    struct err err;
    const bool works = argc == 5 && strcmp(argv[2], "work") == 0;
    int dir = argc > 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
    const struct packs_options options = {
        .fs = &fs, .clock = &clock, .dir = dir, .cap = CAP, .segment = SEGMENT};
    if (dir < 0 || (!works && strcmp(argv[2], "check") != 0) ||
        packs_open(&options, &crowd.packs, &err) != STATUS_OK) {
        fprintf(stderr, "cache_crowd: DIR work SECONDS SEED, or DIR check\n");
        return 2;
    }
    crowd.tier = packs_tier(crowd.packs);
    bool fine = true;
    if (works) {
        crowd.until = clock.wall(NULL) + (int64_t)(strtod(argv[3], NULL) * 1e9);
        work_all(&crowd, strtoull(argv[4], NULL, 10));
    } else {
        fine = check_all(&crowd);
    }
    printf("%" PRIuFAST64 " %" PRIuFAST64 " %" PRIuFAST64 "\n", crowd.gets, crowd.hits, crowd.puts);
    crowd.tier.close(crowd.tier.self);
    close(dir);
    return fine && crowd.wrong == 0 ? 0 : 1;
}
