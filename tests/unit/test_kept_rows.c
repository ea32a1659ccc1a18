// SPDX-License-Identifier: MIT
// Rows as bytes: what was written is read, and bytes that are no rows are told as such.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <math.h>

#include "stages/load/kept_rows.h"

static const int64_t integers[] = {0, -1, INT64_MIN, INT64_MAX};
static const double floats[] = {0.5, -0.0, INFINITY, 1e300};

static struct buf write_rows(uint32_t rows) {
    struct buf out = BUF_INIT;
    const struct value names[] = {value_string(STR("whole")), value_string(STR("")),
                                  value_string(STR("täxt")), value_string(STR("none"))};
    kept_rows_begin(&out, names, 4);
    for (uint32_t i = 0; i < rows; i++) {
        kept_rows_add(&out, value_int(integers[i % 4]));
        kept_rows_add(&out, value_float(floats[i % 4]));
        kept_rows_add(&out, value_string(i % 2 ? STR("") : STR("some text")));
        kept_rows_add(&out, value_none());
    }
    kept_rows_end(&out, rows);
    return out;
}

static void test_round_trip(void **state) {
    (void)state;
    for (uint32_t rows = 0; rows < 9; rows += 4) {
        struct buf bytes = write_rows(rows);
        struct kept_rows kept;
        assert_true(kept_rows_open(&kept, buf_str(&bytes)));
        assert_int_equal(kept.columns, 4);
        assert_true(str_is(kept_rows_name(&kept), "whole"));
        assert_true(str_is(kept_rows_name(&kept), ""));
        assert_true(str_is(kept_rows_name(&kept), "täxt"));
        assert_true(str_is(kept_rows_name(&kept), "none"));
        for (uint32_t i = 0; i < rows; i++) {
            assert_true(kept_rows_next(&kept));
            struct value value = kept_rows_take(&kept);
            assert_int_equal(value.tag, VALUE_INT);
            assert_true(value.i == integers[i % 4]);
            value = kept_rows_take(&kept);
            assert_int_equal(value.tag, VALUE_FLOAT);
            assert_memory_equal(&value.f, &floats[i % 4], sizeof value.f);
            value = kept_rows_take(&kept);
            assert_true(value_is_string(value));
            assert_true(str_is(value_str(value), i % 2 ? "" : "some text"));
            assert_int_equal(kept_rows_take(&kept).tag, VALUE_NONE);
        }
        assert_false(kept_rows_next(&kept));
        buf_release(&bytes);
    }
}

// Cut anywhere, or with more behind it, they are no rows; with a byte changed they may be others, but end well.
static void test_damage(void **state) {
    (void)state;
    struct buf bytes = write_rows(3);
    struct kept_rows kept;
    for (size_t n = 0; n < bytes.n; n++)
        assert_false(kept_rows_open(&kept, str_slice(buf_str(&bytes), 0, n)));
    for (size_t at = 0; at < bytes.n; at++) {
        char was = bytes.p[at];
        for (int change = 1; change < 256; change += 7) {
            bytes.p[at] = (char)(was ^ change);
            if (!kept_rows_open(&kept, buf_str(&bytes)))
                continue;
            while (kept_rows_next(&kept))
                for (uint32_t i = 0; i < kept.columns; i++)
                    kept_rows_take(&kept);
            assert_int_equal(kept.rest.n, 0);
        }
        bytes.p[at] = was;
    }
    buf_add_char(&bytes, 0);
    assert_false(kept_rows_open(&kept, buf_str(&bytes)));
    buf_release(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
