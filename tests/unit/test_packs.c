// SPDX-License-Identifier: MIT
// The file tier: nothing but what was put is ever served, whatever happens to the files or the process.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cache/codec.h"
#include "cache/entry.h"
#include "cache/packs.h"
#include "tests/support/faulty_fs.h"
#include "tests/support/sanitized.h"
#include "tests/support/scene.h"

static struct cache_key key_of(unsigned i) {
    return (struct cache_key){.category = i % 3 == 0 ? CACHE_THROUGH : CACHE_RENDER,
                              .digest = digest_of((struct str){(const char *)&i, sizeof i})};
}

// The value of key i: always the same, and none like another; some empty, some that do not pack.
static struct buf value_of(unsigned i) {
    struct buf b = BUF_INIT;
    if (i % 7 == 6)
        return b;
    buf_printf(&b, "value %u of many:", i);
    unsigned state = i * 2654435761u + 1;
    for (unsigned k = 0; k < 10 + i % 40; k++) {
        state = state * 1103515245u + 12345;
        if (i % 5 == 0)
            buf_add_char(&b, (char)(state >> 16));
        else
            buf_printf(&b, " %s %u", (state >> 16) % 2 ? "repeated words" : "and others", state >> 20 & 63);
    }
    return b;
}

static struct cache_tier open_packs(const struct scene *scene, uint64_t cap, uint64_t segment) {
    struct clock clock = clock_system();
    struct packs_options options = {
        .fs = &scene->fs, .clock = &clock, .dir = scene->root, .cap = cap, .segment = segment};
    struct packs *packs = NULL;
    struct err err;
    if (packs_open(&options, &packs, &err) != STATUS_OK)
        return (struct cache_tier){0};
    return packs_tier(packs);
}

static bool put_one(const struct cache_tier *tier, unsigned i) {
    struct buf b = value_of(i);
    struct cache_value *value = cache_value_of(buf_str(&b), 0);
    bool kept = tier->put(tier->self, key_of(i), value);
    cache_value_drop(value);
    buf_release(&b);
    return kept;
}

enum found { MISSING, RIGHT, WRONG };

static enum found get_one(const struct cache_tier *tier, unsigned i) {
    struct cache_value *value = tier->get(tier->self, key_of(i));
    if (!value)
        return MISSING;
    struct buf b = value_of(i);
    bool right = str_equal((struct str){value->bytes, value->n}, buf_str(&b));
    cache_value_drop(value);
    buf_release(&b);
    return right ? RIGHT : WRONG;
}

static void put_many(const struct scene *scene, unsigned from, unsigned to) {
    struct cache_tier tier = open_packs(scene, 0, 0);
    assert_non_null(tier.self);
    for (unsigned i = from; i < to; i++)
        assert_true(put_one(&tier, i));
    tier.close(tier.self);
}

// How many of [from, to) are there; fails where one is wrong.
static unsigned count_right(const struct cache_tier *tier, unsigned from, unsigned to) {
    unsigned n = 0;
    for (unsigned i = from; i < to; i++) {
        enum found found = get_one(tier, i);
        assert_int_not_equal(found, WRONG);
        n += found == RIGHT;
    }
    return n;
}

static struct cache_stats stats_of(const struct cache_tier *tier) {
    struct cache_stats stats;
    tier->stats(tier->self, &stats);
    return stats;
}

static void segment_name(const struct scene *scene, char name[64]) { // of the only one
    DIR *dir = opendir(scene->path);
    int n = 0;
    for (const struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "segment-", 8) == 0)
            n += snprintf(name, 64, "%.63s", e->d_name) > 0;
    closedir(dir);
    assert_int_equal(n, 1);
}

