// SPDX-License-Identifier: MIT
// What strategies are predicted to take: from nothing, from few sessions, from many, from such as contradict each other.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>

#include "base/fs.h"
#include "bench/random.h"
#include "pipeline/strategy/prior_history.h"
#include "tests/support/scene.h"

// 100,000 records of 1 KB, 267 opcodes and 1.4 KB each, into a stream (docs/performance.md: 0.3 s on one core).
static struct prior_work bulk(double records) {
    return (struct prior_work){.records = records,
                               .source_bytes = records * 1000,
                               .templates = 3,
                               .outputs = records,
                               .opcodes = records * 267,
                               .bytes = records * 1400,
                               .stored = records * 1400};
}

// Through a filter of so many seconds each, of which a share is there already.
static struct prior_work filtered(double n, double seconds, double hits) {
    struct prior_work work = bulk(n);
    work.processes = n;
    work.process_seconds = n * seconds;
    work.through_hits = hits;
    return work;
}

static double seconds(const struct prior *prior, const struct strategy *strategy, uint32_t workers,
                      struct prior_work work) {
    struct prior_prediction prediction;
    prior_predict(prior, strategy, workers, &work, &prediction);
    assert_true(isfinite(prediction.seconds) && prediction.seconds > 0);
    assert_true(prediction.startup >= 0 && prediction.fixed >= 0 && prediction.sigma > 0);
    assert_true(prediction.startup + prediction.fixed <= prediction.seconds * (1 + 1e-9));
    return prediction.seconds;
}

static double sigma(const struct prior *prior, const struct strategy *strategy) {
    struct prior_prediction prediction;
    struct prior_work work = bulk(1000);
    prior_predict(prior, strategy, 1, &work, &prediction);
    return prediction.sigma;
}

static void assert_within(double value, double expected, double share) {
    if (fabs(value - expected) > share * expected)
        print_message("%g is not %g\n", value, expected);
    assert_true(fabs(value - expected) <= share * expected);
}

// ---- nothing known

static void test_no_history(void **state) {
    (void)state;
    struct prior prior, fitted;
    prior_init(&prior);
    assert_within(seconds(&prior, &strategy_sequential, 1, bulk(100000)), 0.33, 0.2);
    assert_within(seconds(&prior, &strategy_parallel, 2, bulk(100000)), 0.18, 0.2);
    // What threads and caches take to begin with is more than a tiny job has to do.
    assert_true(seconds(&prior, &strategy_minimal, 1, bulk(10)) <
                seconds(&prior, &strategy_parallel, 2, bulk(10)));
    assert_true(seconds(&prior, &strategy_minimal, 1, bulk(10)) <
                seconds(&prior, &strategy_cache_heavy, 2, bulk(10)));
    // Keeping what takes 2 us does not pay, even where all of it is found.
    struct prior_work cheap = bulk(100000);
    cheap.render_hits = 0.9;
    assert_true(seconds(&prior, &strategy_parallel, 2, cheap) <
                seconds(&prior, &strategy_cache_heavy, 2, cheap));
    // A filter of 5 ms does.
    assert_true(seconds(&prior, &strategy_cache_heavy, 2, filtered(1000, 0.005, 0.9)) <
                0.3 * seconds(&prior, &strategy_parallel, 2, filtered(1000, 0.005, 0.9)));
    assert_true(seconds(&prior, &strategy_sequential, 1, filtered(1000, 0.005, 0.9)) <
                seconds(&prior, &strategy_parallel, 2, filtered(1000, 0.005, 0.9)));
    assert_true(seconds(&prior, &strategy_sequential, 1, filtered(1000, 0.005, 0)) >
                seconds(&prior, &strategy_parallel, 2, filtered(1000, 0.005, 0)));
    assert_within(sigma(&prior, &strategy_parallel), PRIOR_SPREAD, 1e-9);
    prior_fit(&fitted, NULL, 0); // the same as that
    assert_within(seconds(&fitted, &strategy_parallel, 2, bulk(5000)),
                  seconds(&prior, &strategy_parallel, 2, bulk(5000)), 1e-9);
    assert_within(sigma(&fitted, &strategy_parallel), PRIOR_SPREAD, 1e-9);
    seconds(&prior, &strategy_parallel, 0, (struct prior_work){0}); // nothing to do, too
}

