// SPDX-License-Identifier: MIT
// Rankings of made-up times: plain cases, and how often they err.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "bench/quantiles.h"
#include "bench/random.h"
#include "bench/ranking.h"

enum { FIVE = 5, PLANNED = 24, TRIALS = 1500 };

// About normal, of deviation 1.
static double noise(struct random *random) {
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += random_unit(random);
    return sum;
}

struct world {
    double seconds[RANKING_MOST]; // true
    double own, shared;           // deviation of a run, and of what a round does to all of its runs
    uint32_t planned;             // rounds that spend the budget
    uint32_t n;
    struct ranking_rule rule;
};

// Runs rounds as a runner would: only those that are left, until it is decided or `rounds` are done.
static struct ranking simulate(const struct world *w, uint32_t rounds, struct random *random,
                               uint32_t *runs) {
    double times[RANKING_ROUNDS * RANKING_MOST], spent[RANKING_ROUNDS];
    struct ranking r = {0};
    uint32_t round = 0;
    for (; round < rounds && !r.decided; round++) {
        double shared = w->shared * noise(random);
        for (uint32_t c = 0; c < w->n; c++) {
            bool left = r.places[c] != RANKING_SLOWER && r.places[c] != RANKING_ASIDE;
            double spike = random_below(random, 20) ? 0 : 3 * w->own * random_unit(random);
            times[round * w->n + c] = left ? w->seconds[c] * exp(shared + w->own * noise(random) + spike) : 0;
            if (runs)
                *runs += left;
        }
        spent[round] = (round + 1.0) / w->planned;
        r = ranking_of(&(struct ranking_times){times, spent, round + 1, w->n}, &w->rule, round + 1 == rounds);
    }
    return r;
}

static struct world world_of(uint32_t n, double own) {
    struct world w = {.own = own, .shared = 0.2, .planned = PLANNED, .n = n, .rule = ranking_rule_default()};
    for (uint32_t c = 0; c < n; c++)
        w.seconds[c] = 1;
    return w;
}

static bool names_a_loser(const struct ranking *r, uint32_t n) {
    for (uint32_t c = 0; c < n; c++)
        if (r->places[c] == RANKING_SLOWER || r->places[c] == RANKING_ASIDE)
            return true;
    return false;
}

// As if the budget were for 96 rounds.
static struct ranking rank(const double *times, uint32_t rounds, uint32_t n, const struct ranking_rule *rule,
                           bool last) {
    double spent[RANKING_ROUNDS];
    for (uint32_t i = 0; i < RANKING_ROUNDS; i++)
        spent[i] = (i + 1.0) / RANKING_ROUNDS;
    return ranking_of(&(struct ranking_times){times, spent, rounds, n}, rule, last);
}

static struct ranking_ratio ratio_of(const double *times, uint32_t rounds, uint32_t a, uint32_t b) {
    return ranking_ratio(&(struct ranking_times){times, NULL, rounds, 2}, a, b);
}

// ---- plain cases

static void test_one_alone(void **state) {
    (void)state;
    struct ranking_rule rule = ranking_rule_default();
    struct ranking r = rank((const double[]){0.5}, 1, 1, &rule, false);
    assert_true(r.decided);
    assert_int_equal(r.places[0], RANKING_LEADER);
}

static void test_nothing_yet(void **state) {
    (void)state;
    struct ranking_rule rule = ranking_rule_default();
    struct ranking r = rank((const double[]){2, 1, 2, 1}, 2, 2, &rule, true);
    assert_false(r.decided);
    assert_int_equal(r.leader, 1); // as a guess
    assert_int_equal(r.places[0], RANKING_OPEN);
    assert_int_equal(r.places[1], RANKING_OPEN);
    r = rank(NULL, 0, 2, &rule, true);
    assert_false(r.decided);
}

// However clear: nine rounds cannot be as sure of five candidates, and ten are, if no round is to follow.
static void test_fewest_rounds(void **state) {
    (void)state;
    enum { FEWEST = 10 };
    struct ranking_rule rule = ranking_rule_default();
    double times[FEWEST * FIVE];
    for (int i = 0; i < FEWEST * FIVE; i++)
        times[i] = i % FIVE == 3 ? 1 + i * 1e-4 : 2 + i * 1e-4;
    assert_false(rank(times, FEWEST - 1, FIVE, &rule, true).decided);
    assert_false(rank(times, FEWEST, FIVE, &rule, false).decided); // of 96 that are planned
    struct ranking r = rank(times, FEWEST, FIVE, &rule, true);
    assert_true(r.decided);
    assert_int_equal(r.leader, 3);
    for (uint32_t c = 0; c < FIVE; c++)
        assert_int_equal(r.places[c], c == 3 ? RANKING_LEADER : RANKING_SLOWER);
}

// Two that are the same but for less than 3 % are not told apart, and that decides it.
static void test_equals(void **state) {
    (void)state;
    struct world w = world_of(3, 0.003);
    struct random random = {5};
    w.seconds[1] = 1.01;
    w.seconds[2] = 2;
    struct ranking r = simulate(&w, PLANNED, &random, NULL);
    assert_true(r.decided);
    assert_int_equal(r.places[0], RANKING_LEADER);
    assert_int_equal(r.places[1], RANKING_EQUAL);
    assert_int_equal(r.places[2], RANKING_SLOWER);
}

// Noise that drowns everything leaves it open, however many rounds there were.
static void test_open(void **state) {
    (void)state;
    struct world w = world_of(2, 0.5);
    struct random random = {6};
    w.seconds[1] = 1.05;
    struct ranking r = simulate(&w, PLANNED, &random, NULL);
    assert_false(r.decided);
    assert_int_equal(r.rounds, PLANNED);
    assert_int_equal(r.places[!r.leader], RANKING_OPEN);
}

