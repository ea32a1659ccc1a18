// SPDX-License-Identifier: MIT
// The chooser over thousands of runs that never were: regret, probes, calm; and its rules one by one.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "tests/support/chooser_trial.h"

static void assert_near(double value, double expected, double by) {
    assert_true(fabs(value - expected) <= by);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t n, double p) {
    qsort(values, n, sizeof *values, by_value);
    return values[(size_t)((double)(n - 1) * p)];
}

static double mean(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

struct survey {
    size_t n;
    double *regrets;
    double most_probes;
    uint32_t most_switches;
    uint64_t probes;
};

static void survey_init(struct survey *s, size_t most) {
    *s = (struct survey){.regrets = mem_alloc(most * sizeof(double))};
}

static void survey_play(struct survey *s, struct random *r, uint64_t batches, enum trial_drift drift,
                        enum trial_prior prior) {
    struct trial_truth truth;
    struct chooser_options options;
    struct trial_outcome outcome;
    trial_draw(r, batches, drift, &truth);
    trial_predict(r, &truth, prior, &options);
    trial_play(r, &truth, &options, &outcome);
    s->regrets[s->n++] = outcome.regret;
    s->most_probes = fmax(s->most_probes, outcome.probes);
    s->most_switches = outcome.switches > s->most_switches ? outcome.switches : s->most_switches;
    s->probes += outcome.result.probes;
}

// ---- thousands of runs

static const char *const prior_names[TRIAL_PRIORS] = {[TRIAL_RIGHT] = "right",
                                                      [TRIAL_WRONG_TOGETHER] = "all off by 3",
                                                      [TRIAL_WRONG_EACH] = "each off by up to 3",
                                                      [TRIAL_MISSING] = "missing",
                                                      [TRIAL_WRONG_ONE] = "one off by 3"};

// 100 to 2,000 batches, four kinds of drift, five of predictions.
static void test_regret(void **state) {
    (void)state;
    enum { EACH = 1000 };
    static const double means[TRIAL_PRIORS] = {0.02, 0.02, 0.03, 0.04, 0.03};
    struct random r = {7};
    struct survey all;
    survey_init(&all, (size_t)EACH * TRIAL_PRIORS);
    for (int prior = 0; prior < TRIAL_PRIORS; prior++) {
        double *from = all.regrets + all.n;
        for (int i = 0; i < EACH; i++)
            survey_play(&all, &r, 100 + random_below(&r, 1901), (enum trial_drift)(i % TRIAL_DRIFTS),
                        (enum trial_prior)prior);
        double average = mean(from, EACH);
        print_message("prediction %-20s regret %.2f %% on average, p95 %.2f %%\n", prior_names[prior],
                      100 * average, 100 * quantile(from, EACH, 0.95));
        assert_true(average <= means[prior]);
    }
    double average = mean(all.regrets, all.n), tail = quantile(all.regrets, all.n, 0.95);
    print_message("all %zu: %.2f %%, p95 %.2f %%; at most %.1f %% probes, %u switches\n", all.n,
                  100 * average, 100 * tail, 100 * all.most_probes, all.most_switches);
    assert_true(average <= 0.03);
    assert_true(tail <= 0.1);
    assert_true(all.most_probes <= 0.1);
    assert_true(all.most_switches <= 10);
    mem_free(all.regrets);
}

// Where a tenth of the batches is ten, there is no room for learning everything: what predictions are good for.
static void test_regret_of_short_runs(void **state) {
    (void)state;
    enum { EACH = 1500 };
    struct random r = {11};
    struct survey right, missing;
    survey_init(&right, EACH);
    survey_init(&missing, EACH);
    for (int i = 0; i < EACH; i++) {
        survey_play(&right, &r, 100, TRIAL_STEADY, TRIAL_RIGHT);
        survey_play(&missing, &r, 100, TRIAL_STEADY, TRIAL_MISSING);
    }
    print_message("100 batches: %.2f %%, p95 %.2f %%; nothing predicted: %.2f %%\n",
                  100 * mean(right.regrets, EACH), 100 * quantile(right.regrets, EACH, 0.95),
                  100 * mean(missing.regrets, EACH));
    assert_true(mean(right.regrets, EACH) <= 0.03);
    assert_true(quantile(right.regrets, EACH, 0.95) <= 0.1);
    assert_true(mean(missing.regrets, EACH) > mean(right.regrets, EACH)); // or predictions are not used
    assert_true(right.most_probes <= 0.1 && missing.most_probes <= 0.1);
    mem_free(right.regrets);
    mem_free(missing.regrets);
}

// Wherever the run really ends: what was expected may be twice as much, half as much, or unknown.
static void test_probes_of_wrong_totals(void **state) {
    (void)state;
    static const double factors[] = {0, 0.5, 2, 10};
    struct random r = {13};
    for (int i = 0; i < 800; i++) {
        struct trial_truth truth;
        struct chooser_options options;
        struct trial_outcome outcome;
        trial_draw(&r, 20 + random_below(&r, 1000), TRIAL_STEADY, &truth);
        trial_predict(&r, &truth, TRIAL_MISSING, &options);
        options.batches = (uint64_t)((double)truth.batches * factors[i % 4]);
        options.batches_sure = 0;
        options.work = 0;
        trial_play(&r, &truth, &options, &outcome);
        assert_true(outcome.probes <= 0.1);
        if (truth.batches >= 200 && i % 4 != 1)
            assert_true(outcome.result.probe_batches > 0); // or this tests nothing
    }
}

// ---- rules

static struct chooser_options two(double first, double second) {
    struct chooser_options options = {
        .candidates_n = 2, .workers = 2, .batches = 400, .batches_sure = 400, .work = 400};
    options.candidates[0] = (struct chooser_candidate){.cost = first, .sigma = 0.2, .workers = 1};
    options.candidates[1] = (struct chooser_candidate){.cost = second, .sigma = 0.2, .workers = 2};
    return options;
}

// All of it, with these costs from batch `change` on and the others before it.
static void play(struct chooser *c, const double *before, const double *after, uint64_t change) {
    struct chooser_slice slice;
    while (chooser_next(c, &slice))
        for (uint64_t i = 0; i < slice.batches; i++)
            chooser_observe(c, slice.strategy, 1, 1, (c->observed < change ? before : after)[slice.strategy]);
    assert_int_equal(c->observed, c->options.batches);
}

static const struct chooser_step *find_step(const struct chooser *c, enum chooser_kind kind,
                                            enum chooser_reason reason) {
    for (uint32_t i = 0; i < c->steps_n; i++)
        if (c->steps[i].kind == kind && c->steps[i].reason == reason)
            return &c->steps[i];
    return NULL;
}

static void test_one_worker(void **state) {
    (void)state;
    struct chooser_options options = two(1, 0.5);
    struct chooser c;
    options.workers = 1;
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 0);
    assert_non_null(find_step(&c, CHOOSER_START, CHOOSER_ONE_WORKER));
    play(&c, (double[]){1, 0.5}, (double[]){1, 0.5}, 0);
    assert_int_equal(c.probes, 0);
    assert_int_equal(c.incumbent, 0);
    options.workers = 2;
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 1);
}

