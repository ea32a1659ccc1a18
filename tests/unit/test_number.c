// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

static void check_int(int64_t value) {
    char want[40], got[NUMBER_TEXT_SIZE + 1];
    int64_t back = 0;
    int n = snprintf(want, sizeof want, "%lld", (long long)value);
    size_t m = number_write_int(got, value);
    assert_int_equal(m, n);
    assert_memory_equal(got, want, m);
    assert_true(number_parse_int((struct str){got, m}, &back));
    assert_true(back == value);
}

static void integers_go_out_and_back(void **state) {
    (void)state;
    check_int(0);
    check_int(INT64_MIN);
    check_int(INT64_MAX);
    for (int64_t power = 1; power <= INT64_MAX / 10; power *= 10) {
        check_int(power);
        check_int(power - 1);
        check_int(-power);
        check_int(1 - power);
    }
}

static void what_is_not_an_integer(void **state) {
    (void)state;
    const char *const bad[] = {"",
                               "-",
                               "+",
                               "1.",
                               "1e2",
                               " 1",
                               "1 ",
                               "0x1",
                               "--1",
                               "9223372036854775808",
                               "-9223372036854775809",
                               "92233720368547758070",
                               "1_000",
                               "\xD9\xA1"};
    int64_t value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number_parse_int(str_of(bad[i]), &value));
    assert_false(number_parse_int((struct str){NULL, 0}, &value));
    assert_true(number_parse_int(STR("+007"), &value) && value == 7);
    assert_true(number_parse_int(STR("-9223372036854775808"), &value) && value == INT64_MIN);
}

static void what_is_not_a_number(void **state) {
    (void)state;
    const char *const bad[] = {"",     "-",    ".",  "-.", "e5",  ".e5", "1e",    "1e+", "1e5.",
                               "1e5x", "1..2", "1 ", " 1", "inf", "nan", "0x1p3", "1,5", "1_0"};
    double value;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(number_parse_double(str_of(bad[i]), &value));
    assert_false(number_parse_double((struct str){NULL, 0}, &value));
}

static void doubles_read(void **state) {
    (void)state;
    const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1", 1},
        {"+1.5", 1.5},
        {"1.", 1},
        {".5", .5},
        {"0.1", 0.1},
        {"1E3", 1000},
        {"1e-3", 1e-3},
        {"-2.5e+1", -25},
        {"9007199254740993", 9007199254740992.0}, // half way, to even
        {"9007199254740995", 9007199254740996.0},
        {"1e22", 1e22},
        {"1e23", 1e23}, // the first power of ten that is not a double
        {"123456789012345678901234567890", 123456789012345678901234567890.0},
        {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022}, // hung famous parsers
        {"4.9e-324", DBL_TRUE_MIN},
        {"2.4703282292062327e-324", 0},
        {"2.4703282292062328e-324", DBL_TRUE_MIN},
        {"1.7976931348623157e308", DBL_MAX},
        {"1.7976931348623159e308", HUGE_VAL},
        {"1e400", HUGE_VAL},
        {"1e-400", 0},
        {"1e99999999999999999999", HUGE_VAL},
        {"1e-99999999999999999999", 0},
        {"0e99999999999999999999", 0},
        {"0.00000000000000000000000000000000000000000000000000001e53", 1},
        {"100000000000000000000000000000000000000000000000000000e-53", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = -1;
        assert_true(number_parse_double(str_of(cases[i].text), &value));
        if (value != cases[i].value)
            fail_msg("%s read as %a, not as %a", cases[i].text, value, cases[i].value);
    }
    double zero = 1;
    assert_true(number_parse_double(STR("-0"), &zero) && zero == 0 && signbit(zero));
}

// One digit far out decides: 1 + 2^-53 is half way between two doubles and goes to the even one below, and
// anything more goes up.
static void digits_beyond_all_measure_count(void **state) {
    (void)state;
    char text[3000];
    double value;
    int n = snprintf(text, sizeof text, "%s", "1.00000000000000011102230246251565404236316680908203125");
    assert_true(number_parse_double(str_of(text), &value) && value == 1);
    memset(text + n, '0', sizeof text - (size_t)n);
    assert_true(number_parse_double((struct str){text, sizeof text}, &value) && value == 1);
    text[sizeof text - 1] = '1';
    assert_true(number_parse_double((struct str){text, sizeof text}, &value) && value == 1 + DBL_EPSILON);
    memset(text, '0', sizeof text); // an integer of as many digits
    text[0] = '1';
    memcpy(text + 2995, "e-994", 5);
    assert_true(number_parse_double((struct str){text, sizeof text}, &value) && value == HUGE_VAL);
    memcpy(text + 2994, "e-2993", 6);
    assert_true(number_parse_double((struct str){text, sizeof text}, &value) && value == 1);
}

