// SPDX-License-Identifier: MIT
// Line diffs: as short as can be, whole again from their parts, bounded in effort; and the shapes of edits.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/review/edit_shape.h"
#include "pipeline/review/line_diff.h"

static const struct line_colours plain = {"", "", "", ""};

static void assert_written(const char *old, const char *fresh, const char *want) {
    struct line_diff d = {.n = 0};
    struct buf out = BUF_INIT;
    line_diff(&d, str_of(old), str_of(fresh));
    assert_true(line_diff_write(&d, 0, &plain, &out));
    assert_string_equal(buf_text(&out), want);
    buf_release(&out);
    line_diff_release(&d);
}

static void hunks_read_as_diff_writes_them(void **state) {
    (void)state;
    assert_written("", "", "");
    assert_written("a\n", "a\n", "");
    assert_written("", "a\n", "@@ -0,0 +1,1 @@\n+a\n");
    assert_written("a\n", "", "@@ -1,1 +0,0 @@\n-a\n");
    assert_written("a", "a\n", "@@ -1,1 +1,1 @@\n-a\n\\ no line end\n+a\n");
    assert_written("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
                   "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n");
    assert_written("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
                   "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
    assert_written("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
                   "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
    assert_written("\x1b[31m\r\n", "\xc2\x85\ttab\x7f\n",
                   "@@ -1,1 +1,1 @@\n-\\x1b[31m\\x0d\n+\\xc2\\x85\ttab\\x7f\n");
}

static void long_hunks_are_cut(void **state) {
    (void)state;
    struct line_diff d = {.n = 0};
    struct buf out = BUF_INIT;
    line_diff(&d, STR("1\n2\n3\n"), STR("a\nb\nc\n"));
    assert_false(line_diff_write(&d, 2, &plain, &out));
    assert_string_equal(buf_text(&out), "@@ -1,3 +1,3 @@\n-1\n-2\n");
    buf_release(&out);
    line_diff_release(&d);
}

// The longest common subsequence, the slow way.
static size_t common_lines(const struct line_diff *d) {
    size_t n = d->old.n, m = d->fresh.n;
    size_t *best = MEM_NEW_ARRAY(size_t, (n + 1) * (m + 1));
    for (size_t i = n; i-- > 0;)
        for (size_t j = m; j-- > 0;) {
            size_t down = best[(i + 1) * (m + 1) + j], right = best[i * (m + 1) + j + 1];
            best[i * (m + 1) + j] = str_equal(d->old.lines[i], d->fresh.lines[j])
                                        ? best[(i + 1) * (m + 1) + j + 1] + 1
                                    : down > right ? down
                                                   : right;
        }
    size_t result = best[0];
    mem_free(best);
    return result;
}

// What is between the blocks is equal, and the blocks hold all that is not.
static void check_blocks(const struct line_diff *d) {
    size_t old = 0, fresh = 0, removed = 0, added = 0;
    for (size_t i = 0; i <= d->n; i++) {
        size_t end = i < d->n ? d->blocks[i].old_at : d->old.n;
        assert_true(end >= old);
        for (; old < end; old++, fresh++)
            assert_true(str_equal(d->old.lines[old], d->fresh.lines[fresh]));
        if (i == d->n)
            break;
        assert_int_equal(fresh, d->blocks[i].new_at);
        assert_true(d->blocks[i].old_n + d->blocks[i].new_n > 0);
        old += d->blocks[i].old_n;
        fresh += d->blocks[i].new_n;
        removed += d->blocks[i].old_n;
        added += d->blocks[i].new_n;
    }
    assert_int_equal(fresh, d->fresh.n);
    assert_int_equal(removed, d->removed);
    assert_int_equal(added, d->added);
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static void random_texts_have_least_diffs(void **state) {
    (void)state;
    struct line_diff d = {.n = 0};
    uint32_t seed = 7;
    for (int round = 0; round < 4000; round++) {
        struct buf texts[2] = {BUF_INIT, BUF_INIT};
        unsigned letters = 1 + next_random(&seed) % 6;
        for (int side = 0; side < 2; side++)
            for (unsigned n = next_random(&seed) % 24; n > 0; n--)
                buf_printf(&texts[side], "%u%s", next_random(&seed) % letters,
                           n > 1 || next_random(&seed) % 4 ? "\n" : "");
        line_diff(&d, buf_str(&texts[0]), buf_str(&texts[1]));
        check_blocks(&d);
        assert_false(d.coarse);
        size_t common = common_lines(&d);
        assert_int_equal(d.removed, d.old.n - common);
        assert_int_equal(d.added, d.fresh.n - common);
        buf_release(&texts[0]);
        buf_release(&texts[1]);
    }
    line_diff_release(&d);
}

static void too_much_is_coarse(void **state) {
    (void)state;
    struct line_diff d = {.n = 0};
    struct buf old = BUF_INIT, fresh = BUF_INIT;
    for (int i = 0; i < 3000; i++) {
        buf_printf(&old, "old %d\n", i);
        buf_printf(&fresh, i % 10 ? "new %d\n" : "old %d\n", i);
    }
    line_diff(&d, buf_str(&old), buf_str(&fresh));
    assert_true(d.coarse);
    assert_int_equal(d.removed, 2700); // as many lines: each against its own
    check_blocks(&d);
    buf_add_text(&fresh, "one more\nand one");
    line_diff(&d, buf_str(&old), buf_str(&fresh));
    assert_true(d.coarse);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.removed, 2999); // the first is the same
    check_blocks(&d);
    line_diff(&d, STR(""), buf_str(&fresh));
    assert_false(d.coarse);
    buf_release(&old);
    buf_release(&fresh);
    line_diff_release(&d);
}

// Shapes ---------------------------------------------------------------------------------------------------------

enum alike { SAME, ALIKE, FORM, OTHER };

static struct edit_shape shape_of(const char *old, const char *fresh) {
    struct line_diff d = {.n = 0};
    struct edit_room room = {.text = BUF_INIT};
    struct edit_shape shape;
    line_diff(&d, str_of(old), str_of(fresh));
    edit_shape_of(&d, &room, &shape);
    edit_room_release(&room);
    line_diff_release(&d);
    return shape;
}

static enum alike compare(const char *old, const char *fresh, const char *other_old,
                          const char *other_fresh) {
    struct edit_shape a = shape_of(old, fresh), b = shape_of(other_old, other_fresh);
    if (digest_equal(a.exact, b.exact))
        return SAME;
    if (digest_equal(a.alike, b.alike))
        return ALIKE;
    return digest_equal(a.form, b.form) ? FORM : OTHER;
}

static void edits_are_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *old, *fresh, *other_old, *other_fresh;
        enum alike alike;
    } cases[] = {
        // other edits
        {"a: 1\n", "b: 1\n", "a: 1\n", "a: 1\nb: 1\n", OTHER},
        {"x\n", "(x)\n", "x\n", "[x]\n", OTHER},
        {"x\n", "x\ny\n", "x\ny\n", "x\n", OTHER},
        {"Dear Ada\n", "Dear Ada!\n", "Dear Ada\n", "Dear Ada?\n", OTHER},
        // where it is does not matter
        {"a\nx\n", "a\ny\n", "x\nb\nc\n", "y\nb\nc\n", SAME},
        {"\n", "", "a\n\n", "a\n", SAME},
        // a value that stays
        {"Dear Ada,\n", "Hello Ada,\n", "Dear Bob,\n", "Hello Bob,\n", ALIKE},
        {"Dear Ada,\n", "Hello Ada,\n", "Dear Bob Van Smith,\n", "Hello Bob Van Smith,\n", ALIKE},
        {"my Ada here\n", "your Ada there\n", "my New York here\n", "your New York there\n", ALIKE},
        {"d\xc3\xa9j\xc3\xa0 x\n", "deja x\n", "d\xc3\xa9j\xc3\xa0 y\n", "deja y\n", ALIKE},
        // numbers
        {"n = 1\n", "n = 2\n", "n = 34.5\n", "n = 1,000\n", ALIKE},
        {"on 2026-11-21\n", "on 2026-11-22\n", "on 2026-10-01\n", "on 2026-10-30\n", ALIKE},
        {"x\n", "x\nid 12\n", "x\n", "x\nid 7\n", ALIKE},
        // once or many times
        {"- a\n- b\n", "* a\n* b\n", "- a\n", "* a\n", ALIKE},
        {"p\nq\n", "p\nq\nr 1\nr 2\n", "p\n", "p\nr 3\n", ALIKE},
        // values of their own
        {"x\n", "x\ncity: Rome\n", "x\n", "x\ncity: New York\n", FORM},
        {"state: red\n", "state: green\n", "state: blue\n", "state: dark grey\n", FORM},
        {"state: red\n", "state: green\n", "state: 1\n", "state: grey\n", FORM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum alike got = compare(cases[i].old, cases[i].fresh, cases[i].other_old, cases[i].other_fresh);
        if (got != cases[i].alike)
            fail_msg("case %zu: %d and not %d", i, got, cases[i].alike);
    }
}

// Of a line with more words than are kept, those beyond are as they are; nothing hangs or runs over.
static void long_lines_have_shapes(void **state) {
    (void)state;
    struct buf old = BUF_INIT, fresh = BUF_INIT;
    for (int i = 0; i < 5000; i++) {
        buf_printf(&old, "w%d(", i);
        buf_printf(&fresh, "w%d[", i);
    }
    struct edit_shape a = shape_of(buf_text(&old), buf_text(&fresh)),
                      b = shape_of(buf_text(&old), buf_text(&fresh));
    assert_true(digest_equal(a.alike, b.alike));
    buf_release(&old);
    buf_release(&fresh);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hunks_read_as_diff_writes_them), cmocka_unit_test(long_hunks_are_cut),
        cmocka_unit_test(random_texts_have_least_diffs),  cmocka_unit_test(too_much_is_coarse),
        cmocka_unit_test(edits_are_told_apart),           cmocka_unit_test(long_lines_have_shapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