static void test_nothing_is_fit(void **state) {
    (void)state;
    struct chooser_options options = two(NAN, 0.5);
    options.candidates[1].unfit = true;
    struct chooser c;
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 0); // the fallback, whatever it costs
    play(&c, (double[]){1, 0.5}, (double[]){1, 0.5}, 0);
    struct chooser_result result;
    chooser_result(&c, &result);
    assert_int_equal(result.runner_up, 0);
    assert_near(result.actual, 400, 1e-6);
    assert_near(result.regret, 0, 1e-9);
}

static void test_tiny_job(void **state) {
    (void)state;
    struct chooser_options options = two(1, 0.6);
    struct chooser c;
    options.batches = options.batches_sure = 19;
    options.work = 19;
    options.candidates[1].startup = 3;
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 1); // 19 against 3 + 11.4
    play(&c, (double[]){1, 9}, (double[]){1, 9}, 0);
    assert_int_equal(c.incumbent, 1); // as predicted, to the end
    assert_int_equal(c.probes + c.switches, 0);
    assert_non_null(find_step(&c, CHOOSER_STAY, CHOOSER_TOO_FEW));
    options.candidates[1].startup = 8; // more than it saves
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 0);
    options.candidates[1].startup = 7.55; // saves 0.05 of 18.95
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 0);
    assert_non_null(find_step(&c, CHOOSER_START, CHOOSER_NO_BENEFIT));
}