static void test_set_aside(void **state) {
    (void)state;
    struct world w = world_of(FIVE, 0.02);
    struct random random = {7};
    double times[RANKING_FIRST * FIVE];
    w.rule.keep = 3;
    w.seconds[0] = w.seconds[4] = 1.5;
    for (int i = 0; i < RANKING_FIRST * FIVE; i++)
        times[i] = w.seconds[i % FIVE] * exp(w.own * noise(&random));
    struct ranking r = rank(times, RANKING_FIRST - 1, FIVE, &w.rule, false);
    assert_int_equal(r.places[0], RANKING_OPEN);
    r = rank(times, RANKING_FIRST, FIVE, &w.rule, false);
    assert_int_equal(r.places[0], RANKING_ASIDE);
    assert_int_equal(r.places[4], RANKING_ASIDE);
    assert_int_equal(r.places[2], RANKING_OPEN);
    times[4] = 0.5; // once it was the fastest
    r = rank(times, RANKING_FIRST, FIVE, &w.rule, false);
    assert_int_equal(r.places[4], RANKING_OPEN);
    w.rule.keep = 0;
    assert_int_equal(rank(times, RANKING_FIRST, FIVE, &w.rule, false).places[0], RANKING_OPEN);
}

static void test_ratio(void **state) {
    (void)state;
    double times[2 * 40] = {0};
    for (int round = 0; round < 40; round++) {
        times[2 * round] = 1 + round;
        times[2 * round + 1] = round < 30 ? 2.0 * (1 + round) : 0; // then it ran no more
    }
    struct ranking_ratio r = ratio_of(times, 40, 0, 1);
    assert_int_equal(r.rounds, 30);
    assert_true(fabs(r.estimate - 2) < 1e-12 && fabs(r.low - 2) < 1e-12 && fabs(r.high - 2) < 1e-12);
    r = ratio_of(times, 4, 1, 0);
    assert_true(r.low == 0 && isinf(r.high)); // four say nothing with 95 %
    assert_true(fabs(r.estimate - 0.5) < 1e-12);
    memset(times, 0, sizeof times);
    assert_int_equal(ratio_of(times, 40, 0, 1).rounds, 0);
}

// ---- how often it errs

static void assert_at_most(uint64_t hits, uint64_t trials, double most) {
    double low, high;
    quantiles_proportion(hits, trials, 0.999, &low, &high);
    assert_true(low <= most);
}

// All the same: none is named slower, or set aside, more often than promised; with noise as of a busy machine.
static void test_equals_are_not_told_apart(void **state) {
    (void)state;
    for (uint32_t n = 2; n <= FIVE; n += 3)
        for (uint32_t keep = 0; keep <= 3; keep += 3) {
            struct world w = world_of(n, 0.1);
            struct random random = {n + keep};
            uint64_t wrong = 0;
            w.rule.keep = keep;
            for (int i = 0; i < TRIALS; i++) {
                struct ranking r = simulate(&w, i % 2 ? PLANNED : 13, &random, NULL); // or the budget ends it
                wrong += names_a_loser(&r, n);
            }
            assert_at_most(wrong, TRIALS, w.rule.wrong);
        }
}

// A little better than the others: rarely found, and not named slower more often than promised.
static void test_wrong_winner(void **state) {
    (void)state;
    struct world w = world_of(FIVE, 0.1);
    struct random random = {11};
    uint64_t wrong = 0;
    w.rule.keep = 3;
    w.rule.equal = 0; // or it would be called equal, rightly
    for (uint32_t c = 1; c < FIVE; c++)
        w.seconds[c] = 1.01;
    for (int i = 0; i < TRIALS; i++) {
        struct ranking r = simulate(&w, PLANNED, &random, NULL);
        wrong += r.places[0] == RANKING_SLOWER || r.places[0] == RANKING_ASIDE;
    }
    assert_at_most(wrong, TRIALS, w.rule.wrong);
}

// 6 % slower than the best is not called equal to it.
static void test_blurred(void **state) {
    (void)state;
    struct world w = world_of(2, 0.03);
    struct random random = {12};
    uint64_t wrong = 0;
    w.seconds[1] = 1.031;
    for (int i = 0; i < TRIALS; i++)
        wrong += simulate(&w, PLANNED, &random, NULL).places[1] == RANKING_EQUAL;
    assert_at_most(wrong, TRIALS, w.rule.blurred);
}

// What is clear is found, and soon.
static void test_winner_is_found(void **state) {
    (void)state;
    struct world w = world_of(FIVE, 0.05);
    struct random random = {13};
    uint32_t found = 0, runs = 0;
    static const double seconds[FIVE] = {2, 1.9, 1, 1.3, 1.15};
    memcpy(w.seconds, seconds, sizeof seconds);
    w.rule.keep = 3;
    for (int i = 0; i < TRIALS / 2; i++) {
        struct ranking r = simulate(&w, PLANNED, &random, &runs);
        found += r.decided && r.leader == 2;
    }
    assert_true(found >= TRIALS / 2 * 97 / 100);
    assert_true(runs / (TRIALS / 2) < 80); // of 120, had all run in all rounds
}

int main(void) {
    const struct CMUnitTest all[] = {
        cmocka_unit_test(test_one_alone),
        cmocka_unit_test(test_nothing_yet),
        cmocka_unit_test(test_fewest_rounds),
        cmocka_unit_test(test_equals),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_set_aside),
        cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_equals_are_not_told_apart),
        cmocka_unit_test(test_wrong_winner),
        cmocka_unit_test(test_blurred),
        cmocka_unit_test(test_winner_is_found),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