static void check_text(double value, const char *want) {
    char got[NUMBER_TEXT_SIZE + 1];
    got[number_write_double(got, value)] = 0;
    assert_string_equal(got, want);
}

static void doubles_write(void **state) {
    (void)state;
    check_text(0.0, "0.0");
    check_text(-0.0, "-0.0");
    check_text(1.0, "1.0");
    check_text(-1.5, "-1.5");
    check_text(0.1, "0.1");
    check_text(0.3, "0.3");
    check_text(0.1 + 0.2, "0.30000000000000004");
    check_text(78.1, "78.1");
    check_text(100.05, "100.05");
    check_text(1.0 / 3, "0.3333333333333333");
    check_text(2.0 / 3, "0.6666666666666666");
    check_text(123456.789, "123456.789");
    check_text(0.0001, "0.0001");
    check_text(0.00012345678901234567, "0.00012345678901234567");
    check_text(0.00001, "1e-05");
    check_text(1.5e-7, "1.5e-07");
    check_text(1e15, "1000000000000000.0");
    check_text(9007199254740993.0, "9007199254740992.0");
    check_text(9999999999999998.0, "9999999999999998.0");
    check_text(1e16, "1e+16");
    check_text(1.2345e20, "1.2345e+20");
    check_text(1e22, "1e+22");
    check_text(1e23, "1e+23");
    check_text(1e100, "1e+100");
    check_text(DBL_MAX, "1.7976931348623157e+308");
    check_text(DBL_MIN, "2.2250738585072014e-308");
    check_text(DBL_TRUE_MIN, "5e-324");
    check_text(0x1p-1070, "8e-323");
    check_text(0x1p-44, "5.684341886080802e-14"); // the nearest of 16 digits would read back as another
    check_text(-0x1p-24, "-5.960464477539063e-08");
    check_text(9.5, "9.5");
    check_text(123456789012345.6, "123456789012345.6");
    check_text(1234567890123456.7, "1234567890123456.8");
    check_text((double)INFINITY, "inf");
    check_text(-(double)INFINITY, "-inf");
    check_text((double)NAN, "nan");
}

static void doubles_come_back(void **state) {
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int i = 0; i < 50000; i++) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17; // xorshift
        double value, back;
        memcpy(&value, &seed, sizeof value);
        if (i % 2)
            value = (double)(int64_t)(seed % 2000000000) / (double[]){1, 10, 100, 1000, 1e7}[seed % 5];
        if (!isfinite(value))
            continue;
        char text[NUMBER_TEXT_SIZE];
        size_t n = number_write_double(text, value);
        assert_true(n <= sizeof text);
        assert_true(number_parse_double((struct str){text, n}, &back));
        assert_memory_equal(&back, &value, sizeof value);
    }
}

static void the_locale_does_not_matter(void **state) {
    (void)state;
    const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "pl_PL.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !found; i++)
        found = setlocale(LC_NUMERIC, names[i]) != NULL;
    if (!found) {
        print_message("skipped: no locale with a decimal comma is installed\n");
        skip();
    }
    double value = 0;
    assert_true(number_parse_double(STR("1.2345678901234567890123"), &value) && value == 1.2345678901234567);
    check_text(1.2345678901234567, "1.2345678901234567");
    setlocale(LC_NUMERIC, "C");
}

static void exact_scaling(void **state) {
    (void)state;
    double value = 0;
    assert_false(number_scale_exact((UINT64_C(1) << 53) + 1, 0, &value));
    assert_false(number_scale_exact(1, 23, &value));
    assert_false(number_scale_exact(1, -23, &value));
    assert_true(number_scale_exact(781, -1, &value) && value == 78.1);
    assert_true(number_scale_exact(UINT64_C(1) << 53, 22, &value) && value == 9007199254740992e22);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_go_out_and_back),
        cmocka_unit_test(what_is_not_an_integer),
        cmocka_unit_test(what_is_not_a_number),
        cmocka_unit_test(doubles_read),
        cmocka_unit_test(digits_beyond_all_measure_count),
        cmocka_unit_test(doubles_write),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(the_locale_does_not_matter),
        cmocka_unit_test(exact_scaling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