// Where a batch says nothing of the next one, what is seen changes nothing.
static void test_uneven_batches(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.2);
    struct chooser c;
    options.uneven = true;
    chooser_init(&c, &options);
    play(&c, (double[]){5, 1}, (double[]){5, 1}, 0);
    assert_int_equal(c.incumbent, 0);
    assert_int_equal(c.probes, 0);
    assert_non_null(find_step(&c, CHOOSER_STAY, CHOOSER_UNEVEN));
    options.uneven = false; // or that would be so anyway
    chooser_init(&c, &options);
    play(&c, (double[]){5, 1}, (double[]){5, 1}, 0);
    assert_int_equal(c.incumbent, 1);
}

// What was chosen before begins; what is seen then counts as ever.
static void test_remembered(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.2);
    struct chooser c;
    options.is_remembered = true;
    options.remembered = 1;
    chooser_init(&c, &options);
    assert_int_equal(c.first, 1);
    assert_non_null(find_step(&c, CHOOSER_START, CHOOSER_REMEMBERED));
    play(&c, (double[]){0.5, 1.2}, (double[]){0.5, 1.2}, 0);
    assert_int_equal(c.incumbent, 0);
    options.workers = 1; // and where it cannot be had
    chooser_init(&c, &options);
    assert_int_equal(c.first, 0);
}

static void test_finds_the_better(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.2);
    struct chooser c;
    struct chooser_result result;
    chooser_init(&c, &options);
    assert_int_equal(c.incumbent, 0);
    play(&c, (double[]){1, 0.5}, (double[]){1, 0.5}, 0);
    chooser_result(&c, &result);
    assert_int_equal(result.first, 0);
    assert_int_equal(result.choice, 1);
    assert_int_equal(result.runner_up, 0);
    assert_int_equal(result.switches, 1);
    assert_true(result.probes >= 1 && result.probe_batches <= 40);
    const struct chooser_step *probe = find_step(&c, CHOOSER_PROBE, CHOOSER_WORTH);
    assert_non_null(probe);
    assert_true(probe->gain > probe->needed && probe->batch <= 4);
    const struct chooser_step *change = find_step(&c, CHOOSER_SWITCH, CHOOSER_GAIN);
    assert_true(change->gain > change->needed && change->challenger == 1);
    assert_true(fabs(change->challenger_seconds / change->incumbent_seconds - 0.5) < 0.1);
    assert_near(result.predicted, 400, 1e-9);
    assert_true(result.actual < 206);
    assert_true(fabs(result.best_seconds - 200) < 10);
    assert_true(result.regret < 0.03);
}

// A startup that eats the gain: neither probed nor switched to.
static void test_startup_counts(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.1);
    struct chooser c;
    options.candidates[1].startup = 150;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 0.7}, (double[]){1, 0.7}, 0);
    assert_int_equal(c.incumbent, 0);
    assert_int_equal(c.probes, 0);
}

static void test_change_counts(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.05);
    struct chooser c;
    options.change = 60;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 0.9}, (double[]){1, 0.9}, 0);
    assert_int_equal(c.switches, 0);
}

// The one that is equal within 3 % is left alone.
static void test_stays_with_equals(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1);
    struct chooser c;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 0.98}, (double[]){1, 0.98}, 0);
    assert_int_equal(c.switches, 0);
    assert_int_equal(c.incumbent, 0);
}

static void test_hopeless_probe_ends_early(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.1);
    struct chooser c;
    options.candidates[1].workers = 1;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 5}, (double[]){1, 5}, 0);
    assert_non_null(find_step(&c, CHOOSER_STAY, CHOOSER_HOPELESS));
    assert_true(c.probes == 1 && c.probe_batches == 1);
}

// Costs that treble for all along the way are no reason to do anything.
static void test_shared_drift(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.4);
    struct chooser c;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 1.4}, (double[]){3, 4.2}, 200);
    assert_int_equal(c.switches, 0);
    assert_int_equal(c.incumbent, 0);
}

