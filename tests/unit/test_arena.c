// SPDX-License-Identifier: MIT
// Arenas: what was asked for, and where the limit is reached, must not depend on the blocks that are there.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/arena.h"

enum { LIMIT = 100 << 10, ODD = 3 };

// Arenas whose blocks have different histories: fresh, cleared after little, cleared after much.
enum { HISTORIES = 3 };
static struct arena with_history(int i, size_t limit) {
    static const size_t before[HISTORIES] = {0, 20 << 10, 700 << 10};
    struct arena arena;
    arena_init(&arena, 0);
    for (size_t n = 0; n < before[i]; n += 1 << 10)
        assert_non_null(arena_alloc(&arena, 1 << 10));
    arena_clear(&arena);
    assert_int_equal(arena_used(&arena), 0);
    arena_limit(&arena, limit);
    return arena;
}

static void limits_are_reached_at_the_same_piece(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 16, 100, 1000, 5000, 40 << 10, LIMIT, LIMIT + 1};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        size_t rounded = (sizes[s] + 15) & ~(size_t)15;
        for (int i = 0; i < HISTORIES; i++) {
            struct arena arena = with_history(i, LIMIT);
            size_t n = 0;
            while (arena_alloc(&arena, sizes[s]))
                n++;
            assert_int_equal(n, LIMIT / rounded);
            assert_int_equal(arena_used(&arena), n * rounded);
            assert_null(arena_alloc(&arena, sizes[s]));
            arena_limit(&arena, 0);
            assert_non_null(arena_alloc(&arena, sizes[s]));
            arena_release(&arena);
        }
    }
}

// A text grows step by step, at times with another piece behind it.
static size_t grow_texts(struct arena *arena) {
    size_t grown = 0;
    for (int round = 0; round < 20; round++) {
        char *text = NULL;
        size_t size = 0;
        for (size_t want = 64; want <= (size_t)8 << 10; want *= 2) {
            char *larger = arena_extend(arena, text, size, want, size);
            if (!larger)
                return grown;
            for (size_t i = 0; i < size; i++)
                assert_int_equal(larger[i], 'x');
            text = memset(larger, 'x', want);
            size = want;
            grown++;
            if (round % ODD == 0 && want == 1 << 10)
                assert_true(arena_alloc(arena, 48) || arena->limit);
        }
        arena_shrink(arena, text, size, 4 << 10);
    }
    return grown;
}

static void texts_grow_at_the_same_cost(void **state) {
    (void)state;
    static const size_t limits[] = {0, LIMIT, 30 << 10, 4 << 10, 16};
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        size_t grown = 0, used = 0;
        struct arena_asked asked = {0, 0};
        for (int i = 0; i < HISTORIES; i++) {
            struct arena arena = with_history(i, limits[l]);
            struct arena_asked before = arena_asked(&arena);
            size_t now = grow_texts(&arena);
            struct arena_asked after = arena_asked(&arena);
            if (i > 0) {
                assert_int_equal(now, grown);
                assert_int_equal(arena_used(&arena), used);
                assert_int_equal(after.pieces - before.pieces, asked.pieces);
                assert_int_equal(after.bytes - before.bytes, asked.bytes);
            }
            grown = now;
            used = arena_used(&arena);
            asked = (struct arena_asked){after.pieces - before.pieces, after.bytes - before.bytes};
            arena_release(&arena);
        }
        assert_true(limits[l] ? used <= limits[l] : grown > 100);
    }
}

static void what_is_given_back_was_asked_for(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    assert_non_null(arena_alloc(&arena, 0)); // also as the first of all
    assert_int_equal(arena_used(&arena), 0);
    assert_non_null(arena_alloc(&arena, 10));
    struct arena_mark mark = arena_mark(&arena);
    assert_non_null(arena_alloc(&arena, 100 << 10));
    arena_rewind(&arena, mark);
    assert_int_equal(arena_used(&arena), 16);
    assert_int_equal(arena_asked(&arena).pieces, 3);
    assert_int_equal(arena_asked(&arena).bytes, 16 + (100 << 10));
    arena_clear(&arena);
    assert_int_equal(arena_used(&arena), 0);
    assert_int_equal(arena_asked(&arena).bytes, 16 + (100 << 10));
    struct arena_asked since = arena_asked(&arena);
    assert_non_null(arena_alloc(&arena, 50));
    arena_uncount(&arena, since);
    assert_int_equal(arena_used(&arena), 64);
    assert_int_equal(arena_asked(&arena).pieces, 3);
    assert_int_equal(arena_asked(&arena).bytes, 16 + (100 << 10));
    arena_clear(&arena);
    assert_int_equal(arena_asked(&arena).bytes, 16 + (100 << 10));
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 20));
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(limits_are_reached_at_the_same_piece),
        cmocka_unit_test(texts_grow_at_the_same_cost),
        cmocka_unit_test(what_is_given_back_was_asked_for),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
