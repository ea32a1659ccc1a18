// SPDX-License-Identifier: MIT
// What auto did, in words: a run that tried, broke off, changed and stayed; one that had no choice; one that saw nothing.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/strategy/chooser_text.h"

static const char *const names[] = {"minimal", "sequential", "parallel"};

static struct chooser_options three(uint32_t workers) {
    struct chooser_options options = {.candidates_n = 3,
                                      .fallback = 1,
                                      .workers = workers,
                                      .batches = 200,
                                      .batches_sure = 200,
                                      .work = 200};
    options.candidates[0] = (struct chooser_candidate){.cost = 0.0102, .sigma = 0.3, .workers = 1};
    options.candidates[1] =
        (struct chooser_candidate){.startup = 0.001, .cost = 0.01, .sigma = 0.15, .workers = 1};
    options.candidates[2] =
        (struct chooser_candidate){.startup = 0.003, .cost = 0.0105, .sigma = 0.5, .workers = 2};
    return options;
}

static void play(struct chooser *c, const struct chooser_options *options, const double *costs) {
    struct chooser_slice slice;
    chooser_init(c, options);
    while (chooser_next(c, &slice))
        for (uint64_t i = 0; i < slice.batches; i++)
            chooser_observe(c, slice.strategy, 1, 1, costs[slice.strategy]);
}

