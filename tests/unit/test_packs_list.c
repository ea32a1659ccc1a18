// SPDX-License-Identifier: MIT
// What the file tier tells of its entries: tags, sizes, uses; what the memory tier holds per category.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include "cache/memory.h"
#include "cache/packs.h"
#include "tests/support/scene.h"

static struct cache_key key_of(unsigned i) {
    return (struct cache_key){.category = i ? CACHE_RENDER : CACHE_THROUGH,
                              .digest = digest_of((struct str){(const char *)&i, sizeof i})};
}

static struct packs *open_packs(const struct scene *scene) {
    struct clock clock = clock_system();
    struct packs *packs = NULL;
    struct err err;
    const struct packs_options options = {.fs = &scene->fs, .clock = &clock, .dir = scene->root};
    assert_int_equal(packs_open(&options, &packs, &err), STATUS_OK);
    return packs;
}

// Three values, tagged 7, 9 and 7; the last one is invalidated.
static void put_three(const struct cache_tier *tier) {
    for (unsigned i = 0; i < 3; i++) {
        struct cache_value *value = cache_value_of(STR("some text"), 0);
        value->tag = i == 1 ? 9 : 7;
        assert_true(tier->put(tier->self, key_of(i), value));
        cache_value_drop(value);
    }
    tier->invalidate(tier->self, key_of(2));
}

struct seen {
    struct packs_entry of[2]; // tagged 7, and 9
    unsigned n;
};

static void see_entry(void *context, const struct packs_entry *entry) {
    struct seen *seen = context;
    assert_true(entry->tag == 7 || entry->tag == 9);
    seen->of[entry->tag == 9] = *entry;
    seen->n++;
}

static void check_list(struct packs *packs, unsigned uses) {
    struct seen seen = {.n = 0};
    packs_each(packs, see_entry, &seen);
    assert_int_equal(seen.n, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(cache_key_equal(seen.of[i].key, key_of(i)));
        assert_int_equal(seen.of[i].bytes, 9);
        assert_true(seen.of[i].stored > 9);
        assert_int_equal(seen.of[i].uses, i ? uses : 0);
    }
}

static void check_held(const struct cache_tier *tier) {
    struct cache_stats stats;
    tier->stats(tier->self, &stats);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.held[CACHE_SOURCE].entries, 0);
    assert_int_equal(stats.held[CACHE_THROUGH].entries, 1);
    assert_int_equal(stats.held[CACHE_RENDER].entries, 1);
    assert_int_equal(stats.held[CACHE_RENDER].bytes, 9);
    assert_true(stats.held[CACHE_RENDER].stored > 9);
}

static void use_tagged(const struct cache_tier *tier, unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        struct cache_value *value = tier->get(tier->self, key_of(1));
        assert_non_null(value);
        assert_int_equal(value->tag, 9);
        cache_value_drop(value);
    }
}

// Tags stay with their values, in the segments and when these are read and cleaned; uses are this process's.
static void test_list(void **state) {
    (void)state;
    struct scene scene;
    scene_open(&scene);
    struct packs *packs = open_packs(&scene);
    struct cache_tier tier = packs_tier(packs);
    put_three(&tier);
    use_tagged(&tier, 300);
    check_list(packs, UINT8_MAX);
    check_held(&tier);
    tier.close(tier.self);
    packs = open_packs(&scene);
    tier = packs_tier(packs);
    check_list(packs, 0);
    use_tagged(&tier, 2);
    check_list(packs, 2);
    while (packs_gc(packs, 1 << 20))
        continue;
    struct packs_verified verified = packs_verify(packs, true);
    assert_int_equal(verified.damaged, 0);
    use_tagged(&tier, 1);
    check_held(&tier);
    tier.close(tier.self);
    scene_close(&scene);
}

static void test_memory(void **state) {
    (void)state;
    struct cache_tier tier = memory_tier(memory_new(1 << 20));
    put_three(&tier);
    use_tagged(&tier, 1);
    check_held(&tier);
    tier.clear(tier.self, CACHE_RENDER);
    struct cache_stats stats;
    tier.stats(tier.self, &stats);
    assert_int_equal(stats.held[CACHE_RENDER].entries, 0);
    assert_int_equal(stats.held[CACHE_RENDER].stored, 0);
    assert_int_equal(stats.held[CACHE_THROUGH].bytes, 9);
    tier.close(tier.self);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