static void test_candidate(void **state) {
    (void)state;
    struct prior prior;
    struct chooser_candidate candidate;
    struct prior_work work = bulk(10000);
    prior_init(&prior);
    prior_candidate(&prior, &strategy_cache_heavy, 2, &work, 10000, &candidate);
    double total = seconds(&prior, &strategy_cache_heavy, 2, work);
    assert_true(candidate.startup > 0.002 && candidate.workers == 2);
    assert_true(candidate.startup + 10000 * candidate.cost < total);
    assert_within(candidate.startup + 10000 * candidate.cost, total, 0.1);
}

// From the built-in costs to a choice: large jobs get all workers, tiny ones and those with one worker none.
static void test_options(void **state) {
    (void)state;
    struct prior prior;
    struct chooser_options options;
    struct chooser chooser;
    struct prior_work large = bulk(100000), tiny = bulk(10);
    prior_init(&prior);
    prior_options(&prior, 2, &large, large.source_bytes, &options);
    options.batches = options.batches_sure = 400;
    assert_int_equal(options.candidates_n, 5);
    assert_ptr_equal(strategies[options.fallback], &strategy_sequential);
    chooser_init(&chooser, &options);
    assert_ptr_equal(strategies[chooser.first], &strategy_parallel);
    prior_options(&prior, 2, &tiny, tiny.source_bytes, &options);
    options.batches = options.batches_sure = 1;
    chooser_init(&chooser, &options);
    assert_int_equal(options.candidates[chooser.first].workers, 1);
    prior_options(&prior, 1, &large, large.source_bytes, &options);
    chooser_init(&chooser, &options);
    assert_int_equal(options.candidates[chooser.first].workers, 1);
}

// ---- sessions

static struct prior_sample sample(const struct strategy *strategy, uint32_t workers, struct prior_work work,
                                  double took) {
    return (struct prior_sample){.strategy = strategy, .workers = workers, .work = work, .seconds = took};
}

static void test_one_session(void **state) {
    (void)state;
    struct prior builtin, prior;
    prior_init(&builtin);
    double expected = seconds(&builtin, &strategy_sequential, 1, bulk(50000)), took = 3 * expected;
    struct prior_sample one = sample(&strategy_sequential, 1, bulk(50000), took);
    prior_fit(&prior, &one, 1);
    double now = seconds(&prior, &strategy_sequential, 1, bulk(50000));
    assert_true(now > 2 * expected && now <= took * 1.01); // most of the way, never beyond
    // The machine is slow: the others are on it, too.
    assert_true(seconds(&prior, &strategy_parallel, 2, bulk(50000)) >
                1.5 * seconds(&builtin, &strategy_parallel, 2, bulk(50000)));
    assert_true(sigma(&prior, &strategy_sequential) < PRIOR_SPREAD);
    assert_true(sigma(&prior, &strategy_sequential) < sigma(&prior, &strategy_parallel));
    one.same_manifest = true;
    struct prior same;
    prior_fit(&same, &one, 1);
    assert_true(sigma(&same, &strategy_sequential) < sigma(&prior, &strategy_sequential));
}

static void test_contradictory_sessions(void **state) {
    (void)state;
    struct prior prior;
    struct prior_sample samples[12];
    for (int i = 0; i < 12; i++)
        samples[i] = sample(&strategy_parallel, 2, bulk(100000), i % 2 ? 0.1 : 0.9);
    prior_fit(&prior, samples, 12);
    double now = seconds(&prior, &strategy_parallel, 2, bulk(100000));
    assert_true(now > 0.1 && now < 0.9);
    assert_true(sigma(&prior, &strategy_parallel) > 0.6); // and it knows that it does not know
    // What is new counts for more.
    for (int i = 0; i < 12; i++) {
        samples[i].seconds = i < 6 ? 0.1 : 0.9;
        samples[i].age = i < 6 ? 0 : 100;
    }
    prior_fit(&prior, samples, 12);
    assert_within(seconds(&prior, &strategy_parallel, 2, bulk(100000)), 0.1, 0.3);
}