static void assert_text(void (*write)(const struct chooser *, const char *const *, struct buf *),
                        const struct chooser *c, const char *expected) {
    struct buf text = BUF_INIT;
    write(c, names, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_release(&text);
}

static const double costs[] = {0.05, 0.01, 0.006};

static void test_a_change(void **state) {
    (void)state;
    struct chooser c;
    struct chooser_options options = three(2);
    play(&c, &options, costs);
    assert_text(chooser_write_line, &c,
                "parallel, chosen by auto; its batches predicted 2.00 s (with sequential), took 1.26 s; next "
                "sequential, "
                "2.00 s; regret 4.4 %\n");
    assert_text(chooser_write_text, &c,
                "auto chose parallel: its batches predicted 2.00 s (with sequential), took 1.26 s; next "
                "sequential, 2.00 "
                "s; regret 4.4 %\n"
                "\n"
                "                 predicted     spread    startup    batches       each    for all\n"
                "  minimal           2.04 s       30 %          0          1      50 ms     9.72 s\n"
                "  sequential        2.00 s       15 %       1 ms          2      10 ms     2.00 s\n"
                "  parallel          2.10 s       50 %       3 ms        197       6 ms     1.20 s\n"
                "\n"
                "After so many of 200 batches (3 of them in 2 tries; E: what a try is expected to gain)\n"
                "         0  starts with sequential: predicted to take least, 39 ms less than minimal\n"
                "         2  tries parallel: E 334 ms, has to be above 20 ms\n"
                "         4  changes from sequential to parallel: saves 756 ms, has to be above 58.3 ms\n"
                "         4  tries minimal: E 63.3 ms, has to be above 18.2 ms\n"
                "         5  stays with parallel: the try was broken off (minimal: 8.01 times as dear)\n"
                "       195  stays with parallel: no try is worth its cost (sequential: E 102 us, has to be "
                "above 17.6 ms), the last of 20 times\n");
}

static void test_one_worker(void **state) {
    (void)state;
    struct chooser c;
    struct chooser_options options = three(1);
    play(&c, &options, costs);
    assert_text(chooser_write_line, &c,
                "sequential, chosen by auto; its batches predicted 2.00 s, took 2.04 s; next minimal, 9.71 "
                "s; regret 2.0 %\n");
    assert_text(chooser_write_text, &c,
                "auto chose sequential: its batches predicted 2.00 s, took 2.04 s; next minimal, 9.71 s; "
                "regret 2.0 %\n"
                "\n"
                "                 predicted     spread    startup    batches       each    for all\n"
                "  minimal           2.04 s       30 %          0          1      50 ms     9.71 s\n"
                "  sequential        2.00 s       15 %       1 ms        199      10 ms     2.00 s\n"
                "  parallel       wants more workers than there are\n"
                "\n"
                "After so many of 200 batches (1 of them in 1 try; E: what a try is expected to gain)\n"
                "         0  starts with sequential: there is one worker, which those that want several "
                "could not use\n"
                "         2  tries minimal: E 296 ms, has to be above 8.82 ms\n"
                "         3  stays with sequential: the try was broken off (minimal: 4.82 times as dear)\n"
                "       193  stays with sequential: no try is worth its cost (minimal: E 0, has to "
                "be above 163 ms), the last of 20 times\n");
}

static void test_too_few_batches(void **state) {
    (void)state;
    struct chooser c;
    struct chooser_options options = three(2);
    options.batches = options.batches_sure = 10;
    options.work = 10;
    play(&c, &options, costs);
    assert_text(chooser_write_line, &c,
                "sequential, chosen by auto; its batches predicted 101 ms, took 101 ms; next minimal, 102 "
                "ms; regret 0.0 %\n");
    assert_text(chooser_write_text, &c,
                "auto chose sequential: its batches predicted 101 ms, took 101 ms; next minimal, 102 ms; "
                "regret 0.0 %\n"
                "\n"
                "                 predicted     spread    startup    batches       each    for all\n"
                "  minimal           102 ms       30 %          0          0          –     102 ms\n"
                "  sequential        101 ms       15 %       1 ms         10      10 ms     101 ms\n"
                "  parallel          108 ms       50 %       3 ms          0          –     108 ms\n"
                "\n"
                "After so many of 10 batches (0 of them in 0 tries; E: what a try is expected to gain)\n"
                "         0  starts with sequential: predicted to take least, 1 ms less than minimal\n"
                "         0  stays with sequential: too few batches to try others\n");
}

static void test_nothing_known(void **state) {
    (void)state;
    struct chooser c;
    struct chooser_options options = three(2);
    options.batches = options.batches_sure = 0;
    options.work = 0;
    options.candidates[0].unfit = true;
    chooser_init(&c, &options); // and then there was nothing to do
    assert_text(chooser_write_line, &c,
                "sequential, chosen by auto; its batches took 0; next parallel, 3 ms; regret 0.0 %\n");
    assert_text(chooser_write_text, &c,
                "auto chose sequential: its batches took 0; next parallel, 3 ms; regret 0.0 %\n"
                "\n"
                "                 predicted     spread    startup    batches       each    for all\n"
                "  minimal        cannot be had\n"
                "  sequential             –       15 %       1 ms          0          –          –\n"
                "  parallel               –       50 %       3 ms          0          –          –\n"
                "\n"
                "After so many of 0 batches (0 of them in 0 tries; E: what a try is expected to gain)\n"
                "         0  starts with sequential: predicted to take least\n");
}

// The same as JSON: what is not known is null, never a number that is none.
static void test_json(void **state) {
    (void)state;
    struct chooser c;
    struct chooser_options options = three(2);
    play(&c, &options, costs);
    json_t *object = chooser_json(&c, names);
    assert_string_equal(json_string_value(json_object_get(object, "choice")), "parallel");
    assert_string_equal(json_string_value(json_object_get(object, "first")), "sequential");
    assert_string_equal(json_string_value(json_object_get(object, "runner_up")), "sequential");
    assert_true(fabs(json_real_value(json_object_get(object, "predicted_seconds")) - 2.001) < 1e-6);
    assert_int_equal(json_integer_value(json_object_get(object, "batches")), 200);
    assert_int_equal(json_array_size(json_object_get(object, "candidates")), 3);
    const json_t *steps = json_object_get(object, "decisions");
    assert_int_equal(json_array_size(steps), c.steps_n);
    const json_t *probe = json_array_get(steps, 1);
    assert_string_equal(json_string_value(json_object_get(probe, "decision")), "probe");
    assert_string_equal(json_string_value(json_object_get(probe, "reason")), "worth");
    assert_true(json_real_value(json_object_get(probe, "gain_seconds")) >
                json_real_value(json_object_get(probe, "needed_seconds")));
    json_decref(object);

    options.batches = options.batches_sure = 0;
    options.work = 0;
    options.candidates[0].unfit = true;
    options.candidates[0].cost = NAN;
    options.candidates[2].unfit = true;
    chooser_init(&c, &options);
    object = chooser_json(&c, names);
    assert_true(json_is_null(json_object_get(object, "predicted_seconds")));
    assert_true(json_is_null(json_object_get(object, "runner_up")));
    const json_t *first = json_array_get(json_object_get(object, "candidates"), 0);
    assert_true(json_is_false(json_object_get(first, "considered")));
    assert_true(json_is_null(json_object_get(first, "seconds_for_all")));
    char *text = json_dumps(object, 0); // which refuses what is no number
    assert_non_null(text);
    free(text);
    json_decref(object);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change),
        cmocka_unit_test(test_one_worker),
        cmocka_unit_test(test_too_few_batches),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