static void test_round_trip(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = open_packs(&scene, 0, 0);
    assert_int_equal(get_one(&tier, 1), MISSING);
    for (unsigned i = 0; i < 300; i++) {
        assert_true(put_one(&tier, i));
        assert_int_equal(get_one(&tier, i), RIGHT); // before it is written
    }
    tier.flush(tier.self);
    assert_int_equal(count_right(&tier, 0, 400), 300);
    struct cache_stats stats = stats_of(&tier);
    assert_int_equal(stats.entries, 300);
    assert_int_equal(stats.damaged, 0);
    tier.close(tier.self);

    put_many(&scene, 300, 350); // goes on with the same segment
    assert_int_equal(count_files(scene.root, NULL), 1);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, 400), 350);
    tier.invalidate(tier.self, key_of(8));
    assert_int_equal(get_one(&tier, 8), MISSING);
    tier.close(tier.self);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, 400), 349);
    assert_true(put_one(&tier, 8));
    assert_int_equal(get_one(&tier, 8), RIGHT);
    tier.clear(tier.self, CACHE_THROUGH);
    assert_true(put_one(&tier, 3));
    assert_int_equal(count_right(&tier, 0, 350), 350 - 117 + 1);
    tier.close(tier.self);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, 350), 350 - 117 + 1);
    assert_int_equal(stats_of(&tier).damaged, 0);
    tier.close(tier.self);
    scene_close(&scene);
}

enum { FEW = 8 };

// All keys of a pack of FEW with one fault are right but for at most one, which is counted and can be put again.
static void expect_fault(const struct scene *scene, bool open_before, const char *name,
                         const struct buf *good, const char *p, size_t n, unsigned least) {
    put_file(scene, name, good->p, good->n);
    struct cache_tier tier = {0};
    if (open_before)
        tier = open_packs(scene, 0, 0);
    put_file(scene, name, p, n);
    if (!open_before)
        tier = open_packs(scene, 0, 0);
    assert_non_null(tier.self);
    unsigned right = count_right(&tier, 0, FEW);
    assert_in_range(right, least, FEW - 1);
    assert_true(stats_of(&tier).damaged > 0);
    for (unsigned i = 0; i < FEW; i++)
        if (get_one(&tier, i) == MISSING)
            assert_true(put_one(&tier, i));
    tier.flush(tier.self);
    assert_int_equal(count_right(&tier, 0, FEW), FEW);
    tier.close(tier.self);
    tier = open_packs(scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, FEW), FEW);
    tier.close(tier.self);
}

// A sound entry of another key where one of ours was.
static void test_exchanged(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = {0};
    for (unsigned i = 2; i-- > 0;) {
        char bytes[ENTRY_HEADER + 5] = {0};
        struct entry entry = {.key = key_of(i + 1), .kind = ENTRY_RAW, .size = 5, .stored = 5, .time = 1};
        memcpy(bytes + ENTRY_HEADER, i ? "first" : "other", 5);
        entry_seal(&entry, bytes);
        put_file(&scene, "segment-0000000000000000", bytes, sizeof bytes);
        if (i)
            tier = open_packs(&scene, 0, 0);
    }
    assert_null(tier.get(tier.self, key_of(2)));
    assert_int_equal(stats_of(&tier).damaged, 1);
    tier.close(tier.self);
    scene_close(&scene);
}