// A machine on which everything costs something else, and parallel runs gain nothing: found out from what runs took.
static void test_many_sessions(void **state) {
    (void)state;
    enum { N = 60 };
    static const double truth[PRIOR_TERMS] = {1.5, 0.5, 2, 0.7, 1, 3, 4, 1.2, 2, 1.3};
    struct random r = {23};
    struct prior prior;
    struct prior_sample samples[N];
    for (int i = 0; i < N; i++) {
        struct prior_work work = bulk(1000 + 100000 * random_unit(&r));
        work.opcodes *= 0.2 + 3 * random_unit(&r);
        work.bytes *= 0.2 + 3 * random_unit(&r);
        work.files = random_below(&r, 2) ? work.outputs : 0;
        const struct strategy *strategy = i % 2 ? &strategy_sequential : &strategy_parallel;
        double terms[PRIOR_TERMS], took = 0;
        prior_terms(strategy, 1 + (uint32_t)(i % 2 == 0), &work, terms);
        for (int t = 0; t < PRIOR_TERMS; t++)
            took += truth[t] * terms[t];
        took *= (i % 2 ? 1 : 1.8) * (0.97 + 0.06 * random_unit(&r));
        samples[i] = sample(strategy, 1 + (uint32_t)(i % 2 == 0), work, took);
    }
    prior_fit(&prior, samples, N);
    assert_int_equal(prior.samples_n, N);
    double worst = 0;
    for (int i = 0; i < N; i++) {
        double now = seconds(&prior, samples[i].strategy, samples[i].workers, samples[i].work);
        worst = fmax(worst, fabs(log(now / samples[i].seconds)));
    }
    assert_true(worst < 0.25);
    assert_true(sigma(&prior, &strategy_sequential) < 0.15);
    assert_true(seconds(&prior, &strategy_sequential, 1, samples[1].work) <
                1.15 * seconds(&prior, &strategy_parallel, 2, samples[1].work));
}

static void test_nonsense_is_passed_over(void **state) {
    (void)state;
    struct prior prior, builtin;
    struct prior_sample samples[6];
    for (int i = 0; i < 6; i++)
        samples[i] = sample(&strategy_parallel, 2, bulk(1000), 1);
    samples[0].seconds = NAN;
    samples[1].seconds = 0;
    samples[2].strategy = NULL;
    samples[3].work.opcodes = INFINITY;
    samples[4].work.source_bytes = -5e9;
    samples[5].age = NAN;
    prior_fit(&prior, samples, 6);
    prior_init(&builtin);
    assert_int_equal(prior.samples_n, 0);
    assert_within(seconds(&prior, &strategy_parallel, 2, bulk(1000)),
                  seconds(&builtin, &strategy_parallel, 2, bulk(1000)), 1e-9);
    // A run of nothing at all that took for ever does not make costs negative or infinite.
    samples[0] = sample(&strategy_parallel, 2, (struct prior_work){0}, 1000);
    prior_fit(&prior, samples, 1);
    assert_true(seconds(&prior, &strategy_parallel, 2, bulk(1000)) < 10000);
}

// ---- from the history

static struct scene scene;

static int open_scene(void **state) {
    scene_open(&scene);
    *state = scene.path;
    return 0;
}

static int close_scene(void **state) {
    (void)state;
    scene_close(&scene);
    return 0;
}

static void keep_session(int64_t second, const char *name, const char *strategy, const char *machine,
                         const char *outcome, double hits) {
    struct fs fs = fs_system();
    struct session s;
    struct err err;
    session_init(&s);
    session_begin(&s, (1700000000 + second) * INT64_C(1000000000));
    s.name = str_of(name);
    s.strategy = str_of(strategy);
    s.machine = str_of(machine);
    s.outcome = str_of(outcome);
    session_set(&s, METRIC_RUN_SECONDS, 2);
    session_set(&s, METRIC_RUN_WORKERS, 2);
    session_set(&s, METRIC_LOAD_RECORDS, 100);
    session_set(&s, METRIC_RENDER_OUTPUTS, 100 - hits);
    session_set(&s, METRIC_RENDER_OPCODES, 10 * (100 - hits));
    session_set(&s, METRIC_EMIT_FILES, 7);
    if (hits > 0) {
        session_set(&s, METRIC_CACHE_RENDER_HITS, hits);
        session_set(&s, METRIC_CACHE_RENDER_MISSES, 100 - hits);
    }
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
}

static size_t read_samples(struct arena *arena, struct prior_sample **samples) {
    struct fs fs = fs_system();
    struct history *h;
    struct err err;
    size_t n;
    assert_int_equal(history_open(&fs, scene.path, HISTORY_KEEP, &h, &err), STATUS_OK);
    assert_int_equal(prior_history_read(h, STR("here"), STR("nightly"), arena, samples, &n, &err), STATUS_OK);
    history_close(h);
    return n;
}