// The incumbent becomes worse than the other is.
static void test_own_drift(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.3);
    struct chooser c;
    chooser_init(&c, &options);
    play(&c, (double[]){1, 1.3}, (double[]){2.5, 1.3}, 150);
    assert_int_equal(c.incumbent, 1);
    assert_int_equal(c.switches, 1);
}

// Two that take turns in being the better one: each return has to save twice as much.
static void test_never_oscillates(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1);
    struct chooser c;
    struct chooser_slice slice;
    struct random r = {5};
    options.batches = options.batches_sure = 4000;
    options.work = 4000;
    chooser_init(&c, &options);
    while (chooser_next(&c, &slice))
        for (uint64_t i = 0; i < slice.batches; i++) {
            bool odd = c.observed / 250 % 2;
            double cost = (slice.strategy == 1) == odd ? 1 : 1.25;
            chooser_observe(&c, slice.strategy, 1, 1, cost * exp(0.2 * trial_normal(&r)));
        }
    assert_true(c.switches <= 6);
    assert_true(c.probe_batches <= 400);
}

// ---- the interface's promises

static void test_late_observations(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.3);
    struct chooser c;
    struct chooser_slice slice;
    chooser_init(&c, &options);
    uint64_t handed = 0;
    while (chooser_next(&c, &slice)) { // nothing is ever seen
        assert_int_equal(slice.strategy, 0);
        assert_false(slice.probe);
        handed += slice.batches;
    }
    assert_int_equal(handed, 400);
    chooser_observe(&c, 0, 400, 400, 400);
    chooser_observe(&c, 1, 0, 0, 0); // and what says nothing does no harm
    chooser_observe(&c, 0, 1, 1, NAN);
    assert_true(isfinite(belief_cost(&c.belief, 0)));
}

static void test_expectations_may_change(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1.2);
    struct chooser c;
    struct chooser_slice slice;
    options.batches = 100;
    chooser_init(&c, &options);
    assert_true(chooser_next(&c, &slice));
    chooser_observe(&c, slice.strategy, slice.batches, (double)slice.batches, (double)slice.batches);
    chooser_expect(&c, 30, 30, 30);
    uint64_t handed = slice.batches;
    while (chooser_next(&c, &slice)) {
        handed += slice.batches;
        chooser_observe(&c, slice.strategy, slice.batches, (double)slice.batches, (double)slice.batches);
    }
    assert_int_equal(handed, 30);
    chooser_expect(&c, 10, 10, 10); // fewer than there were
    assert_false(chooser_next(&c, &slice));
    chooser_expect(&c, 40, 40, 40);
    assert_true(chooser_next(&c, &slice));
}

// An endless run of a machine gone mad: the record stays bounded.
static void test_record_is_bounded(void **state) {
    (void)state;
    struct chooser_options options = two(1, 1);
    struct random r = {3};
    struct chooser c;
    struct chooser_slice slice;
    options.batches = options.batches_sure = 0;
    options.work = 0;
    chooser_init(&c, &options);
    for (int i = 0; i < 4000 && c.handed < UINT64_MAX / 8; i++) {
        assert_true(chooser_next(&c, &slice));
        chooser_observe(&c, slice.strategy, slice.batches, (double)slice.batches,
                        (double)slice.batches * exp(3 * trial_normal(&r)));
    }
    assert_true(c.steps_n <= CHOOSER_STEPS);
    assert_true(c.probe_batches * 10 <= c.handed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regret),
        cmocka_unit_test(test_regret_of_short_runs),
        cmocka_unit_test(test_probes_of_wrong_totals),
        cmocka_unit_test(test_one_worker),
        cmocka_unit_test(test_nothing_is_fit),
        cmocka_unit_test(test_tiny_job),
        cmocka_unit_test(test_uneven_batches),
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_finds_the_better),
        cmocka_unit_test(test_startup_counts),
        cmocka_unit_test(test_change_counts),
        cmocka_unit_test(test_stays_with_equals),
        cmocka_unit_test(test_hopeless_probe_ends_early),
        cmocka_unit_test(test_shared_drift),
        cmocka_unit_test(test_own_drift),
        cmocka_unit_test(test_never_oscillates),
        cmocka_unit_test(test_late_observations),
        cmocka_unit_test(test_expectations_may_change),
        cmocka_unit_test(test_record_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