static void start_over(const struct scene *scene, const char *keep) {
    DIR *dir = opendir(scene->path);
    for (const struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' && strcmp(e->d_name, keep) != 0)
            unlinkat(scene->root, e->d_name, 0);
    closedir(dir);
}

static void test_flipped_bits(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_many(&scene, 0, FEW);
    char name[64];
    segment_name(&scene, name);
    struct buf good = get_file(&scene, name);
    for (size_t bit = 0; bit < good.n * 8; bit += SANITIZED_STEP) {
        struct buf bad = BUF_INIT;
        buf_add_str(&bad, buf_str(&good));
        bad.p[bit / 8] = (char)(bad.p[bit / 8] ^ 1 << bit % 8);
        expect_fault(&scene, bit % 2, name, &good, bad.p, bad.n, FEW - 1);
        start_over(&scene, name);
        buf_release(&bad);
    }
    buf_release(&good);
    scene_close(&scene);
}

static void test_cut_everywhere(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_many(&scene, 0, FEW);
    char name[64];
    segment_name(&scene, name);
    struct buf good = get_file(&scene, name);
    size_t at = 0;
    unsigned whole = 0;
    for (size_t n = 0; n < good.n; n++) {
        struct entry entry;
        if (n > at && entry_open(str_from(buf_str(&good), at), &entry) && n >= at + entry_size(&entry)) {
            at += entry_size(&entry);
            whole++;
        }
        if (n == at) { // nothing is torn: there are just fewer
            put_file(&scene, name, good.p, n);
            struct cache_tier tier = open_packs(&scene, 0, 0);
            assert_int_equal(count_right(&tier, 0, FEW), whole);
            tier.close(tier.self);
        } else {
            expect_fault(&scene, n % 2, name, &good, good.p, n, whole);
        }
        start_over(&scene, name);
    }
    buf_release(&good);
    scene_close(&scene);
}

static void test_verify_and_repair(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    put_many(&scene, 0, FEW);
    char name[64];
    segment_name(&scene, name);
    struct buf bytes = get_file(&scene, name);
    bytes.p[bytes.n / 2] ^= 4;
    put_file(&scene, name, bytes.p, bytes.n);
    struct cache_tier tier = open_packs(&scene, 0, 0);
    assert_int_equal(stats_of(&tier).damaged, 1);
    assert_int_equal(packs_verify(tier.self, false).kept, 1);
    struct packs_verified verified = packs_verify(tier.self, true);
    assert_int_equal(verified.entries, FEW - 1);
    assert_int_equal(verified.kept, 0);
    tier.close(tier.self);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(stats_of(&tier).damaged, 0);
    assert_int_equal(packs_verify(tier.self, false).damaged, 0);
    assert_int_equal(count_right(&tier, 0, FEW), FEW - 1);
    tier.close(tier.self);
    buf_release(&bytes);
    scene_close(&scene);
}

// A whole life; whatever fails in it.
static void live(const struct scene *scene) {
    for (unsigned round = 0; round < 3; round++) {
        struct cache_tier tier = open_packs(scene, 24 << 10, 4 << 10);
        if (!tier.self)
            continue;
        for (unsigned i = 60 * round; i < 60 * (round + 1); i++) {
            put_one(&tier, i);
            if (i % 16 == 0)
                tier.flush(tier.self);
            assert_int_not_equal(get_one(&tier, i), WRONG);
            assert_int_not_equal(get_one(&tier, i / 2), WRONG);
        }
        tier.invalidate(tier.self, key_of(60 * round + 3));
        assert_int_equal(get_one(&tier, 60 * round + 3), MISSING);
        packs_gc(tier.self, 2 << 10);
        packs_verify(tier.self, round == 1);
        tier.close(tier.self);
    }
}

static void test_every_call_fails(void **state) {
    (void)state;
    static const int errors[] = {EIO, ENOSPC, EMFILE};
    int calls = 1;
    for (int at = 0; at <= calls; at += SANITIZED_STEP) {
        struct scene scene;
        struct faulty faulty;
        scene_open(&scene);
        scene.fs = faulty_fs(&faulty, at, errors[at % 3]);
        faulty.stays = at % 2;
        faulty.is_short = at % 5 == 4;
        live(&scene);
        assert_int_equal(faulty.open_files, 0);
        if (at == 0)
            calls = faulty.calls;
        scene.fs = fs_system();
        struct cache_tier tier = open_packs(&scene, 0, 0);
        count_right(&tier, 0, 200);
        assert_int_equal(packs_verify(tier.self, true).kept, 0);
        assert_true(put_one(&tier, 1000));
        tier.flush(tier.self);
        assert_int_equal(get_one(&tier, 1000), RIGHT);
        tier.close(tier.self);
        scene_close(&scene);
    }
    assert_true(calls > 50);
}

static void test_dies_at_every_call(void **state) {
    (void)state;
    int status, calls = 0;
    do {
        struct scene scene;
        scene_open(&scene);
        put_many(&scene, 500, 520);
        pid_t child = fork();
        if (child == 0) {
            struct faulty faulty;
            scene.fs = faulty_fs(&faulty, calls + 1, EIO);
            faulty.dies = true;
            live(&scene);
            _exit(0);
        }
        calls += SANITIZED_STEP;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        struct cache_tier tier = open_packs(&scene, 0, 0);
        count_right(&tier, 0, 200);
        assert_true(put_one(&tier, 1000));
        tier.close(tier.self);
        tier = open_packs(&scene, 0, 0);
        assert_int_equal(get_one(&tier, 1000), RIGHT);
        tier.close(tier.self);
        scene_close(&scene);
    } while (WEXITSTATUS(status) == FAULTY_DIED);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(calls > 50);
}

static void test_cap(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = open_packs(&scene, 64 << 10, 8 << 10);
    for (unsigned i = 1; i < 2000; i++) {
        put_one(&tier, i);
        if (i % 10 == 0)
            tier.flush(tier.self);
        assert_int_equal(get_one(&tier, 1), RIGHT); // what is asked for stays
    }
    tier.flush(tier.self);
    while (packs_gc(tier.self, 4 << 10))
        ;
    struct cache_stats stats = stats_of(&tier);
    assert_in_range(stats.bytes, 16 << 10, 64 << 10);
    assert_true(stats.evictions > 0);
    assert_true(count_right(&tier, 0, 2000) < 2000);
    assert_int_equal(get_one(&tier, 1), RIGHT);
    assert_int_equal(stats_of(&tier).damaged, 0);
    tier.close(tier.self);
    scene_close(&scene);
}

static void test_dictionary(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = open_packs(&scene, 0, 0);
    struct cache_tier other = open_packs(&scene, 0, 0);
    assert_int_equal(count_files(scene.root, NULL), 0);
    uint64_t plain = 0, before = 0;
    for (unsigned i = 0; i < 6000; i++) {
        if (i == 600)
            plain = stats_of(&tier).bytes;
        if (i == 5400)
            before = stats_of(&tier).bytes;
        put_one(&tier, i);
    }
    assert_true((stats_of(&tier).bytes - before) * 10 < plain * 9);
    assert_true(count_files(scene.root, NULL) > 1);
    tier.flush(tier.self);
    packs_refresh(other.self);
    assert_int_equal(count_right(&other, 0, 6000), 6000);
    tier.close(tier.self);
    other.close(other.self);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, 6000), 6000);
    tier.close(tier.self);
    // Without its dictionary an entry is a miss.
    struct scene *s = &scene;
    DIR *dir = opendir(s->path);
    for (const struct dirent *e; (e = readdir(dir));)
        if (strncmp(e->d_name, "dictionary-", 11) == 0)
            unlinkat(s->root, e->d_name, 0);
    closedir(dir);
    tier = open_packs(&scene, 0, 0);
    unsigned right = count_right(&tier, 0, 6000);
    assert_in_range(right, 600, 5400);
    assert_int_equal(stats_of(&tier).damaged, 6000 - right);
    tier.close(tier.self);
    scene_close(&scene);
}