static void test_no_sessions(void **state) {
    (void)state;
    struct arena arena;
    struct prior_sample *samples;
    struct prior_work work;
    arena_init(&arena, 0);
    assert_int_equal(read_samples(&arena, &samples), 0);
    assert_false(prior_history_work(samples, 0, &work));
    arena_release(&arena);
}

static void test_sessions(void **state) {
    (void)state;
    struct arena arena;
    struct prior_sample *samples;
    struct prior_work work;
    arena_init(&arena, 0);
    keep_session(1, "nightly", "sequential", "here", "done", 75);
    keep_session(2, "nightly", "parallel", "elsewhere", "done", 0);
    keep_session(3, "nightly", "parallel", "here", "failed", 0);
    keep_session(4, "other", "default", "here", "done", 0);
    keep_session(5, "nightly", "bogus", "here", "done", 0);
    keep_session(6, "nightly", "cache_heavy", "here", "done", 99);
    assert_int_equal(read_samples(&arena, &samples), 3);
    assert_ptr_equal(samples[0].strategy, &strategy_cache_heavy); // the newest first
    assert_true(samples[0].work.render_hits >= 0.99 && samples[0].work.outputs >= 100);
    assert_ptr_equal(samples[1].strategy, &strategy_default);
    assert_false(samples[1].same_manifest);
    assert_ptr_equal(samples[2].strategy, &strategy_sequential);
    assert_true(samples[2].same_manifest);
    assert_true(samples[2].age > samples[0].age);
    assert_int_equal(samples[2].workers, 2);
    assert_true(samples[2].seconds == 2 && samples[2].work.files == 7 && samples[2].work.records == 100);
    assert_true(samples[2].work.processes == 0);
    // What a quarter of the outputs took, all would have taken four times.
    assert_within(samples[2].work.opcodes, 1000, 1e-9);
    assert_within(samples[2].work.render_hits, 0.75, 1e-9);
    // The newest found nearly everything, which does not tell what it is to make it, but what the cache has. That keeping outputs
    // pays, only one that measures it tells.
    assert_true(prior_history_work(samples, 3, &work));
    assert_within(work.opcodes, 1000, 1e-9);
    assert_within(work.render_hits, 0.99, 1e-9);
    assert_int_equal(work.keeping, PRIOR_KEEPS);
    samples[0].work.render_hits = PRIOR_NOT_ASKED;
    assert_true(prior_history_work(samples, 3, &work));
    assert_within(work.render_hits, 0.75, 1e-9);
    samples[2].work.keeping = PRIOR_KEEPS_NOT;
    assert_true(prior_history_work(samples, 3, &work));
    assert_int_equal(work.keeping, PRIOR_KEEPS_NOT);
    samples[2].strategy = &strategy_minimal;
    assert_true(prior_history_work(samples, 3, &work));
    assert_int_equal(work.keeping, PRIOR_KEEPING_UNKNOWN);
    assert_false(prior_history_work(samples, 2, &work));
    arena_release(&arena);
}

static void test_probed_sessions_say_nothing(void **state) {
    (void)state;
    struct fs fs = fs_system();
    struct arena arena;
    struct prior_sample *samples;
    struct session s;
    struct err err;
    arena_init(&arena, 0);
    session_init(&s);
    session_begin(&s, 1);
    s.name = STR("nightly");
    s.strategy = STR("parallel");
    s.machine = STR("here");
    s.outcome = STR("done");
    session_set(&s, METRIC_RUN_SECONDS, 2);
    session_set(&s, METRIC_STRATEGY_SWITCHES, 1);
    assert_int_equal(history_add(&fs, scene.path, &s, HISTORY_KEEP, &err), STATUS_OK);
    session_release(&s);
    assert_int_equal(read_samples(&arena, &samples), 0);
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_history),
        cmocka_unit_test(test_candidate),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_one_session),
        cmocka_unit_test(test_contradictory_sessions),
        cmocka_unit_test(test_many_sessions),
        cmocka_unit_test(test_nonsense_is_passed_over),
        cmocka_unit_test_setup_teardown(test_no_sessions, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_sessions, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(test_probed_sessions_say_nothing, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