enum { PROCESSES = 8, KEYS = 1500 };

_Noreturn static void work(const struct scene *scene, unsigned seed) {
    for (;;) {
        struct cache_tier tier = open_packs(scene, 256 << 10, 32 << 10);
        if (!tier.self)
            _exit(3);
        for (int i = 0; i < 2000; i++) {
            seed = seed * 1103515245u + 12345;
            unsigned key = (seed >> 8) % KEYS;
            enum found found = get_one(&tier, key);
            if (found == WRONG)
                _exit(2);
            if (found == MISSING)
                put_one(&tier, key);
            if (seed >> 24 == 3)
                tier.flush(tier.self);
            if (seed >> 24 == 4)
                packs_gc(tier.self, 16 << 10);
            if (seed >> 23 == 10)
                tier.invalidate(tier.self, key_of(key));
        }
        tier.close(tier.self);
    }
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t start(const struct scene *scene, unsigned seed) {
    pid_t child = fork();
    if (child == 0)
        work(scene, seed);
    assert_true(child > 0);
    return child;
}

// Processes that are killed at any time and started again, on one small cache that is cleaned all the while.
static void test_processes(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    pid_t children[PROCESSES];
    for (unsigned i = 0; i < PROCESSES; i++)
        children[i] = start(&scene, i * 7919 + 1);
    double end = seconds() + 2;
    int kills = 0, status;
    for (unsigned k = 0; seconds() < end; k++) {
        nanosleep(&(struct timespec){.tv_nsec = 7000000}, NULL);
        unsigned i = k * 5 % PROCESSES;
        kill(children[i], SIGKILL);
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        children[i] = start(&scene, k * 31 + 77);
        kills++;
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        kill(children[i], SIGKILL);
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    struct cache_tier tier = open_packs(&scene, 256 << 10, 32 << 10);
    assert_true(count_right(&tier, 0, KEYS) > 0);
    while (packs_gc(tier.self, 1 << 20))
        ;
    assert_true(stats_of(&tier).bytes <= 256 << 10);
    packs_verify(tier.self, true);
    assert_int_equal(packs_verify(tier.self, false).damaged, 0);
    tier.close(tier.self);
    scene_close(&scene);
    assert_true(kills > 0);
}

enum { TOGETHER = 40 };

// Many processes at once leave a segment each, which become one; an entry larger than a part is read at opening, too.
static void test_small_ones_become_one(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tiers[TOGETHER];
    for (unsigned i = 0; i < TOGETHER; i++) {
        tiers[i] = open_packs(&scene, 0, 0);
        assert_true(put_one(&tiers[i], i));
        tiers[i].invalidate(tiers[i].self, key_of(i / 20 * 20));
        tiers[i].flush(tiers[i].self);
        if (i % 20)
            assert_int_equal(get_one(&tiers[i], i), RIGHT);
    }
    char *large = pattern(700 << 10, 3);
    struct cache_value *value = cache_value_of((struct str){large, 700 << 10}, 0);
    assert_true(tiers[5].put(tiers[5].self, key_of(900), value));
    cache_value_drop(value);
    for (unsigned i = 0; i < TOGETHER; i++)
        tiers[i].close(tiers[i].self);
    assert_int_equal(count_files(scene.root, NULL), TOGETHER);
    struct cache_tier tier = open_packs(&scene, 0, 0);
    assert_true(put_one(&tier, 100));
    while (packs_gc(tier.self, 700))
        ;
    assert_in_range(count_files(scene.root, NULL), 1, 16);
    tier.close(tier.self);
    tier = open_packs(&scene, 0, 0);
    assert_int_equal(count_right(&tier, 0, 200), TOGETHER - 2 + 1);
    value = tier.get(tier.self, key_of(900));
    assert_non_null(value);
    assert_int_equal(value->n, 700 << 10);
    assert_memory_equal(value->bytes, large, value->n);
    cache_value_drop(value);
    free(large);
    assert_int_equal(stats_of(&tier).damaged, 0);
    tier.close(tier.self);
    scene_close(&scene);
}

static int refuse_unlink(void *self, int dir, const char *path) {
    (void)self, (void)dir, (void)path;
    return -EACCES;
}

static void test_what_cannot_be_removed(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    scene.fs.unlink = refuse_unlink;
    struct cache_tier tier = open_packs(&scene, 32 << 10, 4 << 10);
    for (unsigned i = 0; i < 1000; i++) {
        put_one(&tier, i);
        if (i % 10 == 0)
            tier.flush(tier.self);
    }
    while (packs_gc(tier.self, 1 << 20)) // comes to an end
        ;
    assert_int_equal(count_right(&tier, 0, 1000), 1000);
    assert_true(stats_of(&tier).failed > 0);
    tier.close(tier.self);
    scene_close(&scene);
}

struct job {
    const struct cache_tier *tier;
    unsigned seed, wrong;
};

static void *run_job(void *context) {
    struct job *job = context;
    const struct cache_tier *tier = job->tier;
    unsigned seed = job->seed;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1103515245u + 12345;
        unsigned key = (seed >> 8) % KEYS;
        enum found found = get_one(tier, key);
        job->wrong += found == WRONG;
        if (found == MISSING)
            put_one(tier, key);
        if (seed >> 23 == 3)
            tier->flush(tier->self);
        if (seed >> 23 == 4)
            packs_gc(tier->self, 16 << 10);
        if (seed >> 23 == 5)
            tier->invalidate(tier->self, key_of(key));
        if (seed >> 23 == 6)
            packs_refresh(tier->self);
        if (seed >> 20 == 7)
            packs_verify(tier->self, true);
        if (seed >> 20 == 8)
            tier->clear(tier->self, CACHE_THROUGH);
    }
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = open_packs(&scene, 256 << 10, 16 << 10);
    pthread_t threads[4];
    struct job jobs[4];
    for (unsigned i = 0; i < 4; i++) {
        jobs[i] = (struct job){.tier = &tier, .seed = i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].wrong, 0);
    }
    assert_true(count_right(&tier, 0, KEYS) > 0);
    assert_int_equal(stats_of(&tier).damaged, 0);
    assert_int_equal(stats_of(&tier).failed, 0);
    tier.close(tier.self);
    scene_close(&scene);
}

// Entries that were made for this: with right checksums, and wrong all the same.
static void test_lies(void **state) {
    (void)state;
    static const struct {
        uint32_t size;
        enum entry_kind kind;
        int64_t time;
    } lies[] = {
        {64 << 20, ENTRY_ZSTD, 1},   // unpacks to less
        {3, ENTRY_ZSTD, 1},          // to more
        {UINT32_MAX, ENTRY_ZSTD, 1}, // beyond all limits
        {22, ENTRY_RAW, 1},          // not the payload's size
        {22, ENTRY_DICTIONARY, 1},   // not in a segment
        {22, ENTRY_ZSTD, INT64_MAX}, // nothing could be later
        {22, ENTRY_ZSTD, -1},
    };
    struct buf b = value_of(1);
    struct codec *codec = codec_new(NULL);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct scene scene;
        scene_open(&scene);
        char bytes[4096] = {0};
        struct entry entry = {.key = key_of(1)};
        codec_pack(codec, buf_str(&b), &entry, bytes + ENTRY_HEADER);
        assert_int_equal(entry.kind, ENTRY_ZSTD);
        entry.size = lies[i].size;
        entry.kind = lies[i].kind;
        entry.time = lies[i].time;
        entry_seal(&entry, bytes);
        put_file(&scene, "segment-0000000000000000", bytes, entry_size(&entry));
        struct cache_tier tier = open_packs(&scene, 0, 0);
        assert_int_equal(get_one(&tier, 1), MISSING);
        assert_true(put_one(&tier, 1));
        assert_int_equal(get_one(&tier, 1), RIGHT);
        tier.close(tier.self);
        tier = open_packs(&scene, 0, 0);
        assert_int_equal(get_one(&tier, 1), RIGHT);
        tier.close(tier.self);
        scene_close(&scene);
    }
    codec_free(codec);
    buf_release(&b);
}

// What another tier had for long is as old here, also when it is read again from the file: up to a thousandth older, never
// younger by more than a second.
static void a_value_keeps_its_age(void **state) {
    (void)state;
    const int64_t second = 1000000000;
    static const int64_t ages[] = {0, 1, 59, 2047, 2048, 7200, 86399, 2592001, 1000000007};
    struct scene scene;
    scene_open(&scene);
    struct cache_tier tier = open_packs(&scene, 0, 0);
    const struct clock clock = clock_system();
    const int64_t now = clock.wall(clock.self);
    for (unsigned i = 0; i < sizeof ages / sizeof *ages; i++) {
        struct cache_value *value = cache_value_of(STR("text"), now - ages[i] * second);
        assert_true(tier.put(tier.self, key_of(i), value));
        cache_value_drop(value);
    }
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < sizeof ages / sizeof *ages; i++) {
            struct cache_value *value = tier.get(tier.self, key_of(i));
            assert_non_null(value);
            const int64_t age = now - value->made, least = (ages[i] - 1) * second;
            assert_true(age >= least - 60 * second * (ages[i] <= 1) &&
                        age <= (ages[i] + ages[i] / 1000 + 2) * second);
            cache_value_drop(value);
        }
        tier.close(tier.self);
        tier = open_packs(&scene, 0, 0);
    }
    tier.close(tier.self);
    scene_close(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_cut_everywhere),
        cmocka_unit_test(test_verify_and_repair),
        cmocka_unit_test(test_every_call_fails),
        cmocka_unit_test(test_dies_at_every_call),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_dictionary),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_exchanged),
        cmocka_unit_test(test_what_cannot_be_removed),
        cmocka_unit_test(test_small_ones_become_one),
        cmocka_unit_test(a_value_keeps_its_age),
        cmocka_unit_test(test_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
